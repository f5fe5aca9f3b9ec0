//! What a role is told, and in which order.

use actix::prelude::*;
use actix_election_core::{CandidateState, StandbyReason};
use std::sync::mpsc;

use super::role::{Watched, settle};
use super::{PATIENCE, T, campaign, lone_master, seconds, soon, start};
use crate::election::messages::{AddRole, Resign};
use crate::{BecameMaster, BecameStandby};

#[actix::test]
async fn a_lone_winner_is_told_that_it_is_master_and_nothing_before() {
    let mut role = Watched::start();
    let world = campaign(&role);
    world.session.connect();
    let lease = role.master().await;
    assert!(lease.is_valid());
    assert_eq!(world.session.owner(), Some(world.session.id()));
    role.nothing_until(3 * T).await;
    assert!(lease.is_valid(), "it stays master for as long as the quorum answers");
}

#[actix::test]
async fn where_nothing_is_known_it_is_standby_after_a_third_of_the_timeout() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let at = role.standby(StandbyReason::Connecting).await;
    assert!(at >= T / 3 && at < T / 3 + seconds(0.01), "told at {at:?}");
    role.nothing_until(2 * T).await;
    world.session.connect();
    role.master().await;
}

#[actix::test]
async fn it_is_standby_as_soon_as_another_is_seen_to_be_master() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let token = world.session.taken_by("there:1");
    world.session.connect();
    let at = role.outranked(StandbyReason::Outranked, Some(token)).await;
    assert!(at < seconds(0.1), "told at {at:?}");

    world.session.delete(super::PATH);
    let lease = role.master().await;
    assert!(lease.token().as_i64() > token);
    role.nothing_more().await;
}

#[actix::test]
async fn a_slow_became_master_never_holds_became_standby_back() {
    let mut role = Watched::start();
    role.master_gate(false);
    let (world, lease) = lone_master(&mut role).await;
    world.at(seconds(2.0)).await;
    world.election.do_send(Resign::default());
    let at = role.standby(StandbyReason::Resigned).await;
    assert!(at < seconds(2.1), "told at {at:?}");
    settle().await;
    assert!(!lease.is_valid());
    assert_eq!(world.session.owner(), None);
}

#[actix::test]
async fn an_unread_became_master_is_taken_back() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let busy = role.busy().await;
    world.session.connect();
    world.state(CandidateState::Master).await;
    world.election.send(Resign::default()).await.unwrap();
    drop(busy);
    role.standby(StandbyReason::Resigned).await;
    // The resign pause, and then the next term.
    let lease = role.master().await;
    assert!(lease.is_valid() && world.now() >= seconds(1.0));
}

#[actix::test]
async fn it_is_taken_back_from_a_full_mailbox_too() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let busy = role.busy().await;
    role.stuff();
    world.session.connect();
    world.state(CandidateState::Master).await;
    role.stuff();
    world.election.send(Resign::default()).await.unwrap();
    world.state(CandidateState::WaitingForAcknowledgement).await;
    assert_eq!(world.session.owner(), None, "the handover is bounded in time");
    drop(busy);
    role.standby(StandbyReason::Resigned).await;
    role.master().await;
    role.nothing_more().await;
}

#[actix::test]
async fn it_is_taken_back_from_a_role_whose_thread_is_blocked() {
    let (tell, told) = mpsc::channel();
    let (blocked, until) = mpsc::channel::<()>();
    let arbiter = Arbiter::new();
    let role = Plain::start_in_arbiter(&arbiter.handle(), move |_| Plain(tell));
    // From here on the thread handles nothing.
    arbiter.spawn_fn(move || assert!(until.recv().is_err()));

    let world = start(&[], true, |_| ());
    world.session.connect();
    world.election.send(AddRole::new(&role)).await.unwrap();
    world.state(CandidateState::Master).await;
    world.election.send(Resign::default()).await.unwrap();
    drop(blocked);
    // On this thread, so that the test's time stands still meanwhile.
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "standby");
    world.state(CandidateState::Master).await;
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "master");
    arbiter.stop();
}

/// A role on a thread of its own.
struct Plain(mpsc::Sender<&'static str>);

impl Actor for Plain {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Plain {
    type Result = ();

    fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) {
        self.0.send("master").unwrap();
    }
}

impl Handler<BecameStandby> for Plain {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {
        self.0.send("standby").unwrap();
    }
}

#[actix::test]
async fn the_next_became_master_waits_until_became_standby_is_handled() {
    let mut role = Watched::start();
    let (world, first) = lone_master(&mut role).await;
    role.standby_gate(false);
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    role.nothing_until(3 * T).await;
    assert_eq!(world.status().await.state, CandidateState::WaitingForAcknowledgement);
    assert_eq!(world.session.owner(), None);

    role.standby_gate(true);
    let second = role.master().await;
    assert!(second.token() > first.token());
    assert!(!first.is_valid() && second.is_valid());
}

#[actix::test]
async fn a_role_is_told_nothing_while_nothing_changes_for_it() {
    let mut role = Watched::start();
    let world = campaign(&role);
    let first = world.session.taken_by("there:1");
    world.session.connect();
    role.outranked(StandbyReason::Outranked, Some(first)).await;
    // The lock passes from one stranger to the next, faster than this candidate is.
    world.session.hold();
    for name in ["there:2", "there:3"] {
        world.session.delete(super::PATH);
        world.session.taken_by(name);
        settle().await;
    }
    world.session.release();
    soon(world.state(CandidateState::Standby), "standby again").await;
    role.nothing_until(2 * T).await;
}
