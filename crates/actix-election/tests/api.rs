//! The public API against a real server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::time::{Duration, Instant};

use actix_election::prelude::*;
use actix_election::{
    Asked, CandidateState, Place, SessionState, StartError, ask_to_resign, candidates, clock,
};
use common::{LONG, Role, client, holder, path, server, session, soon, until};
use tokio::sync::mpsc;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::OpCode;
use zookeeper_testkit::{FaultProxy, four_letter};

#[actix::test]
async fn two_elections_share_a_session() {
    let session = session(server().await, LONG);
    let (one, other) = (path("one"), path("other"));
    let (mut first, mut second) = (Role::start(), Role::start());
    let _one = Election::builder(&one).role(&first.address).campaign(&session).await.unwrap();
    let _other = Election::builder(&other).role(&second.address).campaign(&session).await.unwrap();
    let (lease, kept) = (first.master().await, second.master().await);
    assert_ne!(lease.token(), kept.token());
    assert_eq!(holder(&one).await, holder(&other).await);
    let stat = client().await.exists(&one).await.unwrap().unwrap();
    assert_eq!(lease.token().as_i64(), stat.czxid, "the token is the czxid of the lock");

    lease.resign();
    first.standby(StandbyReason::Resigned).await;
    soon(lease.lost(), "the lease ends").await;
    assert!(kept.is_valid(), "the other election is another matter");
    second.nothing_more();
    soon(session.close(), "closed").await;
}

#[actix::test]
async fn two_sessions_compete_for_one_election() {
    let (here, there) = (session(server().await, LONG), session(server().await, LONG));
    let path = path("rivals");
    let (mut first, mut second) = (Role::start(), Role::start());
    let election = Election::builder(&path).address("here:1").role(&first.address);
    let election = election.campaign(&here).await.unwrap();
    let lease = first.master().await;
    let rival = Election::builder(&path).address("there:1").role(&second.address);
    let rival = rival.campaign(&there).await.unwrap();
    let outranked = second.standby(StandbyReason::Outranked).await;
    let master = outranked.master.unwrap();
    assert_eq!((master.address.as_str(), master.token), ("here:1", lease.token()));
    // Once it has heard that its role is through with the message.
    let standby = async || rival.status().state == CandidateState::Standby;
    until("standby", standby).await;
    assert_eq!(rival.status().session, SessionState::Connected);

    soon(election.withdraw(), "withdrawn").await;
    assert!(!lease.is_valid());
    first.standby(StandbyReason::Resigned).await;
    assert!(second.master().await.token() > lease.token());
    soon(here.close(), "closed").await;
    soon(there.close(), "closed").await;
}

#[actix::test]
async fn a_path_is_used_once_in_a_session() {
    let session = session(server().await, LONG);
    let path = path("once");
    let mut role = Role::start();
    let election = Election::builder(&path).role(&role.address).campaign(&session).await.unwrap();
    let lease = role.master().await;
    let again = Election::builder(&path).observe(&session).await;
    assert!(matches!(again, Err(StartError::PathInUse(used)) if used.as_str() == path));
    assert!(lease.is_valid());

    // Once that election has ended, the path is free.
    drop(election);
    role.standby(StandbyReason::Resigned).await;
    let mut heir = Role::start();
    let free = async || match Election::builder(&path).role(&heir.address).campaign(&session).await {
        Err(StartError::PathInUse(_)) => None,
        started => Some(started.unwrap()),
    };
    let mut next = None;
    while next.is_none() {
        next = soon(free(), "an answer").await;
        tokio::task::yield_now().await;
    }
    assert!(heir.master().await.token() > lease.token());
    soon(session.close(), "closed").await;
}

/// Whoever came now would not be asked to step down before the lock goes.
#[actix::test]
async fn nobody_comes_in_while_a_session_is_being_closed() {
    let session = session(server().await, LONG);
    let mut role = Role::start();
    role.gate.send_replace(false);
    let _slow = Election::builder(&path("slow")).role(&role.address).campaign(&session).await.unwrap();
    role.master().await;
    let mut closing = Box::pin(session.close());
    assert!(futures::poll!(&mut closing).is_pending());
    let late = Election::builder(&path("late")).without_role().campaign(&session).await;
    assert!(matches!(late, Err(StartError::SessionClosed)), "{late:?}");
    role.standby(StandbyReason::Resigned).await;
    role.gate.send_replace(true);
    soon(closing, "closed").await;
}

