//! Without actors: threads and runtimes that know nothing of actix.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_election::{
    Address, CandidateState, Election, ElectionPath, Ended, FencingToken, Leadership, Place, Session,
    SessionState, StartError, Strategy,
};
use common::{LONG, path, soon};
use futures::StreamExt as _;
use zookeeper_testkit::TestServer;

async fn server() -> TestServer {
    TestServer::builder().max_session_timeout(LONG).start().await.unwrap()
}

fn start(server: &TestServer) -> Session {
    Session::builder(&server.address().to_string()).session_timeout(LONG).start().unwrap()
}

fn is_handle<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_an_actix_system_leads() {
    let server = server().await;
    let session = start(&server);
    let working = Arc::new(AtomicI64::new(0));
    let shown = Arc::clone(&working);
    let work = move |lease: actix_election::Lease| {
        let shown = Arc::clone(&shown);
        async move {
            shown.store(lease.token().as_i64(), Ordering::SeqCst);
            lease.lost().await;
        }
    };
    let election = Election::builder(&path("plain")).on_master(work).campaign(&session).await.unwrap();
    is_handle(&session);
    is_handle(&election);
    let lease = soon(election.until_master(), "this process is master").await.unwrap();
    common::until("it works", async || working.load(Ordering::SeqCst) == lease.token().as_i64()).await;
    let status = election.status();
    assert_eq!((status.state, status.token), (CandidateState::Master, Some(lease.token())));
    assert_eq!(status.server, Some(server.address()));
    assert_eq!(status.session_id.map(|id| id.0), server.view().sessions.keys().next().copied());
    assert!(election.leadership().is_self() && election.leadership().is_current());

    // Another session: the system of the first serves it, too.
    let other = start(&server);
    let observer = Election::builder(election.path().as_str()).observe(&other).await.unwrap();
    let seen = observer.changes().filter(|status| std::future::ready(status.leadership.master().is_some()));
    let seen = soon(Box::pin(seen).next(), "the master is seen").await.unwrap();
    assert_eq!(seen.leadership.master().map(|master| master.token), Some(lease.token()));
    assert!(!seen.leadership.is_self() && seen.leadership.is_current());

    soon(session.close(), "closed").await;
    assert_eq!(session.state(), SessionState::Closed);
    assert!(!lease.is_valid() && election.lease().is_none());
    // Its actor goes with the arbiter of the session.
    common::until("ended", async || election.status().has_ended).await;
    assert_eq!(election.until_master().await.unwrap_err(), Ended);
    assert_eq!(election.changed().await, Err(Ended));
    assert_eq!(election.leadership(), Leadership::Unknown);
    soon(session.close(), "closed already").await;
    election.withdraw().await;
    let late = Election::builder("/late").observe(&session).await;
    assert!(matches!(late, Err(StartError::SessionClosed)));
    let gone = soon(session.changes().collect::<Vec<_>>(), "the end of the changes").await;
    assert_eq!(gone, [SessionState::Closed]);
    soon(other.close(), "closed").await;
}

/// Waiting in any executor, with no runtime at all; only what `on_master` starts needs one.
#[test]
fn a_thread_without_any_runtime_leads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(server());
    let session = start(&server);
    futures::executor::block_on(async {
        let mut states = session.changes();
        while states.next().await != Some(SessionState::Connected) {}
        let needs_one = Election::builder("/m").on_master(|_| async {}).campaign(&session).await;
        assert!(matches!(needs_one, Err(StartError::NoRuntime)));
        let election = Election::builder(&path("bare")).without_role().campaign(&session).await.unwrap();
        assert!(election.until_master().await.unwrap().is_valid());
        session.close().await;
    });
}

/// A thread that is stopped in the middle of whatever it does with a look keeps nobody waiting.
#[tokio::test]
async fn whoever_holds_what_it_has_read_holds_up_nobody() {
    let server = server().await;
    let session = start(&server);
    let election = Election::builder(&path("held")).without_role().campaign(&session).await.unwrap();
    let before = election.status();
    let first = soon(election.until_master(), "master").await.unwrap();
    // A session that ends, with everything that follows, while other threads look without a pause.
    let looking = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (election, looking) = (election.clone(), Arc::clone(&looking));
            std::thread::spawn(move || {
                let mut last = None;
                while looking.load(Ordering::Relaxed) {
                    let lease = election.lease();
                    let token = lease.as_ref().map(actix_election::Lease::token);
                    assert!(token.is_none() || token >= last, "no look goes back");
                    last = last.max(token);
                    let _ = (election.status(), election.leadership());
                }
            })
        })
        .collect();
    for id in server.view().sessions.into_keys() {
        server.expire(id);
    }
    soon(first.lost(), "the first term ends").await;
    let second = soon(election.until_master(), "master again").await.unwrap();
    assert!(second.token() > first.token());
    looking.store(false, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(before.leadership, Leadership::Unknown);
    soon(session.close(), "closed").await;
}

