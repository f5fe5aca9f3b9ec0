//! A future for each term, in place of a role actor.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_election_core::CandidateState;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::role::settle;
use super::{T, World, next, seconds, soon, start_with};
use crate::Lease;
use crate::election::work::{Start, Work};

/// What the work does once it has begun.
#[derive(Clone, Copy)]
enum Then {
    Wait,
    Return,
    Panic,
    PanicBefore,
    /// Holds its thread, in a runtime of its own, until it is let go.
    Block,
}

/// Tells what the lease said when the future was dropped.
struct Dropped(Lease, mpsc::UnboundedSender<bool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.is_valid());
    }
}

struct Rig {
    world: World,
    begun: mpsc::UnboundedReceiver<Lease>,
    dropped: mpsc::UnboundedReceiver<bool>,
    starts: Arc<AtomicUsize>,
}

fn rig(then: Then, runtime: Handle, hold: Option<std::sync::mpsc::Receiver<()>>) -> Rig {
    super::role::origin();
    let ((begin, begun), (drop_, dropped)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let starts = Arc::<AtomicUsize>::default();
    let (counted, hold) = (Arc::clone(&starts), Arc::new(Mutex::new(hold)));
    let start: Start = Arc::new(move |lease: Lease| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert!(!matches!(then, Then::PanicBefore), "as the test wants it");
        let (begin, guard, hold) = (begin.clone(), Dropped(lease.clone(), drop_.clone()), Arc::clone(&hold));
        Box::pin(async move {
            let guard = guard;
            begin.send(lease).unwrap();
            match then {
                Then::Wait => std::future::pending().await,
                Then::Return => {}
                Then::Panic | Then::PanicBefore => panic!("as the test wants it"),
                Then::Block => drop(hold.lock().unwrap().as_ref().unwrap().recv()),
            }
            drop(guard);
        })
    });
    let work = Work::new(Some((start, runtime)));
    Rig { world: start_with(Vec::new(), Some(work), true, |_| ()), begun, dropped, starts }
}

impl Rig {
    async fn master(&mut self) -> Lease {
        let lease = next(&mut self.begun, "the work begins").await;
        assert!(lease.is_valid());
        lease
    }

