//! Every fault of the proxy, in front of a real server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zookeeper_testkit::four_letter::{self, Mode};
use zookeeper_testkit::proxy::{Direction, Fate, FaultKind, FaultProxy, ReplyFilter};
use zookeeper_testkit::wire::{Acl, CreateMode, ErrorCode, OpCode, RawClient, WireError, expire_session};

use common::{TIMEOUT, connect, path, server};

/// Far beyond what anything here takes; what is waited for comes by an event.
const DEADLINE: Duration = Duration::from_secs(30);

async fn proxy() -> FaultProxy {
    FaultProxy::start(server().await).unwrap()
}

/// A client of a test that goes on beside it.
async fn create(mut client: RawClient, path: String) -> (RawClient, Result<String, WireError>) {
    let created = client.create(&path, b"", &Acl::open(), CreateMode::Persistent).await;
    (client, created)
}

fn is_broken<T: std::fmt::Debug>(result: Result<T, WireError>) -> bool {
    matches!(result, Err(WireError::Io(_)))
}

#[tokio::test]
async fn what_passes_is_recorded() {
    let proxy = proxy().await;
    let before = Instant::now();
    let mut client = connect(proxy.address()).await;
    let path = path("recorded");
    client.create(&path, b"x", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    client.ping().await.unwrap();
    assert!(matches!(client.get_data("/none").await, Err(WireError::Refused(ErrorCode::NoNode))));

    let handshakes = proxy.handshakes();
    let [handshake] = handshakes.as_slice() else { panic!("{handshakes:?}") };
    let response = handshake.response.as_ref().unwrap();
    assert_eq!((handshake.request.session_id, handshake.request.timeout), (0, TIMEOUT));
    assert_eq!(response.session_id, client.session_id());
    assert_eq!(response.password, client.password());
    assert_eq!(response.timeout, client.session_timeout());
    assert!(before <= handshake.requested_at && Some(handshake.requested_at) <= handshake.responded_at);

    let requests: Vec<_> =
        proxy.requests().into_iter().map(|request| (request.op, request.xid, request.path)).collect();
    assert_eq!(requests[0], (OpCode::Create, requests[0].1, Some(path.clone())));
    assert_eq!(requests[1], (OpCode::Ping, -2, None));
    assert_eq!(requests[2], (OpCode::GetData, requests[0].1 + 1, Some("/none".to_owned())));
    let replies = proxy.replies();
    assert_eq!((replies[0].op, replies[0].path.as_deref()), (OpCode::Create, Some(path.as_str())));
    assert_eq!(replies[2].error, Some(ErrorCode::NoNode));
    assert!(replies.iter().all(|reply| matches!(reply.fate, Fate::Delivered(at) if at >= reply.at)));
    assert_eq!(proxy.record().count(OpCode::Ping), 1);
    assert_eq!(proxy.record().sessions(), [client.session_id()]);

    proxy.forget();
    client.close().await.unwrap();
    assert_eq!(proxy.record().counts().into_iter().collect::<Vec<_>>(), [(OpCode::CloseSession, 1)]);
    proxy.wait_for(DEADLINE, |record| record.open == 0).await.unwrap();
}

#[tokio::test]
async fn four_letter_words_pass() {
    let proxy = proxy().await;
    assert_eq!(four_letter::mode(proxy.address()).await.unwrap(), Mode::Standalone);
    assert_eq!(proxy.record().handshakes, []);
}

#[tokio::test]
async fn cut_resets_all_connections_and_admits_new_ones() {
    let proxy = proxy().await;
    let (mut one, mut two) = (connect(proxy.address()).await, connect(proxy.address()).await);
    let mut idle = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.wait_for(DEADLINE, |record| record.accepted == 3).await.unwrap();
    proxy.cut();
    assert_eq!(proxy.open_connections(), 0);
    assert_eq!(idle.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(is_broken(one.ping().await) && is_broken(two.ping().await));
    let session = Some((one.session_id(), one.password().to_vec()));
    let again = RawClient::connect(proxy.address(), TIMEOUT, session).await.unwrap();
    assert_eq!(again.session_id(), one.session_id(), "the session lives on");
    assert_eq!(proxy.handshakes()[2].request.session_id, one.session_id());
}

#[tokio::test]
async fn refuse_refuses_new_connections_only() {
    let proxy = proxy().await;
    let mut present = connect(proxy.address()).await;
    for _ in 0..3 {
        let fault = proxy.refuse();
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        present.ping().await.unwrap();
        fault.end();
        connect(proxy.address()).await;
    }
    let (one, two) = (proxy.refuse(), proxy.refuse());
    drop(one);
    assert!(TcpStream::connect(proxy.address()).await.is_err(), "the other is still in force");
    drop(two);
    connect(proxy.address()).await;
}

#[tokio::test]
async fn accept_and_close_closes_new_connections_only() {
    let proxy = proxy().await;
    let mut present = connect(proxy.address()).await;
    let fault = proxy.accept_and_close();
    assert!(is_broken(RawClient::connect(proxy.address(), TIMEOUT, None).await));
    present.ping().await.unwrap();
    drop(fault);
    connect(proxy.address()).await;
}

#[tokio::test]
async fn accept_and_say_nothing_keeps_new_connections_waiting() {
    let proxy = proxy().await;
    let mut present = connect(proxy.address()).await;
    let fault = proxy.accept_and_say_nothing();
    let mut silenced = TcpStream::connect(proxy.address()).await.unwrap();
    silenced.write_all(b"ruok").await.unwrap();
    present.ping().await.unwrap();
    let answer = tokio::spawn(async move { silenced.read(&mut [0]).await });
    present.ping().await.unwrap();
    assert!(!answer.is_finished());
    drop(fault);
    assert_eq!(answer.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.record().accepted, 1, "the silenced one never counted");
    connect(proxy.address()).await;
}

#[tokio::test]
async fn hold_to_the_server_delivers_later() {
    let proxy = proxy().await;
    let (client, path) = (connect(proxy.address()).await, path("held"));
    let mut direct = connect(server().await).await;
    let fault = proxy.hold(Direction::ToServer);
    let creating = tokio::spawn(create(client, path.clone()));
    proxy.wait_for(DEADLINE, |record| record.count(OpCode::Create) == 1).await.unwrap();
    assert_eq!(proxy.requests()[0].fate, Fate::UnderWay);
    assert_eq!(direct.exists(&path).await.unwrap(), None);
    drop(fault);
    creating.await.unwrap().1.unwrap();
    assert!(direct.exists(&path).await.unwrap().is_some());
    assert!(proxy.requests()[0].fate.is_delivered());
}

#[tokio::test]
async fn hold_to_the_client_delivers_later() {
    let proxy = proxy().await;
    let (client, path) = (connect(proxy.address()).await, path("held"));
    let fault = proxy.hold(Direction::ToClient);
    let creating = tokio::spawn(create(client, path.clone()));
    proxy.wait_for(DEADLINE, |record| record.replies.len() == 1).await.unwrap();
    assert!(connect(server().await).await.exists(&path).await.unwrap().is_some(), "it was carried out");
    assert!(!creating.is_finished());
    assert_eq!(proxy.replies()[0].fate, Fate::UnderWay);
    drop(fault);
    creating.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn hold_keeps_the_end_of_a_connection_too() {
    let proxy = proxy().await;
    let client = connect(proxy.address()).await;
    let id = client.session_id();
    let fault = proxy.hold(Direction::ToServer);
    drop(client);
    let is_connected = async || {
        let connections = four_letter::connections(server().await).await.unwrap();
        connections.iter().any(|connection| connection.session == Some(id))
    };
    assert!(is_connected().await);
    assert_eq!(proxy.open_connections(), 1);
    drop(fault);
    proxy.wait_for(DEADLINE, |record| record.open == 0).await.unwrap();
    assert!(!is_connected().await);
}

#[tokio::test]
async fn swallow_loses_whole_frames() {
    let proxy = proxy().await;
    let (client, lost, kept) = (connect(proxy.address()).await, path("lost"), path("kept"));
    let fault = proxy.swallow(Direction::ToServer);
    let session = (client.session_id(), client.password().to_vec());
    let creating = tokio::spawn(create(client, lost.clone()));
    proxy
        .wait_for(DEADLINE, |record| record.requests.iter().any(|request| request.fate.is_lost()))
        .await
        .unwrap();
    drop(fault);
    creating.abort();

    let mut client = RawClient::connect(proxy.address(), TIMEOUT, Some(session)).await.unwrap();
    assert_eq!(client.exists(&lost).await.unwrap(), None);
    let fault = proxy.swallow(Direction::ToClient);
    let creating = tokio::spawn(create(client, kept.clone()));
    proxy.wait_for(DEADLINE, |record| record.replies.iter().any(|reply| reply.fate.is_lost())).await.unwrap();
    drop(fault);
    assert!(!creating.is_finished());
    creating.abort();
    assert!(connect(proxy.address()).await.exists(&kept).await.unwrap().is_some());
}

#[tokio::test]
async fn delays_add_up_and_keep_the_order() {
    let proxy = proxy().await;
    let mut client = connect(proxy.address()).await;
    let by = Duration::from_millis(60);
    let there = proxy.delay(Direction::ToServer, by);
    let back = proxy.delay(Direction::ToClient, by);
    let started = Instant::now();
    client.ping().await.unwrap();
    assert!(started.elapsed() >= 2 * by);
    drop((there, back));

    let endless = proxy.delay(Direction::Both, Duration::from_secs(3_600));
    let pinging = tokio::spawn(async move { client.ping().await });
    proxy.wait_for(DEADLINE, |record| record.count(OpCode::Ping) == 2).await.unwrap();
    drop(endless);
    pinging.await.unwrap().unwrap();
}

#[tokio::test]
async fn single_bytes_arrive_as_frames() {
    let proxy = proxy().await;
    let fault = proxy.single_bytes(Direction::Both);
    let mut client = connect(proxy.address()).await;
    let path = path("bytes");
    client.create(&path, &[7; 3_000], &Acl::open(), CreateMode::Persistent).await.unwrap();
    assert_eq!(client.get_data(&path).await.unwrap().0, [7; 3_000]);
    fault.end();
}

#[tokio::test]
async fn cut_before_reply_carries_the_request_out() {
    let proxy = proxy().await;
    let (client, path) = (connect(proxy.address()).await, path("cut"));
    let fault = proxy.cut_before_reply(ReplyFilter::to(OpCode::Create).on(&path));
    let (_, other) = create(connect(proxy.address()).await, common::path("other")).await;
    other.unwrap();
    assert_eq!(fault.met(), None, "another path");
    let (_, created) = create(client, path.clone()).await;
    assert!(is_broken(created));
    assert_eq!(fault.wait_until_met(DEADLINE).await.unwrap(), 1);
    let mut again = connect(proxy.address()).await;
    assert!(again.exists(&path).await.unwrap().is_some());
    again.delete(&path, None).await.unwrap();
    create(again, path).await.1.expect("it strikes once");
}

#[tokio::test]
async fn hold_reply_holds_what_follows_as_well() {
    let proxy = proxy().await;
    let (client, path) = (connect(proxy.address()).await, path("held"));
    let fault = proxy.hold_reply(OpCode::Create);
    let creating = tokio::spawn(create(client, path.clone()));
    fault.wait_until_met(DEADLINE).await.unwrap();
    // Another connection is not concerned.
    let mut other = connect(proxy.address()).await;
    assert!(other.exists(&path).await.unwrap().is_some());
    assert!(!creating.is_finished());
    fault.end();
    let (mut client, created) = creating.await.unwrap();
    created.unwrap();
    client.ping().await.unwrap();
}

#[tokio::test]
async fn swallow_reply_loses_one_reply() {
    let proxy = proxy().await;
    let (client, path) = (connect(proxy.address()).await, path("lost"));
    let fault = proxy.swallow_reply(OpCode::Create);
    let creating = tokio::spawn(create(client, path.clone()));
    fault.wait_until_met(DEADLINE).await.unwrap();
    assert!(connect(proxy.address()).await.exists(&path).await.unwrap().is_some());
    assert!(!creating.is_finished());
    creating.abort();
    let replies = proxy.replies();
    let lost = replies.iter().find(|reply| reply.op == OpCode::Create).unwrap();
    assert!(lost.fate.is_lost());
}

#[tokio::test]
async fn a_session_expires_behind_a_black_hole() {
    let server = server().await;
    let proxy = proxy().await;
    let path = path("ephemeral");
    let mut client = RawClient::connect(proxy.address(), Duration::from_secs(1), None).await.unwrap();
    client.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let silence = proxy.hold(Direction::Both);
    while four_letter::sessions(server).await.unwrap().contains(&client.session_id()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connect(server).await.exists(&path).await.unwrap(), None);
    silence.end();
    assert!(is_broken(client.ping().await));
    let session = Some((client.session_id(), client.password().to_vec()));
    let refused = RawClient::connect(proxy.address(), TIMEOUT, session).await;
    assert!(matches!(refused, Err(WireError::SessionRefused)));
    assert!(proxy.handshakes()[1].response.as_ref().unwrap().is_refused());
}

#[tokio::test]
async fn watch_events_are_replies_to_notification() {
    let server = server().await;
    let proxy = proxy().await;
    let path = path("watched");
    let mut client = connect(proxy.address()).await;
    // Bytes by hand, since the raw client sets no watches: exists(path, watch).
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let request = zookeeper_testkit::wire::ConnectRequest::new(TIMEOUT);
    let mut exists = zookeeper_testkit::wire::Encoder::new();
    exists.int(1).int(OpCode::Exists.number()).string(&path).bool(true);
    for body in [request.encode(), exists.finish()] {
        stream.write_all(&zookeeper_testkit::wire::frame(&body)).await.unwrap();
    }
    proxy.wait_for(DEADLINE, |record| record.replies.len() == 1).await.unwrap();
    assert_eq!(four_letter::watches(server).await.unwrap()[&path].len(), 1);
    let fault = proxy.swallow_reply(ReplyFilter::to(OpCode::Notification).on(&path));
    client.create(&path, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    fault.wait_until_met(DEADLINE).await.unwrap();
    assert!(!four_letter::watches(server).await.unwrap().contains_key(&path));
}

#[tokio::test]
async fn faults_print_themselves() {
    let proxy = proxy().await;
    let delay = proxy.delay(Direction::ToClient, Duration::from_millis(5));
    let cut = proxy.cut_before_reply(ReplyFilter::to(OpCode::Delete).on("/a"));
    assert_eq!(delay.to_string(), "delay frames to the client by 5ms");
    assert_eq!(format!("{cut:?}"), "Fault(cut before the next reply to Delete on /a)");
    let printed = format!("{proxy:?}");
    assert!(
        printed.ends_with("(delay frames to the client by 5ms; cut before the next reply to Delete on /a)")
    );
    drop(delay);
    assert_eq!(proxy.faults(), [FaultKind::CutBeforeReply(ReplyFilter::to(OpCode::Delete).on("/a"))]);
}

#[tokio::test]
async fn what_does_not_come_is_told() {
    let proxy = proxy().await;
    connect(proxy.address()).await;
    let late = proxy.wait_for(Duration::from_millis(20), |record| record.count(OpCode::Sync) > 0).await;
    let message = late.unwrap_err().to_string();
    assert!(message.contains("1 of 1 handshakes answered"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_matter() {
    let proxy = proxy().await;
    let client = connect(proxy.address()).await;
    let fault = proxy.hold_reply(OpCode::Create);
    let creating = tokio::spawn(create(client, path("paused")));
    fault.wait_until_met(DEADLINE).await.unwrap();
    fault.end();
    creating.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn nothing_is_left_of_a_dropped_proxy() {
    let proxy = proxy().await;
    let mut client = connect(proxy.address()).await;
    let (handle, fault) = (proxy.handle(), proxy.hold(Direction::ToServer));
    drop(proxy);
    assert!(is_broken(client.ping().await));
    assert!(TcpStream::connect(handle.address()).await.is_err());
    // Of no effect, and no harm.
    handle.cut();
    handle.refuse().end();
    assert!(handle.wait_for(DEADLINE, |_| false).await.is_err());
    fault.end();
}

#[tokio::test]
async fn a_server_that_is_down_shows_as_a_reset() {
    let nowhere = FaultProxy::start(FaultProxy::start(server().await).unwrap().address()).unwrap();
    assert!(is_broken(RawClient::connect(nowhere.address(), TIMEOUT, None).await));
}

#[tokio::test]
async fn a_session_is_ended_from_outside_by_what_the_handshake_told() {
    let server = server().await;
    let proxy = proxy().await;
    let mut client = connect(proxy.address()).await;
    let granted = proxy.handshakes()[0].response.clone().unwrap();
    expire_session(server, granted.session_id, &granted.password).await.unwrap();
    assert!(is_broken(client.ping().await));
    assert!(!four_letter::sessions(server).await.unwrap().contains(&granted.session_id));
}
