//! What others learn: who is master, what is wrong, and why this process is not master.

use actix::prelude::*;
use actix_election_core::{CandidateState, Operation, Refusal, SessionState, StandbyReason};
use tokio::sync::mpsc;

use super::fake::{is_create, is_read};
use super::role::{Die, Watched, settle};
use super::{PATH, T, campaign, next, seconds, start};
use crate::election::actor::ElectionActor;
use crate::election::messages::{AddRole, Campaign, Observe, Resign};
use crate::session::Subscribe;
use crate::{Leadership, MasterChanged, Problem};

/// Passes on what it is told.
struct Listener<M: Message>(mpsc::UnboundedSender<M>);

impl<M: Message + Unpin + 'static> Actor for Listener<M> {
    type Context = Context<Self>;
}

impl Handler<MasterChanged> for Listener<MasterChanged> {
    type Result = ();

    fn handle(&mut self, message: MasterChanged, _: &mut Context<Self>) {
        self.0.send(message).unwrap();
    }
}

impl Handler<Problem> for Listener<Problem> {
    type Result = ();

    fn handle(&mut self, message: Problem, _: &mut Context<Self>) {
        self.0.send(message).unwrap();
    }
}

struct Changes(mpsc::UnboundedReceiver<MasterChanged>);

impl Changes {
    fn of(election: &Addr<ElectionActor>) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        election.do_send(Observe(Listener(tell).start().recipient()));
        Changes(told)
    }

    /// The address of the next master; `None` if there is none.
    async fn next(&mut self) -> Option<String> {
        let changed = next(&mut self.0, "the master changes").await;
        assert_eq!(changed.path.as_str(), PATH);
        changed.master.map(|master| master.address)
    }
}

fn problems(election: &Addr<ElectionActor>) -> mpsc::UnboundedReceiver<Problem> {
    let (tell, told) = mpsc::unbounded_channel();
    election.do_send(Subscribe(Listener(tell).start().recipient()));
    told
}

#[actix::test]
async fn an_observer_follows_who_is_master_without_competing() {
    let role = Watched::start();
    let world = start(&[&role], false, |_| ());
    let mut changes = Changes::of(&world.election);
    settle().await;
    assert!(changes.0.try_recv().is_err(), "nothing is known yet");
    world.session.connect();
    assert_eq!(changes.next().await, None);
    world.session.taken_by("there:1");
    assert_eq!(changes.next().await.as_deref(), Some("there:1"));
    world.session.delete(PATH);
    assert_eq!(changes.next().await, None);
    world.session.taken_by("");
    assert_eq!(changes.next().await.as_deref(), Some(""), "a master without an address is a master");

    let mut late = Changes::of(&world.election);
    assert_eq!(late.next().await.as_deref(), Some(""), "the late one is told at once");
    assert_eq!(world.session.asked_for(is_create).len(), 0);
    assert!(world.session.candidate().is_empty());
    assert_eq!(world.status().await.state, CandidateState::Following);
    settle().await;
    assert!(changes.0.try_recv().is_err() && late.0.try_recv().is_err());
}

#[actix::test]
async fn an_observer_becomes_a_candidate() {
    let mut role = Watched::start();
    let world = start(&[&role], false, |_| ());
    let mut changes = Changes::of(&world.election);
    world.session.connect();
    assert_eq!(changes.next().await, None);
    role.nothing_until(T).await;
    world.election.do_send(Campaign);
    role.master().await;
    assert_eq!(changes.next().await.as_deref(), Some("here:1"));
    assert_eq!(world.session.candidate(), [true]);
}

#[actix::test]
async fn a_squatter_is_a_problem_that_is_reported_until_it_goes() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let mut told = problems(&world.election);
    world.session.create(PATH, b"", 0);
    world.session.connect();
    role.standby(StandbyReason::PathTaken).await;
    let problem = next(&mut told, "a problem").await;
    assert_eq!(problem.path.as_ref().map(ToString::to_string).as_deref(), Some(PATH));
    assert!(problem.message.contains("not ephemeral"), "{problem:?}");
    let began = world.now();
    assert_eq!(next(&mut told, "the problem again").await, problem);
    assert!(world.now() >= began + seconds(59.9), "once a minute");
    assert_eq!(next(&mut problems(&world.election), "the late one is told too").await, problem);

    let status = world.status().await;
    assert_eq!(status.state, CandidateState::PathTaken);
    assert_eq!(status.last_error.as_ref(), Some(&problem.message));
    world.session.delete(PATH);
    role.master().await;
}

