//! Every fault of the in-process server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use common::frames::{Came, DEADLINE, Frames, create, request, set_data, watched};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::server::{ReplyFilter, ServerFaultKind, TestServerBuilder};
use zookeeper_testkit::wire::{Acl, ConnectRequest, ErrorCode, OpCode};

/// Of sessions that are to expire.
const TIMEOUT: Duration = Duration::from_secs(2);
/// After this much silence they are overdue: the tick is 50 ms.
const OVERDUE: Duration = Duration::from_millis(2_100);

fn builder() -> TestServerBuilder {
    TestServer::builder().tick(Duration::from_millis(50)).max_session_timeout(common::TIMEOUT)
}

async fn server() -> TestServer {
    builder().start().await.unwrap()
}

async fn connect(server: &TestServer) -> Frames {
    Frames::connect(server.address()).await
}

/// A session that ends soon if nobody takes care of it.
async fn connect_shortly(server: &TestServer, member: usize) -> Frames {
    let mut client = Frames::open(server.addresses()[member]).await;
    client.shake(&request(TIMEOUT)).await.unwrap();
    client
}

#[tokio::test]
async fn a_session_expires_now() {
    let server = server().await;
    let (mut client, mut other) = (connect(&server).await, connect(&server).await);
    client.create_with("/e", 1).await;
    other.watch(OpCode::Exists, "/e").await;
    assert!(server.expire(client.session));
    assert!(server.view().ephemerals.is_empty());
    assert!(client.is_closed().await);
    assert_eq!(other.event().await, (2, "/e".to_owned()));
    assert!(!server.expire(client.session), "it has gone");
    assert_eq!(server.view().sessions.keys().copied().collect::<Vec<_>>(), [other.session]);
}

