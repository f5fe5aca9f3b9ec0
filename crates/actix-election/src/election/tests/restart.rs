//! Roles that are restarted by a supervisor: same address, same mailbox, and nothing left of what was under way.

use actix::prelude::*;
use actix_election_core::{CandidateState, StandbyReason};
use tokio::sync::mpsc;

use super::role::{Die, Tie, Watched, settle};
use super::{World, campaign, lone_master, next, seconds, start};
use crate::election::messages::{AddRole, Resign};
use crate::{BecameMaster, BecameStandby};

/// A master whose role is still at work on `BecameMaster`.
async fn busy_master(role: &mut Watched) -> (World, crate::Lease) {
    role.master_gate(false);
    lone_master(role).await
}

#[actix::test]
async fn a_restart_while_became_master_is_handled_ends_the_term() {
    let mut role = Watched::supervised();
    let (world, lease) = busy_master(&mut role).await;
    role.standby_gate(false);
    let began = world.now();
    role.restart();
    let at = role.standby(StandbyReason::RoleFailed).await;
    assert!(at < began + seconds(0.2), "noticed at once, not after {:?}", at - began);
    settle().await;
    assert!(lease.is_valid() && world.session.owner().is_some(), "it steps down in order");
    role.standby_gate(true);
    settle().await;
    assert!(!lease.is_valid());
    assert_eq!(world.session.owner(), None);
    assert_eq!(world.status().await.state, CandidateState::Pausing);
    assert!(role.master().await.token() > lease.token() && world.now() >= began + seconds(5.0));
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn the_lock_waits_for_a_role_that_is_restarted_while_it_steps_down() {
    let mut role = Watched::supervised();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    for _ in 0..2 {
        let began = world.now();
        role.restart();
        let at = role.standby(StandbyReason::Resigned).await;
        assert!(at < began + seconds(0.3), "told again at once, not after {:?}", at - began);
        settle().await;
        assert!(lease.is_valid() && world.session.owner().is_some());
    }
    role.standby_gate(true);
    settle().await;
    assert!(!lease.is_valid());
    assert_eq!(world.session.owner(), None);
    assert!(role.master().await.token() > lease.token());
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn a_restart_gives_no_more_time_to_step_down() {
    let mut role = Watched::supervised();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    let began = world.now();
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    world.at(began + seconds(2.5)).await;
    role.restart();
    role.standby(StandbyReason::Resigned).await;
    world.at(began + seconds(3.01)).await;
    assert!(!lease.is_valid());
    assert_eq!(world.status().await.state, CandidateState::WaitingForAcknowledgement);
    role.standby_gate(true);
    role.master().await;
}

#[actix::test]
async fn a_restart_and_a_resignation_at_once_are_one_end() {
    let mut role = Watched::supervised();
    let (world, lease) = busy_master(&mut role).await;
    role.restart();
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    assert!(role.master().await.token() > lease.token());
    assert!(world.now() < seconds(2.0), "only the pause of a resignation");
}

#[actix::test]
async fn what_waits_in_the_mailbox_of_a_restarted_role_is_not_lost() {
    let mut role = Watched::supervised();
    let world = campaign(&role);
    let busy = role.busy().await;
    role.restart();
    world.session.connect();
    world.state(CandidateState::Master).await;
    drop(busy);
    let lease = role.master().await;

    let busy = role.busy().await;
    role.restart();
    world.election.send(Resign::default()).await.unwrap();
    drop(busy);
    role.standby(StandbyReason::Resigned).await;
    assert!(role.master().await.token() > lease.token());
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn one_that_dies_after_its_restart_is_dead() {
    for told_again in [true, false] {
        let mut role = Watched::supervised();
        let (world, _) = lone_master(&mut role).await;
        role.standby_gate(false);
        world.election.do_send(Resign::default());
        role.standby(StandbyReason::Resigned).await;
        role.restart();
        if told_again {
            role.standby(StandbyReason::Resigned).await;
        }
        let began = world.now();
        role.die(Die::Panic);
        world.state(CandidateState::WaitingForRole).await;
        settle().await;
        assert!(world.now() < began + seconds(0.2));
        assert_eq!(world.session.owner(), None);
        let error = world.status().await.last_error.unwrap();
        assert!(error.contains("no role actor is left"), "{error}");
    }
}

#[actix::test]
async fn all_roles_step_down_for_one_that_is_restarted() {
    let (mut one, mut other) = (Watched::supervised(), Watched::start());
    one.master_gate(false);
    let world = start(&[&one, &other], true, |_| ());
    world.session.connect();
    let lease = one.master().await;
    assert_eq!(other.master().await.token(), lease.token());
    other.standby_gate(false);
    one.restart();
    one.standby(StandbyReason::RoleFailed).await;
    other.standby(StandbyReason::RoleFailed).await;
    settle().await;
    assert!(lease.is_valid(), "for as long as the other steps down");
    other.standby_gate(true);
    settle().await;
    assert_eq!(world.session.owner(), None);
    let (next, same) = (one.master().await, other.master().await);
    assert!(next.token() > lease.token() && next.token() == same.token());
}

#[actix::test]
async fn a_restart_of_a_standby_changes_nothing() {
    let mut role = Watched::supervised();
    let world = campaign(&role);
    let token = world.session.taken_by("there:1");
    world.session.connect();
    role.outranked(StandbyReason::Outranked, Some(token)).await;
    settle().await;
    role.restart();
    role.nothing_until(world.now() + seconds(60.0)).await;
    world.session.delete(super::PATH);
    role.master().await;
}

#[actix::test]
async fn a_restart_of_a_tied_master_ends_the_term() {
    let mut role = Watched::tied();
    let (world, mut lease) = lone_master(&mut role).await;
    for _ in 0..2 {
        settle().await;
        role.standby_gate(false);
        let began = world.now();
        role.restart();
        let at = role.standby(StandbyReason::RoleFailed).await;
        assert!(at < began + seconds(0.2), "noticed at once, not after {:?}", at - began);
        settle().await;
        assert!(lease.is_valid() && world.session.owner().is_some(), "it steps down in order");
        role.standby_gate(true);
        settle().await;
        assert!(!lease.is_valid());
        assert_eq!(world.session.owner(), None);
        let next = role.master().await;
        assert!(next.token() > lease.token() && world.now() >= began + seconds(5.0));
        lease = next;
    }
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn a_tie_ends_with_its_term() {
    let mut role = Watched::tied();
    let (world, _) = lone_master(&mut role).await;
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    settle().await;
    role.restart();
    role.master().await;
    assert!(world.now() < seconds(2.0), "only the pause of a resignation");
    // Of a role, too, that is restarted on the way out.
    role.standby_gate(false);
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    role.restart();
    role.standby(StandbyReason::Resigned).await;
    role.standby_gate(true);
    role.master().await;
    assert!(world.now() < seconds(4.0));
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn a_term_may_be_tied_to_the_actor_that_does_the_work() {
    for die in [Die::Stop, Die::Panic] {
        let mut role = Watched::start();
        let (_world, lease) = lone_master(&mut role).await;
        let worker = Watched::start();
        worker.address.send(Tie(lease.clone())).await.unwrap();
        role.nothing_until(seconds(60.0)).await;
        worker.die(die);
        role.standby(StandbyReason::RoleFailed).await;
        role.master().await;
    }
}

#[actix::test]
async fn a_restart_before_the_tie_was_ever_looked_at_is_noticed() {
    let mut role = Watched::start();
    let (_world, lease) = lone_master(&mut role).await;
    let worker = Watched::supervised();
    let busy = worker.busy().await;
    worker.address.do_send(Tie(lease));
    worker.restart();
    drop(busy);
    role.standby(StandbyReason::RoleFailed).await;
    role.master().await;
}

#[actix::test]
async fn nobody_is_kept_alive_by_a_tie() {
    let mut role = Watched::tied();
    let (world, lease) = lone_master(&mut role).await;
    let worker = Watched::start();
    worker.address.send(Tie(lease)).await.unwrap();
    let World { election, .. } = world;
    drop(election);
    role.standby(StandbyReason::Resigned).await;
    worker.gone().await;
    role.gone().await;
}

#[actix::test]
async fn an_actor_that_is_added_again_was_restarted() {
    let mut role = Watched::supervised();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    let began = world.now();
    role.restart();
    world.election.do_send(AddRole::new(&role.address));
    role.standby(StandbyReason::RoleFailed).await;
    settle().await;
    assert!(lease.is_valid() && world.session.owner().is_some(), "it steps down in order");
    role.restart();
    world.election.do_send(AddRole::new(&role.address));
    role.standby(StandbyReason::RoleFailed).await;
    role.nothing_until(world.now() + seconds(1.0)).await;
    role.standby_gate(true);
    assert!(role.master().await.token() > lease.token() && world.now() >= began + seconds(5.0));
    role.nothing_until(world.now() + seconds(60.0)).await;
}

#[actix::test]
async fn a_standby_that_is_added_again_is_told_again() {
    let mut role = Watched::supervised();
    let world = campaign(&role);
    let token = world.session.taken_by("there:1");
    world.session.connect();
    role.outranked(StandbyReason::Outranked, Some(token)).await;
    for _ in 0..2 {
        settle().await;
        role.restart();
        world.election.do_send(AddRole::new(&role.address));
        role.outranked(StandbyReason::Outranked, Some(token)).await;
    }
    role.nothing_until(world.now() + seconds(60.0)).await;
    world.session.delete(super::PATH);
    role.master().await;
}

#[actix::test]
async fn an_actor_that_is_added_twice_before_it_is_told_anything_plays_one_role() {
    let mut role = Watched::start();
    let world = start(&[&role, &role], true, |_| ());
    world.election.do_send(AddRole::new(&role.address));
    world.session.connect();
    let lease = role.master().await;
    role.nothing_until(seconds(60.0)).await;
    assert!(lease.is_valid());
    role.die(Die::Stop);
    world.state(CandidateState::WaitingForRole).await;
}

/// It fails whenever it is told that it is standby, and lives on.
struct Hopeless(mpsc::UnboundedSender<()>);

impl Actor for Hopeless {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Hopeless {
    type Result = ();

    fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) {}
}

impl Handler<BecameStandby> for Hopeless {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) -> Self::Result {
        let _ = self.0.send(());
        Box::pin(async { panic!("as the test wants it") })
    }
}

#[actix::test]
async fn one_that_never_manages_to_step_down_is_told_less_and_less_often() {
    let world = start(&[], true, |_| ());
    let (tell, mut told) = mpsc::unbounded_channel();
    let role = Hopeless(tell).start();
    world.election.send(AddRole::new(&role)).await.unwrap();
    world.session.connect();
    world.state(CandidateState::Master).await;
    world.election.do_send(Resign::default());
    for _ in 0..3 {
        next(&mut told, "BecameStandby").await;
    }
    assert!(world.now() < seconds(1.0));
    world.at(seconds(60.0)).await;
    assert!((5..20).contains(&told.len()), "{} times in a minute", told.len());
    assert_eq!(world.session.owner(), None);
    let status = world.status().await;
    assert_eq!(status.state, CandidateState::WaitingForAcknowledgement);
    assert!(status.last_error.unwrap().contains("has not handled BecameStandby"));
}
