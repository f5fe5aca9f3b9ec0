//! Servers, and things that pass for servers, that are not to be trusted: what they say is checked, and said.

use super::super::fake::{FakeConnection, FakeServer, node, reply};
use super::super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zookeeper_wire::{Encoder, OpCode, xid};

const T: Duration = Duration::from_secs(2);

/// Serves a session until it is asked to list or to read, and answers that with these bytes.
async fn answer_with(rest: Vec<u8>) -> (Rig, FakeServer, FakeConnection) {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    let mut connection = server.serve(5, T).await;
    rig.connected().await;
    rig.send(Operation::Children { path: "/m".into(), watch: false });
    let asked = connection.next_request().await.expect("a request");
    connection.reply(asked.xid, 0, &rest).await;
    (rig, server, connection)
}

fn jute(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::new();
    fill(&mut encoder);
    encoder.finish()
}

#[tokio::test]
async fn a_malformed_reply_ends_the_connection_and_nothing_else() {
    let malformed = [
        jute(|encoder| _ = encoder.int(i32::MAX)),
        jute(|encoder| _ = encoder.int(-2)),
        jute(|encoder| _ = encoder.int(1).buffer(b"\xff\xfe")),
        jute(|encoder| _ = encoder.int(2).string("a")),
        Vec::new(),
    ];
    for rest in malformed {
        let (mut rig, server, old) = answer_with(rest.clone()).await;
        rig.disconnected().await;
        drop(old);
        let mut connection = server.serve(5, T).await;
        assert_eq!(rig.connected().await.session, SessionId(5), "{rest:?}");
        // The new connection works.
        let op = rig.send(Operation::Children { path: "/m".into(), watch: false });
        let asked = connection.next_request().await.expect("a request");
        connection.reply(asked.xid, 0, &jute(|encoder| _ = encoder.int(1).string("a"))).await;
        match rig.notice().await {
            Notice::Answered(answered, Reply::Children(names)) if answered == op => assert_eq!(names, ["a"]),
            _ => panic!("no answer, {rest:?}"),
        }
    }
}

#[tokio::test]
async fn a_malformed_event_ends_the_connection_and_nothing_else() {
    let events = [
        jute(|encoder| _ = encoder.int(2).int(3).buffer(b"/\xff")),
        jute(|encoder| _ = encoder.int(99).int(3).string("/m")),
        jute(|encoder| _ = encoder.int(2)),
    ];
    for event in events {
        let server = FakeServer::start().await;
        let mut rig = Rig::start(&server.address().to_string(), T);
        let mut connection = server.serve(5, T).await;
        rig.connected().await;
        connection.write(&reply(xid::EVENT, 0, &event)).await;
        rig.disconnected().await;
        drop(connection);
        let _connection = server.serve(5, T).await;
        assert_eq!(rig.connected().await.session, SessionId(5), "{event:?}");
    }
}

/// What goes wrong on each connection right after the session was attached, and what has to be said of it.
async fn is_said(wrong: impl AsyncFn(FakeConnection), expected: &str) {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    let address = server.address().to_string();
    let serve = async {
        loop {
            let mut connection = server.accept().await;
            if connection.handshake_if_any().await.is_some() {
                connection.grant(5, T).await;
                wrong(connection).await;
            }
        }
    };
    let said = async {
        loop {
            let problem = rig.problem().await;
            if problem.contains(expected) && problem.contains(&address) {
                return;
            }
        }
    };
    tokio::select! {
        () = said => {}
        () = serve => {}
    }
}

#[tokio::test]
async fn why_connections_are_of_no_use_is_said() {
    // A load balancer without a server behind it.
    is_said(async |connection| drop(connection), "something on the way to it, closed the connection").await;
    // One that wants to know who we are.
    let unknown = async |mut connection: FakeConnection| {
        if let Some(probe) = connection.request().await {
            connection.reply(probe.xid, -124, &[]).await;
        }
    };
    is_said(unknown, "requires every session to authenticate").await;
    // One that has the session and answers no write.
    let mute = async |mut connection: FakeConnection| while connection.request().await.is_some() {};
    is_said(mute, "answered no write").await;
    let confused = async |mut connection: FakeConnection| {
        if let Some(probe) = connection.request().await {
            connection.reply(probe.xid + 1, -101, &[]).await;
            while connection.request().await.is_some() {}
        }
    };
    is_said(confused, "which is not the oldest request").await;
}

#[tokio::test]
async fn what_is_no_zookeeper_is_called_so() {
    for (says, expected) in [
        (&b"\x15\x03\x03\x00\x02\x02\x0a"[..], "it speaks TLS on this port"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not answer as ZooKeeper does"),
        (b"", "or expects TLS"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut rig = Rig::start(&listener.local_addr().unwrap().to_string(), T);
        let serve = async {
            loop {
                let (mut stranger, _) = listener.accept().await.unwrap();
                let _ = stranger.read(&mut [0; 64]).await;
                let _ = stranger.write_all(says).await;
            }
        };
        tokio::select! {
            problem = rig.problem() => assert!(problem.contains(expected), "{problem}"),
            () = serve => {}
        }
    }
}

/// As ClickHouse Keeper answers for a session that is over.
#[tokio::test]
async fn another_session_than_the_one_asked_for_is_an_expiry_and_is_closed() {
    let server = FakeServer::start().await;
    let mut rig = Rig::start(&server.address().to_string(), T);
    let connection = server.serve(5, T).await;
    assert_eq!(rig.connected().await.session, SessionId(5));
    drop(connection);
    let (mut unasked, request) = server.attach(6, T).await;
    assert_eq!(request.session_id, 5);
    let close = unasked.request().await.expect("a close");
    assert_eq!(close.op, OpCode::CloseSession);
    unasked.reply(close.xid, 0, &[]).await;
    rig.lost().await;
    let _connection = server.serve(7, T).await;
    assert_eq!(rig.connected().await.session, SessionId(7));
}

/// A connection that ends so early is of no use, on the slowest machine as well.
const EARLY: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_frame_that_is_too_long_is_said_with_the_setting_and_taken_where_that_allows_it() {
    let data = vec![b'x'; MAX_FRAME];
    for (max_frame, taken) in [(MAX_FRAME, false), (2 * MAX_FRAME, true)] {
        let server = FakeServer::start().await;
        let ensemble = ConnectString::parse(&server.address().to_string()).unwrap();
        let mut rig = Rig::with(SessionSettings { ensemble, timeout: EARLY, auth: Vec::new(), max_frame });
        let serve = async {
            loop {
                let mut connection = server.serve(5, EARLY).await;
                while let Some(asked) = connection.next_request().await {
                    connection.reply(asked.xid, 0, &node(&data, 1, 1)).await;
                }
            }
        };
        let ask = async {
            if taken {
                rig.connected().await;
                assert_eq!(rig.read("/m").await.data.len(), MAX_FRAME);
                return;
            }
            for _ in 0..3 {
                rig.connected().await;
                rig.send(read("/m"));
            }
            let (problem, limit) = (rig.problem().await, format!("longer than the limit of {MAX_FRAME}"));
            assert!(problem.contains(&limit) && problem.contains("max_frame_size"), "{problem}");
        };
        tokio::select! {
            () = ask => {}
            () = serve => {}
        }
    }
}