#[actix::test]
async fn a_denied_request_is_a_problem_and_is_tried_again() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let mut told = problems(&world.election);
    world.session.refuse(is_create, Refusal::NoAuth);
    world.session.connect();
    role.standby(StandbyReason::Denied).await;
    let problem = next(&mut told, "a problem").await;
    assert!(problem.message.contains("cannot create the lock at /master"), "{problem:?}");
    let status = world.status().await;
    assert_eq!(status.state, CandidateState::Denied);
    assert!(status.next_retry.is_some_and(|wait| wait > seconds(4.9) && wait <= seconds(5.0)), "{status:?}");
    world.at(seconds(12.0)).await;
    assert_eq!(world.session.asked_for(is_create).len(), 3, "every 5 s");
    world.session.refuse_nothing();
    role.master().await;
}

#[actix::test]
async fn that_no_role_is_left_is_a_problem_until_one_is_added() {
    let mut role = Watched::start();
    let world = start(&[], true, |_| ());
    let mut told = problems(&world.election);
    world.session.connect();
    world.at(T).await;
    assert!(told.try_recv().is_err(), "one is still to come");
    world.election.do_send(AddRole::new(&role.address));
    role.master().await;
    role.die(Die::Stop);
    let problem = next(&mut told, "a problem").await;
    assert!(problem.message.contains("no role actor is left"), "{problem:?}");
    let status = world.status().await;
    assert_eq!(status.state, CandidateState::WaitingForRole);
    assert_eq!(status.last_error.as_ref(), Some(&problem.message));
    let began = world.now();
    assert_eq!(next(&mut told, "the problem again").await, problem);
    assert!(world.now() >= began + seconds(59.9), "once a minute");

    let mut heir = Watched::start();
    world.election.do_send(AddRole::new(&heir.address));
    heir.master().await;
    heir.nothing_until(world.now() + 20 * T).await;
    assert!(told.try_recv().is_err(), "it is put right");
}

#[actix::test]
async fn status_says_why_this_process_is_not_master() {
    let mut role = Watched::start();
    let world = start(&[&role], true, |_| ());
    let status = world.status().await;
    assert_eq!((status.state, status.session), (CandidateState::Connecting, SessionState::Connecting));
    assert_eq!((status.leadership, status.token, status.place), (Leadership::Unknown, None, None));
    assert_eq!((status.lease_remaining, status.quorum_answer_age), (None, None));
    assert_eq!((status.last_error, status.next_retry), (None, None));

    world.session.hold();
    world.session.connect();
    world.state(CandidateState::Competing).await;
    let token = world.session.taken_by("there:1");
    world.session.release();
    world.state(CandidateState::Standby).await;
    let status = world.status().await;
    let master = status.leadership.master().cloned().unwrap();
    assert_eq!((master.address.as_str(), master.token.as_i64()), ("there:1", token));
    assert_eq!(status.session, SessionState::Connected);
    world.at(seconds(0.9)).await;
    let status = world.status().await;
    assert!(
        status.quorum_answer_age.is_some_and(|age| age > seconds(0.8) && age < seconds(1.0)),
        "{status:?}"
    );
    assert!(status.lease_remaining.is_some_and(|left| left > seconds(8.0)), "{status:?}");
    role.outranked(StandbyReason::Outranked, Some(token)).await;

    world.session.delete(PATH);
    let lease = role.master().await;
    let status = world.status().await;
    assert_eq!((status.state, status.token), (CandidateState::Master, Some(lease.token())));
    assert_eq!(status.leadership.master().cloned().map(|master| master.token), Some(lease.token()));

    role.standby_gate(false);
    world.election.do_send(Resign::default());
    world.state(CandidateState::SteppingDown).await;
    assert_eq!(world.status().await.token, Some(lease.token()));
    world.state(CandidateState::WaitingForAcknowledgement).await;
    role.standby(StandbyReason::Resigned).await;
    let token = world.session.taken_by("there:2");
    role.standby_gate(true);
    world.state(CandidateState::Standby).await;
    let status = world.status().await;
    assert_eq!(status.leadership.master().cloned().map(|master| master.token.as_i64()), Some(token));
}

#[actix::test]
async fn a_lock_that_may_not_be_read_is_followed_by_its_stat() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let token = world.session.taken_by("there:1");
    world.session.refuse(is_read, Refusal::NoAuth);
    world.session.connect();
    let told = role.told().await;
    assert!(matches!(told.news, super::role::News::Standby(..)), "{told:?}");
    let status = world.status().await;
    assert_eq!(status.state, CandidateState::Denied);
    assert_eq!(status.leadership.master().cloned().map(|master| master.token.as_i64()), Some(token));
    world.session.delete(PATH);
    role.master().await;
    let create = |operation: &Operation| matches!(operation, Operation::Create { .. });
    assert_eq!(world.session.asked_for(create).len(), 1);
}

