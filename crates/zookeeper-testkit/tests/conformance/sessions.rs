//! Sessions: opened, attached to, expired and closed; and the frames that carry them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zookeeper_testkit::wire::{Acl, ConnectRequest, Encoder, ErrorCode, OpCode, frame};

use crate::common::frames::{Came, Frames, create, only, request, watched};
use crate::common::{TIMEOUT, path};
use crate::node;

pub(crate) async fn handshakes(server: SocketAddr) {
    for read_only in [None, Some(false), Some(true)] {
        let mut client = Frames::open(server).await;
        let response = client.shake(&ConnectRequest { read_only, ..request(TIMEOUT) }).await.unwrap();
        assert_eq!(response.read_only, read_only.map(|_| false));
        assert_eq!((response.timeout, response.password.len()), (TIMEOUT, 16));
        assert_ne!(response.session_id, 0);
    }
    let (one, other) = (Frames::connect(server).await, Frames::connect(server).await);
    assert_ne!((one.session, &one.password), (other.session, &other.password));
    assert_eq!(one.session >> 56, other.session >> 56);
}

pub(crate) async fn timeouts_are_clamped(server: SocketAddr) {
    for (wished, granted) in [(0, 1_000), (1_001, 1_001), (601_000, 600_000)] {
        let mut client = Frames::open(server).await;
        let response = client.shake(&request(Duration::from_millis(wished))).await.unwrap();
        assert_eq!(response.timeout, Duration::from_millis(granted));
        // Not left to expire, which would take a zxid during another check.
        client.call(OpCode::CloseSession, Encoder::new()).await;
    }
    let mut client = Frames::connect(server).await;
    for (wished, granted) in [(700_000, 600_000), (300_000, 300_000)] {
        let session = ConnectRequest {
            session_id: client.session,
            password: client.password.clone(),
            ..request(Duration::from_millis(wished))
        };
        client = Frames::open(server).await;
        let response = client.shake(&session).await.unwrap();
        assert_eq!(response.timeout, Duration::from_millis(granted), "the new wish counts");
    }
}

pub(crate) async fn sessions_are_attached_to(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = path("owned");
    client.create_with(&path, 1).await;
    let watched = node(&mut client, "watched").await;
    client.watch(OpCode::GetData, &watched).await;
    let mut again = client.attach(server).await;
    assert!(client.is_closed().await);
    assert_eq!(again.stat(&path).await.unwrap().ephemeral_owner, client.session);
    assert_eq!(again.set(&watched, b"").await.events, [], "watches end with their connection");
    let unknown = ConnectRequest { session_id: 77, password: vec![7; 16], ..request(TIMEOUT) };
    refused(server, &unknown).await;
}

pub(crate) async fn refused(server: SocketAddr, session: &ConnectRequest) {
    for read_only in [None, Some(false)] {
        let mut client = Frames::open(server).await;
        let response = client.shake(&ConnectRequest { read_only, ..session.clone() }).await.unwrap();
        assert_eq!((response.session_id, response.timeout), (0, Duration::ZERO));
        assert_eq!((response.password, response.read_only), (vec![0; 16], read_only));
        assert!(client.is_closed().await);
    }
}

pub(crate) async fn a_wrong_password_throws_the_client_out(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let session = ConnectRequest { session_id: client.session, password: vec![1; 16], ..request(TIMEOUT) };
    refused(server, &session).await;
    assert!(client.is_closed().await);
    client.attach(server).await.ping().await;
}

pub(crate) async fn clients_ahead_are_closed(server: SocketAddr) {
    let last_zxid = Frames::connect(server).await.ping().await.header.zxid;
    let mut ahead = Frames::open(server).await;
    assert_eq!(ahead.shake(&ConnectRequest { last_zxid: last_zxid + 1000, ..request(TIMEOUT) }).await, None);
    let mut level = Frames::open(server).await;
    assert!(level.shake(&ConnectRequest { last_zxid, ..request(TIMEOUT) }).await.is_some());
}