#[actix::test]
async fn every_setting_that_cannot_be_used_is_named() {
    let started =
        Session::builder("").session_timeout(Duration::ZERO).auth("", "").max_frame_size(4096).start();
    let Err(StartError::Invalid(problems)) = started else { panic!("these settings cannot be used") };
    assert_eq!(problems.len(), 4, "{problems:?}");
    let rule = StartError::Invalid(problems).to_string();
    assert!(
        rule.contains("max_frame_size") && rule.contains("4096") && rule.contains("1 MiB to 1 GiB"),
        "{rule}"
    );
    assert!(Session::builder("a").max_frame_size(1 << 30).start().is_ok());

    let session = session(server().await, LONG);
    let started = Election::builder("no/slash").address("no port").step_down_timeout(Duration::ZERO);
    let Err(StartError::Invalid(problems)) = started.campaign(&session).await else {
        panic!("these settings cannot be used")
    };
    let text = StartError::Invalid(problems).to_string();
    for named in ["no/slash", "no port", "0ns"] {
        assert!(text.contains(named), "{named} is missing from: {text}");
    }
    soon(session.close(), "closed").await;
}

#[actix::test]
async fn close_hands_over_in_order() {
    let session = session(server().await, LONG);
    let path = path("close");
    let mut role = Role::start();
    let election = Election::builder(&path).role(&role.address).step_down_timeout(LONG);
    let _election = election.campaign(&session).await.unwrap();
    let lease = role.master().await;
    let id = holder(&path).await.unwrap();
    role.gate.send_replace(false);
    let mut closed = Box::pin(session.close());
    tokio::select! {
        _ = role.standby(StandbyReason::Resigned) => {}
        _ = &mut closed => panic!("closed before the role was told"),
    }
    assert!(lease.is_valid());
    assert_eq!(holder(&path).await, Some(id), "the handler is not through yet");

    role.gate.send_replace(true);
    soon(closed, "closed").await;
    assert!(!lease.is_valid());
    assert_eq!(holder(&path).await, None);
    let sessions = four_letter::sessions(server().await).await.unwrap();
    assert!(!sessions.contains(&id), "closed, not left to expire");
    let late = Election::builder(&path).observe(&session).await;
    assert!(matches!(late, Err(StartError::SessionClosed)));
}

#[actix::test]
async fn a_slow_role_keeps_no_lock_but_its_own_while_the_session_is_closed() {
    let session = session(server().await, LONG);
    let (quick_path, slow_path) = (path("quick"), path("slow"));
    let (mut quick, mut slow) = (Role::start(), Role::start());
    let election = Election::builder(&quick_path).role(&quick.address);
    let _quick = election.campaign(&session).await.unwrap();
    let election = Election::builder(&slow_path).role(&slow.address).step_down_timeout(LONG);
    let _slow = election.campaign(&session).await.unwrap();
    let (lease, kept) = (quick.master().await, slow.master().await);
    let id = holder(&quick_path).await.unwrap();
    slow.gate.send_replace(false);
    let mut closed = Box::pin(session.close());
    tokio::select! {
        () = until("the lock goes", async || holder(&quick_path).await.is_none()) => {}
        _ = &mut closed => panic!("closed before the slow role was through"),
    }
    assert!(!lease.is_valid() && kept.is_valid());
    assert_eq!(holder(&slow_path).await, Some(id));
    slow.gate.send_replace(true);
    soon(closed, "closed").await;
    assert_eq!(holder(&slow_path).await, None);
}

#[actix::test]
async fn who_leaves_without_a_farewell_leaves_nothing_behind() {
    let proxy = FaultProxy::start(server().await).unwrap();
    let session = session(proxy.address(), LONG);
    let path = path("dropped");
    let mut role = Role::start();
    let election = Election::builder(&path).role(&role.address).campaign(&session).await.unwrap();
    let lease = role.master().await;
    let id = holder(&path).await.unwrap();
    // The election keeps the session.
    drop(session);
    assert!(lease.is_valid());
    drop(election);
    role.standby(StandbyReason::Resigned).await;
    let ended = async || !four_letter::sessions(server().await).await.unwrap().contains(&id);
    until("the session ends", ended).await;
    // A server that moves a session from one tick to the next may for a moment list it in neither.
    until("the lock goes", async || holder(&path).await.is_none()).await;
    assert!(!lease.is_valid());
    let closed = proxy.requests().iter().any(|request| request.op == OpCode::CloseSession);
    assert!(closed, "it was closed, and did not expire");
    until("the connection ends", async || proxy.open_connections() == 0).await;
}