#[tokio::test]
async fn newcomers_are_refused_closed_or_ignored() {
    let server = server().await;
    let mut present = connect(&server).await;
    let refusing = server.refuse(0);
    assert_eq!(TcpStream::connect(server.address()).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    present.ping().await;
    refusing.end();
    let closing = server.accept_and_close(0);
    assert_eq!(Frames::open(server.address()).await.shake(&request(TIMEOUT)).await, None);
    closing.end();
    let silent = server.accept_and_say_nothing(0);
    let mut ignored = TcpStream::connect(server.address()).await.unwrap();
    let waiting = tokio::spawn(async move { ignored.read(&mut [0]).await });
    present.ping().await;
    assert!(!waiting.is_finished());
    drop(silent);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    connect(&server).await;
}

#[tokio::test]
async fn a_request_is_carried_out_and_its_reply_cut_off() {
    let server = server().await;
    let (mut client, mut other) = (connect(&server).await, connect(&server).await);
    let fault = server.cut_before_reply(ReplyFilter::to(OpCode::Create).on("/a").of(client.session));
    other.create("/b").await;
    client.create("/c").await;
    assert_eq!(fault.met(), None);
    client.send(OpCode::Create, create("/a", b"", &Acl::open(), 1)).await;
    assert!(client.is_closed().await);
    fault.wait_until_met(DEADLINE).await.unwrap();
    assert_eq!(other.stat("/a").await.unwrap().ephemeral_owner, client.session);
    assert_eq!(client.attach(server.address()).await.create("/a").await.error(), Some(ErrorCode::NodeExists));
}

#[tokio::test]
async fn replies_are_swallowed_held_and_delayed() {
    let server = server().await;
    let mut client = connect(&server).await;
    let swallowing = server.swallow_reply(OpCode::Create);
    client.send(OpCode::Create, create("/a", b"", &Acl::open(), 0)).await;
    client.ping().await;
    assert!(swallowing.met().is_some());
    assert!(client.stat("/a").await.is_some());
    client.create("/b").await;

    let holding = server.hold_reply(OpCode::SetData);
    let held = client.send(OpCode::SetData, set_data("/a", b"", -1)).await;
    holding.wait_until_met(DEADLINE).await.unwrap();
    let behind = client.send(OpCode::Exists, watched("/a", false)).await;
    let reading =
        tokio::spawn(async move { (client.answer(held).await, client.answer(behind).await, client) });
    connect(&server).await.set("/b", b"").await;
    assert!(!reading.is_finished(), "another connection is not held up");
    drop(holding);
    let (.., mut client) = reading.await.unwrap();

    let by = Duration::from_millis(40);
    let fault = server.delay_reply(ReplyFilter::any().of(client.session), by);
    for _ in 0..2 {
        let asked = Instant::now();
        client.ping().await;
        assert!(asked.elapsed() >= by);
    }
    assert!(fault.met().is_some());
}

#[tokio::test]
async fn events_are_held_and_lost() {
    let server = server().await;
    let (mut client, mut other) = (connect(&server).await, connect(&server).await);
    let fault = server.swallow_reply(ReplyFilter::to(OpCode::Notification).on("/a"));
    for path in ["/a", "/b"] {
        client.watch(OpCode::Exists, path).await;
        other.create(path).await;
    }
    assert_eq!(client.event().await, (1, "/b".to_owned()), "that of /a is lost");
    fault.end();
    client.watch(OpCode::Exists, "/a").await;
    let fault = server.hold_reply(OpCode::Notification);
    other.delete("/a").await;
    fault.wait_until_met(DEADLINE).await.unwrap();
    drop(fault);
    assert_eq!(client.event().await, (2, "/a".to_owned()));
}

#[tokio::test]
async fn errors_are_answered_to_order() {
    let server = server().await;
    let mut client = connect(&server).await;
    let fault = server.answer_error(ReplyFilter::any().on("/a"), ErrorCode::NoAuth);
    let before = server.view().zxid;
    for _ in 0..2 {
        assert_eq!(client.create("/a").await.error(), Some(ErrorCode::NoAuth));
    }
    assert_eq!(client.watch(OpCode::Exists, "/a").await.error(), Some(ErrorCode::NoAuth));
    assert_eq!(client.create("/b").await.header.zxid, before + 3, "writes that fail take zxids, too");
    assert!(fault.met().is_some());
    drop(fault);
    assert_eq!(client.create("/a").await.events, [], "nothing was carried out, the watch neither");
}

#[tokio::test]
async fn a_restart_keeps_or_wipes() {
    let server = server().await;
    let mut client = connect(&server).await;
    client.create_with("/e", 1).await;
    let zxid = client.watch(OpCode::GetData, "/e").await.header.zxid;
    server.restart();
    assert!(client.is_closed().await);
    let mut again = client.attach(server.address()).await;
    assert_eq!(again.set("/e", b"").await.events, [], "watches are gone");
    assert_eq!(again.stat("/e").await.unwrap().ephemeral_owner, client.session);
    server.restart_wiped();
    assert!(again.is_closed().await);
    let ahead = ConnectRequest { last_zxid: zxid, ..request(TIMEOUT) };
    assert_eq!(Frames::open(server.address()).await.shake(&ahead).await, None);
    let session =
        ConnectRequest { session_id: client.session, password: client.password.clone(), ..request(TIMEOUT) };
    assert!(Frames::open(server.address()).await.shake(&session).await.unwrap().is_refused());
    let mut new = connect(&server).await;
    assert_ne!(new.session, client.session);
    assert_eq!(new.stat("/e").await, None);
    assert_eq!(new.ping().await.header.zxid, 1);
}

#[tokio::test]
async fn an_isolated_member_serves_what_it_knew() {
    let server = builder().members(2).sync_limit(1_000_000).start().await.unwrap();
    let (mut inside, mut outside) = (connect_shortly(&server, 1).await, connect(&server).await);
    inside.create_with("/e", 1).await;
    let fault = server.isolate(1);
    let zxid = inside.ping().await.header.zxid;
    outside.set("/e", b"new").await;
    assert_eq!(inside.stat("/e").await.unwrap().data_length, 0);
    outside.watch(OpCode::Exists, "/e").await;
    // It pings all the time, and its session dies all the same.
    let died = tokio::spawn(async move { outside.event().await });
    while !died.is_finished() {
        assert_eq!(inside.ping().await.header.zxid, zxid);
    }
    assert_eq!(died.await.unwrap(), (2, "/e".to_owned()));
    assert!(inside.stat("/e").await.is_some(), "it still sees its node");
    inside.send(OpCode::SetData, set_data("/e", b"", -1)).await;
    server.wait_for(DEADLINE, |view| view.waiting == 1).await.unwrap();
    inside.write(&Frames::encoded(-2, OpCode::Ping, Default::default())).await;
    server.wait_for(DEADLINE, |view| view.waiting == 2).await.unwrap();
    drop(fault);
    assert!(inside.is_closed().await);
    assert!(server.view().waiting == 0);
}

#[tokio::test]
async fn a_server_that_stands_alone_is_isolated_as_well() {
    let server = builder().sync_limit(1_000_000).start().await.unwrap();
    let mut client = connect_shortly(&server, 0).await;
    client.create_with("/e", 1).await;
    let fault = server.isolate(0);
    let handle = server.handle();
    let died = tokio::spawn(async move { handle.wait_for(DEADLINE, |view| view.sessions.is_empty()).await });
    while !died.is_finished() {
        client.ping().await;
    }
    died.await.unwrap().unwrap();
    assert!(server.view().ephemerals.is_empty());
    assert!(client.stat("/e").await.is_some(), "it still sees its node");
    drop(fault);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_isolated_member_catches_up() {
    let server = builder().members(2).sync_limit(1_000_000).start().await.unwrap();
    let mut inside = Frames::connect(server.addresses()[1]).await;
    let mut outside = connect(&server).await;
    inside.create("/a").await;
    inside.watch(OpCode::GetData, "/a").await;
    let fault = server.isolate(1);
    outside.set("/a", b"new").await;
    let pending = inside.send(OpCode::Create, create("/b", b"", &Acl::open(), 0)).await;
    server.wait_for(DEADLINE, |view| view.waiting == 1).await.unwrap();
    let mut newcomer = Frames::open(server.addresses()[1]).await;
    let newcomer = tokio::spawn(async move { newcomer.shake(&request(TIMEOUT)).await });
    server.wait_for(DEADLINE, |view| view.waiting == 2).await.unwrap();
    assert!(!newcomer.is_finished());
    drop(fault);
    let answer = inside.answer(pending).await;
    assert_eq!(answer.events, [(3, "/a".to_owned())], "what it missed comes first");
    assert_eq!(answer.error(), None);
    assert!(newcomer.await.unwrap().is_some());
}

#[tokio::test]
async fn an_isolated_member_gives_up() {
    let server = builder().members(2).sync_limit(4).start().await.unwrap();
    let mut inside = Frames::connect(server.addresses()[1]).await;
    let fault = server.isolate(1);
    let pending = inside.send(OpCode::Create, create("/b", b"", &Acl::open(), 0)).await;
    assert!(inside.is_closed().await, "after syncLimit, and without an answer to {pending}");
    assert_eq!(Frames::open(server.addresses()[1]).await.shake(&request(TIMEOUT)).await, None);
    let mut moved = inside.attach(server.address()).await;
    drop(fault);
    assert_eq!(moved.stat("/b").await, None, "it was lost");
    let mut back = moved.attach(server.addresses()[1]).await;
    moved.send(OpCode::Exists, watched("/b", false)).await;
    assert!(moved.is_closed().await, "its session has moved");
    back.ping().await;
}

#[tokio::test]
async fn members_serve_the_same_nodes() {
    let server = builder().members(3).start().await.unwrap();
    assert_eq!(server.connect_string().split(',').count(), 3);
    let mut clients = Vec::new();
    for address in server.addresses() {
        clients.push(Frames::connect(*address).await);
    }
    clients[2].watch(OpCode::Exists, "/a").await;
    clients[0].create("/a").await;
    assert_eq!(clients[2].event().await, (1, "/a".to_owned()));
    let epoch = clients[1].ping().await.header.zxid >> 32;
    server.restart();
    let again = clients[1].attach(server.addresses()[0]).await.ping().await;
    assert_eq!(again.header.zxid >> 32, epoch + 1, "another leader's");
}

#[tokio::test]
async fn a_paused_server_says_nothing_and_expires_first() {
    let server = server().await;
    let (mut short, mut long) = (connect_shortly(&server, 0).await, connect(&server).await);
    short.create_with("/e", 1).await;
    let fault = server.pause();
    let paused = Instant::now();
    short.write(&Frames::encoded(-2, OpCode::Ping, Default::default())).await;
    let asking = tokio::spawn(async move { (long.stat("/e").await, long) });
    let knocking = TcpStream::connect(server.address()).await;
    assert!(knocking.is_ok(), "the kernel accepts");
    // What is waited for is time itself: that in which the session is overdue.
    tokio::time::sleep_until((paused + OVERDUE).into()).await;
    assert!(!asking.is_finished());
    assert!(server.view().sessions.contains_key(&short.session), "nothing happens meanwhile");
    drop(fault);
    assert!(short.is_closed().await, "its ping came too late");
    let (stat, mut long) = asking.await.unwrap();
    assert_eq!(stat, None, "it expired before anything else");
    long.ping().await;
}

#[tokio::test]
async fn a_condemned_session_is_served_until_it_ends() {
    let server = server().await;
    let (silent, mut other) = (connect_shortly(&server, 0).await, connect(&server).await);
    let session = silent.session;
    let slow = server.hold_expiry();
    server.wait_for(DEADLINE, |view| view.condemned.contains(&session)).await.unwrap();
    let mut back = silent.attach(server.address()).await;
    back.ping().await;
    back.create_with("/e", 1).await;
    other.watch(OpCode::Exists, "/e").await;
    assert_eq!(server.view().owner("/e"), Some(session));
    assert_eq!(server.view().condemned, BTreeSet::from([session]));

    drop(slow);
    assert!(back.is_closed().await);
    assert_eq!(other.event().await, (2, "/e".to_owned()));
    let mut late = Frames::open(server.address()).await;
    let attach = ConnectRequest { session_id: session, password: back.password, ..request(TIMEOUT) };
    assert!(late.shake(&attach).await.unwrap().is_refused());
    assert_eq!(server.view().condemned, BTreeSet::new());
}

#[tokio::test]
async fn a_restart_saves_who_is_condemned() {
    let server = builder().expiry_delay(DEADLINE).start().await.unwrap();
    let silent = connect_shortly(&server, 0).await;
    let session = silent.session;
    server.wait_for(DEADLINE, |view| view.condemned.contains(&session)).await.unwrap();
    let mut back = silent.attach(server.address()).await;
    back.ping().await;
    assert_eq!(server.view().condemned, BTreeSet::from([session]), "for as long as the delay is");
    server.restart();
    assert_eq!(server.view().condemned, BTreeSet::new());
    assert!(server.view().sessions.contains_key(&session));
}

#[tokio::test]
async fn a_write_arrives_after_its_client_has_gone() {
    let server = server().await;
    let mut client = connect(&server).await;
    let fault = server.pause_leader();
    client.send(OpCode::Create, create("/ghost", b"", &Acl::open(), 1)).await;
    server.wait_for(DEADLINE, |view| view.waiting == 1).await.unwrap();
    let session = client.session;
    drop(client);
    server.wait_for(DEADLINE, |view| view.connections == 0).await.unwrap();
    drop(fault);
    assert_eq!(server.view().ephemerals[&session], BTreeSet::from(["/ghost".to_owned()]));
}

#[tokio::test]
async fn a_write_that_arrives_after_its_session_has_moved_is_refused() {
    for its_client_goes in [false, true] {
        let server = builder().members(2).sync_limit(1_000_000).start().await.unwrap();
        let mut inside = Frames::connect(server.addresses()[1]).await;
        let fault = server.isolate(1);
        inside.send(OpCode::Create, create("/late", b"", &Acl::open(), 0)).await;
        server.wait_for(DEADLINE, |view| view.waiting == 1).await.unwrap();
        let mut moved = inside.attach(server.address()).await;
        let zxid = moved.ping().await.header.zxid;
        if its_client_goes {
            drop(inside);
            server.wait_for(DEADLINE, |view| view.connections == 1).await.unwrap();
            fault.end();
        } else {
            fault.end();
            assert!(inside.is_closed().await);
        }
        assert_eq!(moved.stat("/late").await, None);
        assert_eq!(moved.ping().await.header.zxid, zxid + 1, "it was looked at");
    }
}

#[tokio::test]
async fn cut_closes_all_connections() {
    let server = server().await;
    let (mut one, mut two) = (connect(&server).await, connect(&server).await);
    server.cut();
    assert_eq!((one.next().await, two.next().await), (Came::Closed, Came::Closed));
    one.attach(server.address()).await.ping().await;
}

#[tokio::test]
async fn faults_say_what_they_are() {
    let server = server().await;
    let filter = ReplyFilter::to(OpCode::Create).on("/a").of(0xab);
    let faults = [server.refuse(0), server.isolate(9), server.answer_error(filter, ErrorCode::NoAuth)];
    assert_eq!(server.faults().len(), 3);
    assert_eq!(faults[1].kind(), &ServerFaultKind::Isolate(9));
    assert_eq!(faults[0].to_string(), "member 0 refuses connections");
    assert_eq!(faults[2].to_string(), "answer Create on /a of session 0xab with NoAuth");
    let said = format!("{server:?}");
    assert!(said.contains("member 9 is cut off from its ensemble; answer Create"), "{said}");
    drop(faults);
    assert_eq!(server.faults(), []);
}
