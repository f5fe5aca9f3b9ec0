//! What takes an ensemble: a leader, and others that answer for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zookeeper_testkit::wire::{Acl, Encoder, OpCode};
use zookeeper_testkit::{Ensemble, TestServer};

use crate::common::TIMEOUT;
use crate::common::frames::{Frames, create, request, watched};

/// Far longer than anything here takes: no follower misses its leader.
const SYNC_LIMIT: u32 = 1_000;

async fn in_process() -> TestServer {
    let builder = TestServer::builder().members(3).sync_limit(SYNC_LIMIT);
    builder.max_session_timeout(TIMEOUT).start().await.unwrap()
}

async fn real() -> Ensemble {
    let builder = Ensemble::builder().servers(3).sync_limit(SYNC_LIMIT);
    builder.max_session_timeout(TIMEOUT).start().await.unwrap()
}

#[tokio::test]
async fn a_paused_leader_in_process() {
    let server = in_process().await;
    let mut fault = None;
    let pause = |paused: bool| fault = paused.then(|| server.pause_leader());
    a_paused_leader(server.addresses()[1], pause).await;
}

#[tokio::test]
async fn a_paused_leader_of_real_servers() {
    let ensemble = real().await;
    let leader = ensemble.server(ensemble.leader().await.unwrap());
    let follower = ensemble.followers().await.unwrap()[0];
    let pause = |paused| if paused { leader.pause() } else { leader.resume() };
    a_paused_leader(ensemble.server(follower).address(), pause).await;
}

#[tokio::test]
async fn sessions_move_in_process() {
    let server = in_process().await;
    let [leader, one, two] = server.addresses()[..] else { panic!() };
    sessions_move(leader, [one, two]).await;
}

#[tokio::test]
async fn sessions_move_between_real_servers() {
    let ensemble = real().await;
    let leader = ensemble.server(ensemble.leader().await.unwrap()).address();
    let [one, two] = ensemble.followers().await.unwrap()[..] else { panic!() };
    sessions_move(leader, [ensemble.server(one).address(), ensemble.server(two).address()]).await;
}

/// The member that a session has left does not know: it is the leader that does, as soon as it sees a request.
async fn sessions_move(leader: SocketAddr, [one, two]: [SocketAddr; 2]) {
    for (from, to) in [(one, two), (one, leader), (leader, one)] {
        let mut left = Frames::connect(from).await;
        let mut moved = left.attach(to).await;
        let zxid = moved.create("/a").await.header.zxid;
        if from == leader {
            left.send(OpCode::Exists, watched("/", false)).await;
            assert!(left.is_closed().await);
        } else {
            left.ping().await;
            assert!(left.stat("/").await.is_some());
            left.send(OpCode::Create, create("/lost", b"", &Acl::open(), 0)).await;
            assert!(left.is_closed().await);
        }
        let taken = i64::from(from != leader);
        assert_eq!(moved.delete("/a").await.header.zxid, zxid + taken + 1, "what is refused takes a zxid");
        assert_eq!(moved.stat("/lost").await, None);
        // All its connections end with it.
        let mut back = moved.attach(from).await;
        back.call(OpCode::CloseSession, Encoder::new()).await;
        assert!(back.is_closed().await && moved.is_closed().await);
    }
}

/// It forgets who was pinging all the time, and carries out what was asked meanwhile.
async fn a_paused_leader(follower: SocketAddr, mut pause: impl FnMut(bool)) {
    let timeout = Duration::from_secs(2);
    let (mut client, mut other) = (Frames::open(follower).await, Frames::connect(follower).await);
    assert_eq!(client.shake(&request(timeout)).await.unwrap().timeout, timeout);
    client.create_with("/e", 1).await;
    pause(true);
    let paused = Instant::now();
    let pending = other.send(OpCode::Create, create("/late", b"", &Acl::open(), 0)).await;
    // A timeout, and the tick that it is rounded up to.
    while paused.elapsed() < timeout + Duration::from_secs(1) {
        client.ping().await;
        assert!(client.stat("/e").await.is_some());
    }
    pause(false);
    assert!(client.is_closed().await);
    assert_eq!(other.answer(pending).await.error(), None);
    assert_eq!(other.stat("/e").await, None);
    assert!(other.stat("/late").await.is_some());
}