#[actix::test]
async fn a_queue_is_served_in_its_order() {
    let path = path("queue");
    let asker = session(server().await, LONG);
    assert_eq!(soon(candidates(&asker, &path, LONG), "an answer").await.unwrap(), []);
    let mut nodes = Vec::new();
    for number in 1..=3 {
        let session = session(server().await, LONG);
        let mut role = Role::start();
        let election = Election::builder(&path).strategy(Strategy::Queue).address(&format!("h:{number}"));
        let election = election.role(&role.address).campaign(&session).await.unwrap();
        if number > 1 {
            role.standby(StandbyReason::Outranked).await;
        }
        // Before the next one comes.
        until("it has its place", async || election.status().place.map(Place::at_most) == Some(number - 1))
            .await;
        nodes.push((session, election, role));
    }
    let addresses = async || -> Vec<String> {
        let there = soon(candidates(&asker, &path, LONG), "an answer").await.unwrap();
        assert!(there.is_sorted_by_key(|candidate| candidate.token));
        there.into_iter().map(|candidate| candidate.address).collect()
    };
    assert_eq!(addresses().await, ["h:1", "h:2", "h:3"]);

    let mut last = None;
    for (node, (_, _, role)) in nodes.iter_mut().enumerate() {
        let lease = role.master().await;
        assert!(last < Some(lease.token()));
        last = Some(lease.token());
        if node == 2 {
            break;
        }
        // By its own will, and asked by another process: both go to the end.
        if node == 0 {
            lease.resign();
        } else {
            let asked = soon(ask_to_resign(&asker, &path, LONG), "an answer").await.unwrap();
            assert_eq!(asked, Asked::Resigned(lease.token()));
        }
        role.standby(StandbyReason::Resigned).await;
        soon(lease.lost(), "the end of the lease").await;
    }
    until("both are back, at the end", async || addresses().await == ["h:3", "h:1", "h:2"]).await;
    for (session, ..) in &nodes {
        soon(session.close(), "closed").await;
    }
    assert_eq!(addresses().await, [""; 0]);
    soon(asker.close(), "closed").await;
}

/// A role that does not let go of its thread for a long time, and looks at its lease meanwhile.
struct Blocking {
    hold: Duration,
    told: mpsc::UnboundedSender<Outcome>,
}

#[derive(Debug)]
enum Outcome {
    /// The lease, and the least that remained of it while the thread was blocked.
    Master(Lease, Duration),
    Standby,
}

impl Actor for Blocking {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Blocking {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        let until = Instant::now() + self.hold;
        let mut least = Duration::MAX;
        while Instant::now() < until {
            least = least.min(message.lease.remaining_at(clock::now()));
            std::thread::sleep(Duration::from_millis(5));
        }
        self.told.send(Outcome::Master(message.lease, least)).unwrap();
    }
}

impl Handler<BecameStandby> for Blocking {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {
        self.told.send(Outcome::Standby).unwrap();
    }
}

async fn blocking_costs_nothing(role: Addr<Blocking>, mut told: mpsc::UnboundedReceiver<Outcome>) {
    let session = session(server().await, SHORT);
    let path = path("blocking");
    let election = Election::builder(&path).role(&role).campaign(&session).await.unwrap();
    let outcome = soon(told.recv(), "master").await.unwrap();
    let Outcome::Master(lease, least) = outcome else { panic!("{outcome:?} in place of BecameMaster") };
    assert!(!least.is_zero(), "the lease was valid all the time");
    assert!(lease.is_valid());
    let status = election.status();
    assert_eq!((status.state, status.token), (CandidateState::Master, Some(lease.token())));
    assert!(told.try_recv().is_err());
    soon(session.close(), "closed").await;
    assert!(matches!(told.recv().await, Some(Outcome::Standby)));
}

/// Two of these is how long a role blocks its thread.
const SHORT: Duration = Duration::from_secs(2);

#[actix::test]
async fn a_role_may_block_the_main_thread() {
    when_the_machine_runs(SHORT / 50, async |_| {
        let (tell, told) = mpsc::unbounded_channel();
        blocking_costs_nothing(Blocking { hold: 2 * SHORT, told: tell }.start(), told).await;
    })
    .await;
}

#[actix::test]
async fn a_role_may_block_a_thread_of_its_own() {
    when_the_machine_runs(SHORT / 50, async |_| {
        let (tell, told) = mpsc::unbounded_channel();
        let arbiter = Arbiter::new();
        let role =
            Blocking::start_in_arbiter(&arbiter.handle(), |_| Blocking { hold: 2 * SHORT, told: tell });
        blocking_costs_nothing(role, told).await;
        arbiter.stop();
    })
    .await;
}
