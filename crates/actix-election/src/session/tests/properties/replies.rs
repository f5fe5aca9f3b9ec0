//! Requests and what becomes of them; watches and their events.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fake::{FakeServer, NO_NODE, node, reply};
use super::super::*;
use actix_election_core::Refusal;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::wire::{Acl, CreateMode, OpCode, RawClient};
use zookeeper_testkit::{Ensemble, FaultProxy};
use zookeeper_wire::Encoder;

const T: Duration = Duration::from_secs(20);

#[tokio::test]
async fn nothing_of_an_old_connection_comes_after_a_new_one() {
    const NODES: usize = 2000;
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let up = rig.connected().await;
    rig.create("/mine").await;
    for round in 0..3 {
        // Nodes that all vanish at once, with the session that made them.
        let mut raw = RawClient::connect(server, T, None).await.unwrap();
        let mut paths = BTreeMap::new();
        for i in 0..NODES {
            let path = format!("/n{i}");
            raw.create(&path, path.as_bytes(), &Acl::open(), CreateMode::Ephemeral).await.unwrap();
            paths.insert(rig.send(watch(&path)), path);
        }
        for _ in 0..NODES {
            match rig.notice().await {
                Notice::Answered(op, Reply::Found(node)) => assert_eq!(node.data, paths[&op].as_bytes()),
                _ => panic!("round {round}: something else than the answers"),
            }
        }
        proxy.forget();
        let hold = proxy.hold(Direction::ToClient);
        raw.close().await.unwrap();
        let mut reads = BTreeSet::new();
        for _ in 0..200 {
            reads.insert(rig.send(read("/mine")));
        }
        proxy.wait_for(TEST_TIMEOUT, |record| record.replies.len() >= NODES).await.unwrap();
        // Both at once: some of what was held arrives, some is lost with the connection.
        hold.end();
        proxy.cut();
        loop {
            match rig.notice().await {
                Notice::WatchFired(op, WatchEvent::Deleted) => {
                    assert!(paths.remove(&op).is_some(), "a watch fires once");
                }
                Notice::Answered(op, Reply::Found(node)) if node.data == b"here:1" => {
                    assert!(reads.remove(&op), "a request is answered once");
                }
                Notice::Answered(op, Reply::Unknown) => assert!(reads.remove(&op)),
                Notice::Disconnected => break,
                _ => panic!("round {round}: an answer to something else"),
            }
        }
        match rig.notice().await {
            Notice::Connected { session, .. } => assert_eq!(session, up.session),
            _ => panic!("round {round}: something of the old connection"),
        }
        // What has been asked now is the very next that is heard of.
        assert_eq!(rig.read("/mine").await.stat.ephemeral_owner, up.session.0);
    }
    rig.close().await;
}

#[tokio::test]
async fn a_request_for_an_old_connection_is_never_sent() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    rig.connected().await;
    let old = rig.connection;
    proxy.cut();
    // Also one that comes while there is no connection at all.
    rig.disconnected().await;
    rig.send_on(old, create("/early"));
    rig.connected().await;
    rig.send_on(old, create("/late"));
    rig.send_on(ConnectionId(old.0 + 2), create("/never"));
    assert_eq!(rig.ask(read("/early")).await, Reply::Missing);
    assert_eq!(rig.ask(read("/late")).await, Reply::Missing);
    assert_eq!(proxy.record().count(OpCode::Create2), 0);
    rig.close().await;
}

#[tokio::test]
async fn a_reply_out_of_turn_ends_the_connection() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    for wrong in [|first, _| first + 1, |_, second| second, |_, _| 0, |_, _| -4, |_, _| i32::MIN] {
        let mut connection = server.serve(77, T).await;
        rig.connected().await;
        let ops = [rig.send(read("/a")), rig.send(read("/b"))];
        let first = connection.next_request().await.unwrap().xid;
        let second = connection.next_request().await.unwrap().xid;
        connection.reply(wrong(first, second), 0, &node(b"wrong", 1, 1)).await;
        loop {
            match rig.notice().await {
                Notice::Disconnected => break,
                Notice::Answered(op, Reply::Unknown) => assert!(ops.contains(&op)),
                _ => panic!("a reply was taken for another's"),
            }
        }
        // Whatever was sent before it left, it has left.
        while connection.request().await.is_some() {}
    }
}

#[tokio::test]
async fn a_lost_reply_ends_the_connection() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let up = rig.connected().await;
    rig.create("/m").await;
    let lost = proxy.swallow_reply(OpCode::GetData);
    let op = rig.send(read("/m"));
    // The next reply, to a probe or to this, tells.
    let next = rig.send(exists("/m"));
    loop {
        match rig.notice().await {
            Notice::Disconnected => break,
            Notice::Answered(answered, Reply::Unknown) => assert!([op, next].contains(&answered)),
            _ => panic!("a reply was taken for another's"),
        }
    }
    assert!(lost.met().is_some());
    assert_eq!(rig.connected().await.session, up.session);
    rig.read("/m").await;
    rig.close().await;
}