    /// The same where the work runs on a thread that has no part in the clock of this test: that must not leap ahead, as it
    /// does when there is nothing to do here.
    async fn master_elsewhere(&mut self) -> Lease {
        self.world.state(CandidateState::Master).await;
        let lease = loop {
            match self.begun.try_recv() {
                Ok(lease) => break lease,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert!(lease.is_valid());
        lease
    }
}

#[actix::test]
async fn it_is_dropped_before_the_lock_is_released() {
    let mut rig = rig(Then::Wait, Handle::current(), None);
    rig.world.session.connect();
    let lease = rig.master().await;
    assert_eq!(rig.world.handle().lease().map(|lease| lease.token()), Some(lease.token()));
    rig.world.session.witness(&lease);
    lease.resign();
    assert!(next(&mut rig.dropped, "the work is dropped").await, "under a valid lease");
    settle().await;
    assert!(!lease.is_valid() && rig.world.handle().lease().is_none());
    assert_eq!(rig.world.session.owner(), None);
    let let_go = rig.world.session.asked_for(super::fake::lets_go);
    assert!(let_go.iter().all(|asked| asked.lease_valid == Some(false)), "{let_go:?}");
    // And begins anew in the next term.
    let again = rig.master().await;
    assert!(again.token() > lease.token());
}

/// However it came to the end: no work of an old term goes on in a new one.
#[actix::test]
async fn it_is_dropped_when_the_session_is_lost() {
    let mut rig = rig(Then::Wait, Handle::current(), None);
    rig.world.session.connect();
    let lease = rig.master().await;
    rig.world.session.expire();
    assert!(!next(&mut rig.dropped, "the work is dropped").await, "the lease was over before");
    rig.world.session.connect();
    assert!(rig.master().await.token() > lease.token());
}

#[actix::test]
async fn who_returns_resigns() {
    let mut rig = rig(Then::Return, Handle::current(), None);
    rig.world.session.connect();
    let lease = rig.master().await;
    soon(lease.lost(), "the term ends").await;
    let began = rig.world.now();
    let again = rig.master().await;
    assert!(again.token() > lease.token());
    assert!(rig.world.now() >= began + seconds(0.9), "after the resign pause");
}

async fn a_panic_is_a_failure(then: Then) {
    let mut rig = rig(then, Handle::current(), None);
    rig.world.session.connect();
    if matches!(then, Then::Panic) {
        rig.master().await;
    }
    rig.world.state(CandidateState::Pausing).await;
    assert_eq!((rig.starts.load(Ordering::SeqCst), rig.world.session.owner()), (1, None));
    let began = rig.world.now();
    rig.world.state(CandidateState::Master).await;
    assert!(rig.world.now() > began + seconds(4.5), "after the failure pause");
    assert_eq!(rig.starts.load(Ordering::SeqCst), 2);
}

#[actix::test]
async fn a_panic_of_the_future_ends_the_term() {
    a_panic_is_a_failure(Then::Panic).await;
}

#[actix::test]
async fn a_panic_of_the_closure_ends_the_term() {
    a_panic_is_a_failure(Then::PanicBefore).await;
}

/// As a role actor that does not acknowledge: the lock is released all the same, and this process stays out.
#[actix::test]
async fn a_slow_end_is_bounded() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (let_go, hold) = std::sync::mpsc::channel();
    let mut rig = rig(Then::Block, runtime.handle().clone(), Some(hold));
    rig.world.session.connect();
    let lease = rig.master_elsewhere().await;
    let began = rig.world.now();
    lease.resign();
    soon(lease.lost(), "the lease ends").await;
    let took = rig.world.now() - began;
    assert!(took >= seconds(3.0) && took < seconds(3.2), "the step-down timeout, not {took:?}");
    settle().await;
    assert_eq!(rig.world.session.owner(), None);
    rig.world.at(rig.world.now() + 2 * T).await;
    assert_eq!(rig.world.status().await.state, CandidateState::WaitingForAcknowledgement);
    assert_eq!(rig.starts.load(Ordering::SeqCst), 1, "not before the old work is gone");
    let_go.send(()).unwrap();
    // Its end comes from a thread that has no part in the clock of this test.
    while rig.world.status().await.state == CandidateState::WaitingForAcknowledgement {
        tokio::task::yield_now().await;
    }
    let again = rig.master_elsewhere().await;
    assert!(again.token() > lease.token());
    drop(let_go);
    runtime.shutdown_background();
}

#[actix::test]
async fn without_its_runtime_it_competes_no_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let mut rig = rig(Then::Wait, runtime.handle().clone(), None);
    rig.world.session.connect();
    let lease = rig.master_elsewhere().await;
    runtime.shutdown_background();
    rig.world.state(CandidateState::WaitingForRole).await;
    assert!(!lease.is_valid());
    assert_eq!(rig.world.session.owner(), None);
}

#[actix::test]
async fn who_waits_to_be_master_needs_no_role() {
    let world = start_with(Vec::new(), Some(Work::new(None)), true, |_| ());
    let election = world.handle();
    let (tell, told) = oneshot::channel();
    actix::spawn(async move { drop(tell.send(election.until_master().await)) });
    settle().await;
    assert!(world.handle().lease().is_none());
    world.session.connect();
    let lease = soon(told, "this process is master").await.unwrap().unwrap();
    assert!(lease.is_valid());
    world.handle().resign();
    settle().await;
    assert!(!lease.is_valid() && world.session.owner().is_none(), "nobody is waited for");
    let next = soon(world.handle().until_master(), "master again").await.unwrap();
    assert!(next.token() > lease.token());
}

/// A stopped process whose runtime goes on late: the first thing that the work sees is that it is over.
#[actix::test]
async fn works_lease_is_over_however_late_it_is_dropped() {
    let mut rig = rig(Then::Wait, Handle::current(), None);
    rig.world.session.connect();
    let lease = rig.master().await;
    rig.world.session.stall();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!lease.is_valid());
    assert!(next(&mut rig.dropped, "the work is dropped").await, "by the notice, in time");
    let status = rig.world.status().await;
    assert_eq!(status.token, None, "{status:?}");
}