/// One whose server is frozen still sees its own lock. A request that it sent on to "the master" would come back.
#[actix::test]
async fn an_ex_master_says_that_the_master_it_knows_is_itself() {
    let mut role = Watched::start();
    let (world, lease) = super::lone_master(&mut role).await;
    let mut changes = Changes::of(&world.election);
    assert_eq!(changes.next().await.as_deref(), Some("here:1"));
    let election = world.handle();
    assert!(election.leadership().is_self() && election.leadership().is_current());

    world.session.disconnect();
    settle().await;
    assert!(lease.is_valid() && election.leadership().is_current(), "by its lease");
    world.session.stall();
    role.standby(StandbyReason::LeaseEnding).await;
    settle().await;
    assert!(election.lease().is_none());
    let Leadership::Held { master, is_self, is_current } = election.leadership() else {
        panic!("{:?}", election.leadership())
    };
    assert_eq!((master.token, is_self, is_current), (lease.token(), true, false));
    assert_eq!(election.leadership().to_string(), format!("{master} (this process) (when last known)"));

    // Its session is lost, and another one is master.
    world.session.expire();
    let token = world.session.taken_by("there:1");
    world.session.connect();
    world.state(CandidateState::Standby).await;
    let leadership = election.leadership();
    assert!(!leadership.is_self() && leadership.is_current());
    assert_eq!(leadership.master().map(|master| master.token.as_i64()), Some(token));
}

#[actix::test]
async fn observers_are_told_whether_the_master_is_this_process() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let mut changes = Changes::of(&world.election);
    world.session.connect();
    let lease = role.master().await;
    let changed = next(&mut changes.0, "none, and then this").await;
    let changed = if changed.master.is_none() { next(&mut changes.0, "this").await } else { changed };
    assert_eq!(changed.master.map(|master| master.token), Some(lease.token()));
    assert!(changed.is_self);
    world.session.expire();
    world.session.taken_by("there:1");
    world.session.connect();
    role.standby(StandbyReason::SessionLost).await;
    loop {
        let changed = next(&mut changes.0, "the other").await;
        if changed.master.is_some_and(|master| master.address == "there:1") {
            assert!(!changed.is_self);
            break;
        }
    }
}

#[actix::test]
async fn changes_are_told_to_whoever_waits_wherever_that_is() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let election = world.handle();
    let mut changes = election.changes();
    let first = futures::StreamExt::next(&mut changes).await.unwrap();
    assert_eq!(first.leadership, Leadership::Unknown);
    // From a thread and a runtime that know nothing of this one.
    let (tell, mut told) = mpsc::unbounded_channel();
    let watching = election.clone();
    let elsewhere = std::thread::spawn(move || {
        futures::executor::block_on(async {
            while watching.status().state != CandidateState::Master {
                let changed = watching.changed();
                if watching.status().state != CandidateState::Master {
                    changed.await.unwrap();
                }
            }
            tell.send(watching.lease().unwrap()).unwrap();
        });
    });
    world.session.connect();
    let lease = role.master().await;
    let seen = loop {
        match told.try_recv() {
            Ok(seen) => break seen,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(seen.token(), lease.token());
    elsewhere.join().unwrap();
    let status = super::soon(
        async {
            loop {
                let status = futures::StreamExt::next(&mut changes).await.unwrap();
                if status.state == CandidateState::Master {
                    return status;
                }
            }
        },
        "the change",
    )
    .await;
    assert_eq!(status.token, Some(lease.token()));
    assert!(status.term_since.is_some_and(|since| since <= status.at));
    assert_eq!(status.session_id.map(|id| id.0), Some(world.session.id()));
    assert_eq!((status.asked_timeout, status.granted_timeout), (T, Some(T)));
    assert_eq!(election.status(), election.status(), "the clock stands");
    // Where nothing changes nobody is woken, however often the lease is extended.
    settle().await;
    while tokio::time::timeout(seconds(0.01), futures::StreamExt::next(&mut changes)).await.is_ok() {}
    let quiet = tokio::time::timeout(3 * T, election.changed()).await;
    assert!(quiet.is_err(), "{:?}", election.status());
}

/// A session that was given up stands at the ensemble until it has expired: whoever sends its clients to that master sends them
/// in a circle.
#[actix::test]
async fn what_an_earlier_session_has_left_is_no_other_master() {
    let mut role = Watched::start();
    let (world, lease) = super::lone_master(&mut role).await;
    let mut changes = Changes::of(&world.election);
    assert!(next(&mut changes.0, "it is master").await.is_self);
    let left = world.session.give_up();
    assert_eq!(left, lease.token().as_i64());
    role.standby(StandbyReason::SessionLost).await;
    world.session.connect();
    world.state(CandidateState::Standby).await;
    let mut late = Watched::start();
    world.election.do_send(AddRole::new(&late.address));
    let told = late.told().await;
    let super::role::News::Standby(StandbyReason::Outranked, Some(master), is_self) = told.news else {
        panic!("{told:?}")
    };
    assert_eq!((master.token.as_i64(), is_self), (left, true));
    assert!(world.handle().leadership().is_self() && world.handle().lease().is_none());
}
