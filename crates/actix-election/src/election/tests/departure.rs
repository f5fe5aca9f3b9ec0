//! The end of the actor: nothing is left behind.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{
    CandidateConfig, ElectionPath, Reply, SessionId, SessionTimeout, StandbyReason, Stat,
};
use tokio::sync::mpsc;

use super::role::{Watched, settle};
use super::{PATH, T, World, lone_master, seconds, soon};
use crate::clock::{self, Clock};
use crate::election::actor::ElectionActor;
use crate::election::messages::AddRole;
use crate::election::sweep::Sweep;
use crate::election::{ElectionSettings, Home};
use crate::lease::SessionLease;
use crate::session::link::{Command, ConnectionId, LinkId, Notice, SessionLink, notice_channel};
use crate::session::{CloseStep, SessionBoard};
use crate::{BecameMaster, BecameStandby, Lease};

#[actix::test]
async fn an_election_that_nobody_holds_withdraws_and_ends() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let election = world.election.downgrade();
    let session = world.session.clone();
    drop(world);
    // A lease holds no address.
    assert!(lease.is_valid());
    let at = role.standby(StandbyReason::Resigned).await;
    assert!(at < seconds(0.2), "told at {at:?}");
    settle().await;
    assert_eq!(session.owner(), None);
    assert!(!lease.is_valid());
    assert!(election.upgrade().is_none(), "the actor has ended");
    assert!(session.parted() && session.is_unheard());
    assert_eq!(session.candidate(), [true, false]);
    // Nobody hears it, and nothing breaks.
    lease.resign();
    role.nothing_until(2 * T).await;
}

#[actix::test]
async fn while_cut_off_it_lives_until_its_lock_is_gone() {
    let mut role = Watched::start();
    let (world, _lease) = lone_master(&mut role).await;
    let election = world.election.downgrade();
    let session = world.session.clone();
    session.disconnect();
    drop(world);
    role.standby(StandbyReason::Resigned).await;
    role.nothing_until(T).await;
    assert!(election.upgrade().is_some() && !session.parted());
    session.connect();
    settle().await;
    assert_eq!(session.owner(), None);
    assert!(session.parted());
}

#[actix::test]
async fn a_role_that_is_busy_then_is_told_all_the_same() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let session = world.session.clone();
    let busy = role.busy().await;
    drop(world);
    tokio::time::sleep(T).await;
    assert!(session.parted(), "the actor is gone");
    assert!(!lease.is_valid());
    drop(busy);
    role.standby(StandbyReason::Resigned).await;
}

/// Has the election step down for a close; the future ends once it says that it has.
fn stepped_down(world: &World) -> impl Future<Output = ()> + use<> {
    let (ready, mut stepped_down) = mpsc::unbounded_channel();
    world.election.do_send(CloseStep::Prepare(ready));
    async move {
        assert_eq!(stepped_down.recv().await, Some(()));
        assert_eq!(stepped_down.recv().await, None);
    }
}

#[actix::test]
async fn it_is_ready_for_the_close_once_no_lease_is_valid() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    let mut ready = Box::pin(stepped_down(&world));
    role.standby(StandbyReason::Resigned).await;
    assert!(tokio::time::timeout(seconds(2.0), &mut ready).await.is_err());
    assert!(lease.is_valid());
    role.standby_gate(true);
    let began = world.now();
    soon(ready, "ready").await;
    assert!(!lease.is_valid() && world.now() < began + seconds(0.01));
    // Whoever comes later finds it ready.
    soon(stepped_down(&world), "still ready").await;
}

/// The close does that for all elections at once.
#[actix::test]
async fn a_lock_is_released_one_by_one_only_if_the_close_has_to_wait() {
    let mut role = Watched::start();
    let (world, _lease) = lone_master(&mut role).await;
    let asked = world.session.asked().len();
    soon(stepped_down(&world), "ready").await;
    settle().await;
    assert_eq!((world.session.asked().len(), world.session.owner()), (asked, Some(world.session.id())));
    world.election.send(CloseStep::ReleaseNow).await.unwrap();
    settle().await;
    assert_eq!(world.session.owner(), None);
}

