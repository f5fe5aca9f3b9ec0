//! The in-process server: how it starts and ends, whom it admits, and what no input makes it do.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::time::Duration;

use common::frames::{DEADLINE, Frames, create, multi, only, request, watched};
use common::random::{Random, rounds, seed};
use tokio::net::TcpStream;
use zookeeper_testkit::wire::{Acl, ConnectRequest, CreateMode, ErrorCode, OpCode, RawClient, frame};
use zookeeper_testkit::{TestServer, four_letter};

async fn connect(server: &TestServer) -> RawClient {
    RawClient::connect(server.address(), Duration::from_secs(10), None).await.unwrap()
}

#[tokio::test]
async fn many_at_once_know_nothing_of_each_other() {
    let mut servers = Vec::new();
    for _ in 0..20 {
        servers.push(TestServer::start().await.unwrap());
    }
    for server in &servers {
        connect(server).await.create("/a", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    }
    let mut client = connect(&servers[0]).await;
    let (address, handle) = (servers[0].address(), servers[0].handle());
    drop(servers);
    assert!(client.ping().await.is_err());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    assert!(!handle.expire(77), "a handle does not keep it alive, and does no harm");
    drop(handle.refuse(0));
    let again = TestServer::builder().listen(address).start().await.unwrap();
    assert_eq!((again.address(), again.view().nodes), (address, 4));
    let taken = TestServer::builder().listen(address).start().await;
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

/// With another server that starts there, time must not seem to go back: clients of before would be closed without a word
/// for ever, and fencing tokens would come again.
#[tokio::test]
async fn who_starts_anew_begins_later_and_refuses_the_sessions_of_before() {
    let mut started = Vec::new();
    let mut first = TestServer::builder().members(2).start().await.unwrap();
    let address = first.address();
    for round in 0..3 {
        let mut client = Frames::connect(address).await;
        let zxid = client.create("/lock").await.header.zxid;
        assert!(started.last().is_none_or(|last| *last < zxid), "{started:?}, then {zxid}");
        assert!(zxid < 1 << 53, "exact in JSON");
        if round == 1 {
            first.restart();
            client = client.attach(address).await;
        }
        let last_zxid = client.set("/lock", b"").await.header.zxid;
        started.push(last_zxid);
        drop(first);
        first = TestServer::builder().listen(address).start().await.unwrap();
        let (session_id, password) = (client.session, client.password);
        let session = ConnectRequest { last_zxid, session_id, password, ..request(Duration::from_secs(10)) };
        let answer = Frames::open(address).await.shake(&session).await;
        assert!(answer.expect("an answer").is_refused(), "its session has gone with the server");
        let new = ConnectRequest { last_zxid, ..request(Duration::from_secs(10)) };
        assert!(!Frames::open(address).await.shake(&new).await.expect("an answer").is_refused());
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_matter() {
    let server = TestServer::builder().tick(Duration::from_millis(50)).start().await.unwrap();
    let timeout = Duration::from_millis(100);
    let client = RawClient::connect(server.address(), timeout, None).await.unwrap();
    assert_eq!(client.session_timeout(), timeout);
    server.wait_for(DEADLINE, |view| view.sessions.is_empty()).await.unwrap();
    let late = server.wait_for(timeout, |view| view.nodes > 4).await.unwrap_err();
    assert!(late.to_string().contains("4 nodes"), "{late}");
}

#[tokio::test]
async fn too_many_connections_from_one_address_are_closed() {
    let server = TestServer::builder().max_client_connections(2).start().await.unwrap();
    let first = connect(&server).await;
    connect(&server).await.close().await.unwrap();
    server.wait_for(DEADLINE, |view| view.connections == 1).await.unwrap();
    let _second = connect(&server).await;
    let mut third = Frames::open(server.address()).await;
    assert_eq!(third.shake(&request(Duration::from_secs(10))).await, None);
    drop(first);
    server.wait_for(DEADLINE, |view| view.connections == 1).await.unwrap();
    connect(&server).await;
}

#[tokio::test]
async fn who_opens_no_session_is_closed() {
    let server = TestServer::builder().handshake_limit(Duration::from_millis(50)).start().await.unwrap();
    let mut client = connect(&server).await;
    let mut silent = Frames::open(server.address()).await;
    assert!(silent.is_closed().await);
    client.ping().await.unwrap();
}

#[tokio::test]
async fn only_words_on_the_whitelist_are_answered() {
    let server = TestServer::builder().four_letter_words(["srvr"]).start().await.unwrap();
    assert_eq!(four_letter::mode(server.address()).await.unwrap(), four_letter::Mode::Standalone);
    let refused = four_letter(server.address(), "ruok").await.unwrap_err();
    assert!(matches!(refused, four_letter::FourLetterError::NotAllowed { .. }), "{refused}");
}

#[tokio::test]
async fn empty_containers_are_swept() {
    let server = TestServer::builder().container_interval(Duration::from_millis(20)).start().await.unwrap();
    let mut client = connect(&server).await;
    client.create("/never", b"", &Acl::open(), CreateMode::Container).await.unwrap();
    client.create("/used", b"", &Acl::open(), CreateMode::Container).await.unwrap();
    client.create("/used/a", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    client.delete("/used/a", None).await.unwrap();
    server.wait_for(DEADLINE, |view| view.nodes == 5).await.unwrap();
    assert!(client.exists("/never").await.unwrap().is_some());
    assert!(client.exists("/used").await.unwrap().is_none());
}

#[tokio::test]
async fn longer_frames_are_a_setting() {
    let server = TestServer::builder().max_frame(100).start().await.unwrap();
    let mut client = connect(&server).await;
    assert!(client.create("/a", &[0; 200], &Acl::open(), CreateMode::Persistent).await.is_err());
    assert_eq!(server.view().nodes, 4);
}

#[tokio::test]
async fn what_is_left_out_is_unimplemented() {
    let server = TestServer::start().await.unwrap();
    for op in [OpCode::DeleteContainer, OpCode::Sasl, OpCode::Other(4711)] {
        let mut client = Frames::connect(server.address()).await;
        let answer = client.call(op, only("/")).await;
        assert_eq!(answer.error(), Some(ErrorCode::Unimplemented), "{op}");
        assert!(client.is_closed().await, "{op}");
    }
    let mut client = Frames::connect(server.address()).await;
    let mut ttl = create("/ttl", b"", &Acl::open(), 5);
    ttl.long(1_000);
    assert_eq!(client.call(OpCode::CreateTtl, ttl).await.error(), Some(ErrorCode::Unimplemented));
    client.ping().await;
}

/// What one answer of the slow reader's takes: its data, its stat, and the headers.
const LARGE: usize = 1_000_000;
const ANSWER: usize = 16 + 4 + LARGE + 68;

/// A client that asks for much and takes little, and one that looks on.
async fn slow_reader() -> (TestServer, Frames, RawClient) {
    let server = TestServer::builder().max_queued(3 * LARGE).start().await.unwrap();
    let mut other = connect(&server).await;
    other.create("/large", &[7; LARGE], &Acl::open(), CreateMode::Persistent).await.unwrap();
    let client = Frames::connect(server.address()).await;
    (server, client, other)
}

/// All answers come, in order, and never more are kept than the limit and the one that goes beyond it.
async fn all_is_answered(server: &TestServer, client: &mut Frames, xids: Vec<i32>) {
    for xid in xids {
        assert!(server.view().queued <= 3 * LARGE + ANSWER, "{}", server.view().queued);
        assert_eq!(client.answer(xid).await.body.len() + 16, ANSWER);
    }
    server.wait_for(DEADLINE, |view| view.queued == 0).await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_is_read_from_slowly() {
    let (server, mut client, mut other) = slow_reader().await;
    let mut xids = Vec::new();
    for _ in 0..200 {
        xids.push(client.send(OpCode::GetData, watched("/large", false)).await);
    }
    server.wait_for(DEADLINE, |view| view.queued > 3 * LARGE).await.unwrap();
    for _ in 0..100 {
        other.ping().await.unwrap();
        assert!(server.view().queued <= 3 * LARGE + ANSWER, "{}", server.view().queued);
    }
    all_is_answered(&server, &mut client, xids).await;
}

#[tokio::test]
async fn one_request_cannot_ask_for_more_than_a_frame() {
    let (_server, mut client, _other) = slow_reader().await;
    for (reads, error) in [(16, None), (17, Some(ErrorCode::MarshallingError))] {
        let reads = (0..reads).map(|_| (OpCode::GetData, watched("/large", false).finish()));
        client.write(&Frames::with_body(7, OpCode::MultiRead, &multi(reads))).await;
        assert_eq!(client.answer(7).await.header.error, error);
    }
}

#[tokio::test]
async fn what_waited_for_a_leader_waits_for_its_reader_as_well() {
    let (server, mut client, mut other) = slow_reader().await;
    let paused = server.pause_leader();
    let written = client.send(OpCode::Create, create("/late", b"", &Acl::open(), 0)).await;
    let mut xids = Vec::new();
    for _ in 0..200 {
        xids.push(client.send(OpCode::GetData, watched("/large", false)).await);
    }
    server.wait_for(DEADLINE, |view| view.waiting == 201).await.unwrap();
    drop(paused);
    assert!(server.view().queued <= 3 * LARGE + ANSWER, "{}", server.view().queued);
    let last = client.send(OpCode::Create, create("/last", b"", &Acl::open(), 0)).await;
    assert_eq!(client.answer(written).await.error(), None);
    other.ping().await.unwrap();
    all_is_answered(&server, &mut client, xids).await;
    assert_eq!(client.answer(last).await.string(), "/last", "nothing is overtaken or lost");
    assert_eq!(server.view().waiting, 0);
}

#[tokio::test]
async fn events_count_for_what_a_client_is_read_from() {
    let server = TestServer::builder().max_queued(100).start().await.unwrap();
    let (mut client, mut other) = (Frames::connect(server.address()).await, connect(&server).await);
    client.add_watch("/a", 0).await;
    let held = server.hold_reply(OpCode::Notification);
    other.create("/a", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    for _ in 0..4 {
        other.set_data("/a", b"", None).await.unwrap();
    }
    let event = 16 + 4 + 4 + 4 + "/a".len();
    server.wait_for(DEADLINE, |view| view.queued == 5 * event).await.unwrap();
    let late = client.send(OpCode::Create, create("/late", b"", &Acl::open(), 0)).await;
    for _ in 0..100 {
        other.ping().await.unwrap();
        assert_eq!(server.view().nodes, 5, "it is not read from");
    }
    drop(held);
    let answer = client.answer(late).await;
    assert_eq!((answer.events.len(), answer.error()), (5, None), "no event is dropped");
}

/// Bytes that are nearly a request.
fn mangled(random: &mut Random) -> Vec<u8> {
    let op = OpCode::from_number(
        [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 100, 101, 103, 104, 105, 106]
            [random.below(24)],
    );
    let mut bytes = Frames::encoded(1, op, create("/a/b", b"data", &Acl::open(), random.below(9) as i32));
    match random.below(5) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => (0..4).for_each(|index| bytes[index] = random.next() as u8),
        2 => bytes.extend(random.bytes(40)),
        3 => {
            for _ in 0..4 {
                let at = 12 + random.below(bytes.len() - 12);
                bytes[at] = random.next() as u8;
            }
        }
        _ => {
            let tail = random.bytes(60);
            bytes = frame(&[&bytes[4..12], &tail].concat());
        }
    }
    bytes
}

/// `TESTKIT_SEED` replays a run, `TESTKIT_ROUNDS` makes it longer.
#[tokio::test]
async fn no_bytes_harm_anybody_else() {
    let seed = seed();
    println!("TESTKIT_SEED={seed}");
    let mut random = Random(seed);
    let server = TestServer::builder().max_client_connections(0).start().await.unwrap();
    let mut witness = connect(&server).await;
    witness.create("/witness", b"seen", &Acl::open(), CreateMode::Persistent).await.unwrap();
    for round in 0..rounds(400) {
        let mut attacker = match random.below(3) {
            0 => Frames::open(server.address()).await,
            _ => Frames::connect(server.address()).await,
        };
        for _ in 0..=random.below(3) {
            let bytes = if random.below(3) == 0 { random.bytes(80) } else { mangled(&mut random) };
            attacker.write(&bytes).await;
        }
        witness.ping().await.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
        drop(attacker);
    }
    assert_eq!(witness.get_data("/witness").await.unwrap().0, b"seen");
    server.wait_for(DEADLINE, |view| view.connections == 1).await.unwrap();
}