#[tokio::test]
async fn a_probe_answered_with_another_error_proves_nothing() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    // Done, no such version, not allowed, a node with children.
    for error in [0, -103, -102, -111] {
        let (mut connection, _) = server.attach(77, T).await;
        let probe = connection.request().await.unwrap();
        connection.reply(probe.xid, error, &[]).await;
        assert!(connection.request().await.is_none(), "error {error} ends the connection");
    }
    assert!(rig.notices.try_recv().is_err(), "and nobody is told that it was connected");
    let connection = server.serve(77, T).await;
    rig.connected().await;
    drop(connection);
}

#[tokio::test]
async fn the_last_words_of_a_server_are_heard() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    for _ in 0..20 {
        let mut connection = server.serve(77, T).await;
        rig.connected().await;
        let ops = [rig.send(read("/a")), rig.send(read("/b"))];
        let mut words = Vec::new();
        for answer in [b"a", b"b"] {
            let request = connection.next_request().await.unwrap();
            words.extend(reply(request.xid, 0, &node(answer, 1, 1)));
        }
        connection.write(&words).await;
        // And closed, before anything else is read.
        drop(connection);
        for (op, data) in ops.into_iter().zip([b"a", b"b"]) {
            match rig.notice().await {
                Notice::Answered(answered, Reply::Found(node)) => {
                    assert_eq!((answered, &node.data[..]), (op, &data[..]));
                }
                _ => panic!("the answer has arrived"),
            }
        }
        assert!(matches!(rig.notice().await, Notice::Disconnected));
    }
}

/// A list can be long, and the network slow: what comes in the midst of it is a sign of life, though no answer can be.
#[tokio::test]
async fn a_long_reply_may_take_its_time() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    let mut connection = server.serve(77, T).await;
    rig.connected().await;
    let op = rig.send(list("/m"));
    let request = connection.next_request().await.unwrap();
    let names: Vec<String> = (0..50_000).map(|i| format!("name-{i:010}")).collect();
    let mut body = Encoder::new();
    body.int(50_000);
    for name in &names {
        body.string(name);
    }
    let long = reply(request.xid, 0, &body.finish());
    // For 0.3 T, which is more than the T/5 of a silent server, and nothing else is answered meanwhile.
    for part in long.chunks(long.len().div_ceil(15)) {
        connection.write(part).await;
        tokio::time::sleep(T / 50).await;
    }
    match rig.notice().await {
        Notice::Answered(answered, Reply::Children(found)) => assert_eq!((answered, found), (op, names)),
        _ => panic!("the connection was left in the midst of a reply"),
    }
}

/// What is too long to be taken ends no connection, if it is a list that was asked for.
#[tokio::test]
async fn a_list_that_is_too_long_is_refused() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    let mut connection = server.serve(77, T).await;
    rig.connected().await;
    let mut body = Encoder::new();
    body.int(123_456);
    let mut body = body.finish();
    body.resize(9 << 20, 0);
    let ops = [rig.send(list("/m")), rig.send(read("/n"))];
    let request = connection.next_request().await.unwrap();
    connection.reply(request.xid, 0, &body).await;
    let request = connection.next_request().await.unwrap();
    connection.reply(request.xid, 0, &node(b"n", 1, 1)).await;
    match rig.notice().await {
        Notice::Answered(op, Reply::Refused(Refusal::TooManyChildren { children, bytes })) => {
            assert_eq!((op, children, bytes), (ops[0], 123_456, (9 << 20) + 16));
        }
        _ => panic!("the list was too long"),
    }
    assert!(matches!(rig.notice().await, Notice::Answered(op, Reply::Found(_)) if op == ops[1]));
    rig.send(read("/n"));
    let request = connection.next_request().await.unwrap();
    connection.reply(request.xid, 0, &body).await;
    assert!(matches!(rig.notice().await, Notice::Disconnected), "a znode has no such data");
}

#[tokio::test]
async fn a_create_without_an_answer_is_unknown_and_can_be_found() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let up = rig.connected().await;
    let cut = proxy.cut_before_reply(OpCode::Create2);
    let op = rig.send(create("/m"));
    match rig.notice().await {
        // Said in so many words, or by the end of the connection.
        Notice::Answered(answered, reply) => {
            assert_eq!((answered, reply), (op, Reply::Unknown));
            assert!(matches!(rig.notice().await, Notice::Disconnected));
        }
        Notice::Disconnected => {}
        _ => panic!("there is nothing else to tell"),
    }
    assert!(cut.met().is_some());
    assert_eq!(rig.connected().await.session, up.session);
    assert_eq!(rig.read("/m").await.stat.ephemeral_owner, up.session.0);
    rig.close().await;
}