pub(crate) async fn sessions_expire(server: SocketAddr) {
    let mut observer = Frames::connect(server).await;
    let path = path("ephemeral");
    let mut client = Frames::open(server).await;
    client.shake(&request(Duration::from_secs(3))).await.unwrap();
    client.create_with(&path, 1).await;
    client.watch(OpCode::Exists, &path).await;
    observer.watch(OpCode::Exists, &path).await;
    let before = Instant::now();
    let zxid = client.ping().await.header.zxid;
    assert_eq!(observer.event().await, (2, path.clone()));
    // Later than this only where the machine is slow.
    assert!(before.elapsed() >= Duration::from_secs(3), "{:?}", before.elapsed());
    // Of a real server, the event of its own node's end sometimes slips out before that.
    let (last, own) = (client.next().await, path.clone());
    let closed = match last {
        Came::Event(_, event) => (event.kind, event.path) == (2, own) && client.is_closed().await,
        other => other == Came::Closed,
    };
    assert!(closed, "nothing but that");
    assert_eq!(observer.ping().await.header.zxid, zxid + 1, "one transaction");
    let expired =
        ConnectRequest { session_id: client.session, password: client.password, ..request(TIMEOUT) };
    refused(server, &expired).await;
}

pub(crate) async fn closing_ends_everything_of_a_session(server: SocketAddr) {
    let (mut observer, mut client) = (Frames::connect(server).await, Frames::connect(server).await);
    let (first, second, late) = (path("first"), path("second"), path("late"));
    client.create_with(&first, 1).await;
    client.create_with(&second, 1).await;
    for path in [&first, &second] {
        client.watch(OpCode::Exists, path).await;
        observer.watch(OpCode::Exists, path).await;
    }
    let zxid = client.ping().await.header.zxid;
    let mut pipelined = Frames::encoded(90, OpCode::CloseSession, Encoder::new());
    pipelined.extend(Frames::encoded(91, OpCode::Create, create(&late, b"", &Acl::open(), 1)));
    client.write(&pipelined).await;
    let mut closed = client.answer(90).await;
    closed.events.sort();
    assert_eq!(closed.events, [(2, first.clone()), (2, second.clone())]);
    assert_eq!((closed.header.zxid, closed.error()), (zxid + 1, None));
    // Of a real server, the refusal of what came after sometimes slips out before the end.
    let closed = match client.next().await {
        Came::Reply(header, _) => {
            assert_eq!((header.xid, header.error), (91, Some(ErrorCode::SessionExpired)));
            client.is_closed().await
        }
        other => other == Came::Closed,
    };
    assert!(closed);
    let mut seen = [observer.event().await, observer.event().await];
    seen.sort();
    assert_eq!(seen, [(2, first), (2, second)]);
    assert_eq!(observer.stat(&late).await, None);
}

pub(crate) async fn frames_may_be_split_and_joined(server: SocketAddr) {
    let mut client = Frames::open(server).await;
    let path = path("joined");
    let mut bytes = frame(&request(TIMEOUT).encode());
    bytes.extend(Frames::encoded(1, OpCode::Create, create(&path, b"1", &Acl::open(), 0)));
    bytes.extend(Frames::encoded(2, OpCode::GetData, watched(&path, false)));
    for byte in &bytes {
        client.write(std::slice::from_ref(byte)).await;
    }
    assert!(matches!(client.next().await, Came::Reply(..)), "the handshake's");
    assert_eq!(client.answer(1).await.string(), path);
    assert_eq!(client.answer(2).await.error(), None);
}

pub(crate) async fn frames_that_are_too_long_or_make_no_sense(server: SocketAddr) {
    for length in [-1_i32, 0x10_0000, i32::MIN, i32::MAX] {
        let mut client = Frames::open(server).await;
        client.write(&length.to_be_bytes()).await;
        assert!(client.is_closed().await, "{length}");
        let mut client = Frames::connect(server).await;
        client.write(&length.to_be_bytes()).await;
        assert!(client.is_closed().await, "{length} after the handshake");
    }
    let mut client = Frames::open(server).await;
    client.write(&frame(&[0; 3])).await;
    assert!(client.is_closed().await, "half a handshake");
    let mut client = Frames::connect(server).await;
    client.write(&frame(&[0; 7])).await;
    assert!(client.is_closed().await, "half a header");
    let mut client = Frames::connect(server).await;
    assert_eq!(client.call(OpCode::Exists, Encoder::new()).await.error(), Some(ErrorCode::MarshallingError));
    let before = client.ping().await.header.zxid;
    let half = client.call(OpCode::Create, only("/a")).await;
    assert_eq!((half.error(), half.header.zxid), (Some(ErrorCode::MarshallingError), before + 1));
    assert_eq!(client.call(OpCode::Multi, only("/a")).await.error(), Some(ErrorCode::MarshallingError));
    client.ping().await;
}