#[actix::test]
async fn what_was_withheld_for_a_connection_that_is_gone_is_never_asked_for() {
    let mut role = Watched::start();
    let (world, _lease) = lone_master(&mut role).await;
    soon(stepped_down(&world), "ready").await;
    let asked = world.session.asked().len();
    world.session.disconnect();
    settle().await;
    world.election.send(CloseStep::ReleaseNow).await.unwrap();
    settle().await;
    let late = world.session.asked()[asked..].to_vec();
    assert!(!late.is_empty() && late.iter().all(|asked| !asked.current), "{late:?}");
    assert_eq!(world.session.owner(), Some(world.session.id()));
}

#[actix::test]
async fn a_role_that_does_not_acknowledge_delays_the_close_no_longer_than_any_handover() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    soon(stepped_down(&world), "ready").await;
    assert!(!lease.is_valid());
    assert!(world.now() >= seconds(3.0) && world.now() < seconds(3.1), "ready at {:?}", world.now());
}

#[actix::test]
async fn a_standby_is_ready_for_the_close_at_once() {
    let mut role = Watched::start();
    let world = super::campaign(&role);
    let token = world.session.taken_by("there:1");
    world.session.connect();
    role.outranked(StandbyReason::Outranked, Some(token)).await;
    let before = world.now();
    soon(stepped_down(&world), "ready").await;
    assert_eq!(world.now(), before);
}

/// Hands on the lease.
struct Leases(mpsc::UnboundedSender<Lease>);

impl Actor for Leases {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Leases {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        self.0.send(message.lease).unwrap();
    }
}

impl Handler<BecameStandby> for Leases {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {}
}

/// With the actor goes the last user of the session, which is then closed: no lease may outlive that.
#[actix::test]
async fn an_election_that_is_torn_down_with_its_thread_leaves_no_valid_lease() {
    let (tell, mut leases) = mpsc::unbounded_channel();
    let (commands, mut asked) = mpsc::unbounded_channel();
    let (notices, told) = notice_channel();
    let settings = ElectionSettings {
        config: CandidateConfig::new(ElectionPath::new(PATH).unwrap()),
        roles: vec![AddRole::new(&Leases(tell).start())],
        work: None,
        watchdog: false,
        campaign: true,
    };
    let arbiter = Arbiter::new();
    let (started, address) = tokio::sync::oneshot::channel();
    arbiter.spawn_fn(move || {
        let link = SessionLink { id: LinkId(1), commands };
        let sweep = Sweep::start(Clock::Boot);
        let shown = Arc::new(SessionBoard::of_new_session());
        let home = Home { session: None, shown, timeout: T, link, notices: told };
        let election = ElectionActor::new(settings, Clock::Boot, sweep, home).unwrap();
        started.send(election.start()).unwrap();
    });
    let _election = address.await.unwrap();

    let session = Arc::new(SessionLease::default());
    session.extend(clock::now() + Duration::from_secs(3600));
    notices
        .unbounded_send(Notice::Connected {
            connection: ConnectionId(1),
            session: SessionId(7),
            timeout: SessionTimeout::new(T),
            lease: Arc::clone(&session),
        })
        .unwrap();
    // The lock is free and is won; whatever is asked after that has no answer.
    let replies = [Reply::Missing, Reply::Created(Stat { czxid: 41, ephemeral_owner: 7 })];
    for reply in replies {
        let op = loop {
            if let Command::Request(_, _, op, _) = asked.recv().await.unwrap() {
                break op;
            }
        };
        notices.unbounded_send(Notice::Answered(op, reply)).unwrap();
    }
    let lease = leases.recv().await.unwrap();
    assert!(lease.is_valid());
    arbiter.stop();
    while asked.recv().await.is_some() {}
    assert!(session.until().is_some_and(|until| until > clock::now()), "the session itself lives on");
    assert!(!lease.is_valid());
    arbiter.join().unwrap();
}