#[tokio::test]
async fn a_request_that_is_not_answered_has_a_deadline() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), seconds(2.0));
    let mut connection = server.serve(77, seconds(2.0)).await;
    let up = rig.connected().await;
    let begun = clock::now();
    for _ in 0..500 {
        rig.send(read("/m"));
    }
    let first = connection.next_request().await.unwrap();
    connection.reply(first.xid, NO_NODE, &[]).await;
    // The first is answered; then there is silence, and the rest ends with the connection.
    assert!(matches!(rig.notice().await, Notice::Answered(OpId(1), Reply::Missing)));
    loop {
        match rig.notice().await {
            Notice::Disconnected => break,
            Notice::Answered(_, reply) => assert_eq!(reply, Reply::Unknown),
            _ => panic!("there is nothing else to tell"),
        }
    }
    assert!(clock::now().since(begun) >= up.timeout.silence() - up.timeout.probe_interval());
    // A probe would have waited behind no more than these.
    let mut sent = 1;
    while let Some(request) = connection.request().await {
        sent += usize::from(request.op == OpCode::GetData);
    }
    assert!(sent < 64, "{sent} of 500");
}

#[tokio::test]
async fn an_event_never_comes_before_the_answer_that_armed_its_watch() {
    let ensemble = Ensemble::single().await.unwrap();
    let mut rig = Rig::start(&ensemble.connect_string(), T);
    rig.connected().await;
    for i in 0..200 {
        let path = format!("/n{i}");
        // All at once: the event is under way while the answer that armed its watch still is.
        let armed = rig.send(exists(&path));
        let created = rig.send(create(&path));
        assert!(matches!(rig.notice().await, Notice::Answered(op, Reply::Missing) if op == armed));
        let mut rest = BTreeSet::new();
        for _ in 0..2 {
            rest.insert(match rig.notice().await {
                Notice::WatchFired(op, WatchEvent::Created) => op,
                Notice::Answered(op, Reply::Created(_)) => op,
                _ => panic!("there is nothing else to tell"),
            });
        }
        assert_eq!(rest, BTreeSet::from([armed, created]));
    }
    rig.close().await;
}

#[tokio::test]
async fn watches_end_with_their_connection_and_are_armed_anew_by_asking() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    rig.connected().await;
    let mut raw = RawClient::connect(server, T, None).await.unwrap();
    raw.create("/other", b"here:1", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    assert!(matches!(rig.ask(watch("/other")).await, Reply::Found(_)));
    proxy.cut();
    rig.reconnected().await;
    raw.delete("/other", None).await.unwrap();
    assert_eq!(rig.ask(read("/other")).await, Reply::Missing, "and no event before");

    let armed = rig.send(exists("/other"));
    assert!(matches!(rig.notice().await, Notice::Answered(op, Reply::Missing) if op == armed));
    raw.create("/other", b"here:2", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    assert_eq!(rig.event(armed).await, WatchEvent::Created);
    raw.set_data("/other", b"here:3", None).await.unwrap();
    raw.delete("/other", None).await.unwrap();
    assert_eq!(rig.ask(read("/other")).await, Reply::Missing, "a watch fires once");

    // A read of a missing node arms none, whatever others are armed on it.
    assert_eq!(rig.ask(watch("/other")).await, Reply::Missing);
    let armed = rig.send(exists("/other"));
    assert!(matches!(rig.notice().await, Notice::Answered(op, Reply::Missing) if op == armed));
    raw.create("/other", b"here:4", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    assert_eq!(rig.event(armed).await, WatchEvent::Created);
    rig.read("/other").await;
    rig.close().await;
}

/// A follower takes a commit for that of the request which it has to answer if session and xid are the same.
#[tokio::test]
async fn no_two_requests_of_a_session_have_the_same_number() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), Duration::from_secs(10));
    let up = rig.connected().await;
    for round in 0..3 {
        rig.create(&format!("/n{round}")).await;
        proxy.cut();
        assert_eq!(rig.reconnected().await.session, up.session);
        assert_eq!(rig.read(&format!("/n{round}")).await.stat.ephemeral_owner, up.session.0);
    }
    let xids: Vec<i32> = proxy.requests().iter().map(|request| request.xid).filter(|xid| *xid > 0).collect();
    assert!(xids.len() > 8, "{xids:?}");
    assert!(xids.is_sorted_by(|one, next| one < next), "{xids:?}");
    rig.close().await;
}