/// Three wait in a queue behind each other, and those before the last one go: it does not tell old news as if they were new.
#[tokio::test]
async fn who_waits_far_back_in_a_queue_says_what_it_cannot_know() {
    let server = server().await;
    let path = path("far");
    let mut nodes = Vec::new();
    for number in 0..4 {
        let session = start(&server);
        let election = Election::builder(&path).strategy(Strategy::Queue).address(&format!("h{number}:1"));
        let election = election.without_role().campaign(&session).await.unwrap();
        let stands = async || election.status().place.map(Place::at_most) == Some(number);
        common::until("it has its place", stands).await;
        let knows = async || election.leadership().master().is_some();
        common::until("it knows who is master", knows).await;
        nodes.push((session, election));
    }
    let last = nodes.pop().unwrap();
    let second = &nodes[1].1;
    common::until("it watches the head", async || second.status().place == Some(Place::Exactly(1))).await;
    assert!(second.leadership().is_current());
    let status = last.1.status();
    assert_eq!(status.place, Some(Place::AtMost(3)), "{status:?}");
    assert!(!status.leadership.is_current() && !status.leadership.is_self());
    assert_eq!(status.leadership.to_string().split(',').next(), Some("h0:1"));
    assert!(status.leadership.to_string().ends_with("(when last known)"));

    // The two at the front go: the last one is not told, and does not say otherwise.
    for (session, _) in nodes.drain(..2) {
        soon(session.close(), "closed").await;
    }
    soon(nodes[0].1.until_master(), "the third leads").await.unwrap();
    let status = last.1.status();
    assert!(!status.leadership.is_current(), "{status:?}");
    assert!(matches!(status.place, Some(Place::AtMost(_))), "{status:?}");
    // Its turn comes nearer, and then it knows.
    soon(nodes[0].0.close(), "closed").await;
    soon(last.1.until_master(), "the last one leads").await.unwrap();
    assert_eq!(last.1.status().place, Some(Place::Exactly(0)));
    assert!(last.1.leadership().is_self() && last.1.leadership().is_current());
    soon(last.0.close(), "closed").await;
}

#[test]
fn names_are_written_and_read() {
    assert_eq!("queue".parse::<Strategy>().unwrap(), Strategy::Queue);
    assert_eq!(Strategy::Lock.to_string(), "lock");
    let unknown = "latch".parse::<Strategy>().unwrap_err().to_string();
    assert!(unknown.contains("latch") && unknown.contains("queue"), "{unknown}");
    assert_eq!("77".parse::<FencingToken>().unwrap(), FencingToken::new(77));
    assert_eq!(ElectionPath::try_from("/m").unwrap().as_ref(), "/m");
    assert!(Address::try_from("nowhere".to_owned()).is_err());
    assert_eq!(CandidateState::SteppingDown.to_string(), "stepping_down");
}

/// The names are those of logs and of the command line; what is unusable is not read.
#[cfg(feature = "serde")]
#[tokio::test]
async fn what_users_read_can_be_written() {
    let server = server().await;
    let session = start(&server);
    let election =
        Election::builder("/written").address("h:1").without_role().campaign(&session).await.unwrap();
    let lease = soon(election.until_master(), "master").await.unwrap();
    let status = serde_json::to_value(election.status()).unwrap();
    assert_eq!(status["path"], "/written");
    assert_eq!(status["state"], "master");
    assert_eq!(status["session"], "connected");
    let master = serde_json::json!({"address": "h:1", "token": lease.token().as_i64()});
    let held = serde_json::json!({"held": {"master": master, "is_self": true, "is_current": true}});
    assert_eq!(status["leadership"], held);
    assert_eq!(serde_json::to_value(Strategy::Queue).unwrap(), "queue");
    assert_eq!(serde_json::from_str::<ElectionPath>("\"/m\"").unwrap().as_str(), "/m");
    let unusable = serde_json::from_str::<ElectionPath>("\"m\"").unwrap_err().to_string();
    assert!(unusable.contains("must start with a slash"), "{unusable}");
    soon(session.close(), "closed").await;
}
