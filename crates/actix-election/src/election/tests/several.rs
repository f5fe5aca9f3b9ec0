//! Several roles on one election, and roles that die.

use actix::prelude::*;
use actix_election_core::{CandidateState, StandbyReason};

use super::role::{Die, News, Watched, settle};
use super::{T, World, lone_master, next, seconds, start};
use crate::election::messages::{AddRole, Resign};
use crate::{BecameMaster, BecameStandby};

async fn two_masters() -> (World, Watched, Watched) {
    let (mut one, mut other) = (Watched::start(), Watched::start());
    let world = start(&[&one, &other], true, |_| ());
    world.session.connect();
    let (first, second) = (one.master().await, other.master().await);
    assert_eq!(first.token(), second.token());
    world.session.witness(&first);
    (world, one, other)
}

#[actix::test]
async fn the_lock_is_kept_until_all_have_acknowledged() {
    let (world, mut one, mut other) = two_masters().await;
    other.standby_gate(false);
    world.election.do_send(Resign::default());
    one.standby(StandbyReason::Resigned).await;
    other.standby(StandbyReason::Resigned).await;
    world.at(seconds(2.5)).await;
    assert!(world.session.owner().is_some());
    other.standby_gate(true);
    settle().await;
    assert_eq!(world.session.owner(), None);
    assert_eq!(one.master().await.token(), other.master().await.token());
}

#[actix::test]
async fn the_death_of_one_resigns() {
    for die in [Die::Stop, Die::Panic] {
        let (world, one, mut other) = two_masters().await;
        let began = world.now();
        one.die(die);
        let at = other.standby(StandbyReason::RoleFailed).await;
        assert!(at < began + seconds(0.2), "noticed at once, not after {:?}", at - began);
        settle().await;
        assert_eq!(world.session.owner(), None);
        assert_eq!(world.status().await.state, CandidateState::Pausing);
        // The others lead on, after the pause.
        let lease = other.master().await;
        assert!(lease.is_valid() && world.now() >= began + seconds(5.0));
    }
}

/// Its future dies as master, and it lives on: it must not go on believing that it is master. From outside that is what a
/// restart looks like.
struct Fragile(tokio::sync::mpsc::UnboundedSender<StandbyReason>);

impl Actor for Fragile {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Fragile {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async { panic!("as the test wants it") })
    }
}

impl Handler<BecameStandby> for Fragile {
    type Result = ();

    fn handle(&mut self, message: BecameStandby, _: &mut Context<Self>) {
        let _ = self.0.send(message.reason);
    }
}

#[actix::test]
async fn one_whose_handlers_future_panics_is_told_and_stays_out() {
    let world = start(&[], true, |_| ());
    let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
    let fragile = Fragile(told).start();
    world.election.send(AddRole::new(&fragile)).await.unwrap();
    world.session.connect();
    for _ in 0..2 {
        assert_eq!(next(&mut news, "BecameStandby").await, StandbyReason::RoleFailed);
        let began = world.now();
        settle().await;
        assert_eq!(world.session.owner(), None);
        assert_eq!(world.status().await.state, CandidateState::Pausing);
        world.state(CandidateState::Master).await;
        assert!(world.now() >= began + seconds(5.0));
    }
}

#[actix::test]
async fn one_that_dies_while_it_steps_down_is_not_waited_for() {
    let (world, one, mut other) = two_masters().await;
    one.standby_gate(false);
    world.election.do_send(Resign::default());
    other.standby(StandbyReason::Resigned).await;
    settle().await;
    assert!(world.session.owner().is_some());
    one.die(Die::Panic);
    world.at(seconds(0.5)).await;
    assert_eq!(world.session.owner(), None);
}

#[actix::test]
async fn a_candidate_whose_last_role_died_waits_for_a_new_one() {
    for die in [Die::Stop, Die::Panic] {
        let mut role = Watched::start();
        let (world, lease) = lone_master(&mut role).await;
        let began = world.now();
        role.die(die);
        world.state(CandidateState::WaitingForRole).await;
        assert!(world.now() < began + seconds(0.2));
        assert!(!lease.is_valid());
        settle().await;
        assert_eq!(world.session.owner(), None);

        let mut heir = Watched::start();
        world.election.do_send(AddRole::new(&heir.address));
        heir.standby(StandbyReason::RoleFailed).await;
        let next = heir.master().await;
        assert!(next.token() > lease.token() && world.now() >= began + seconds(5.0));
        heir.nothing_until(world.now() + T).await;
    }
}

#[actix::test]
async fn without_a_role_it_does_not_compete() {
    let world = start(&[], true, |_| ());
    world.session.connect();
    world.at(2 * T).await;
    assert_eq!(world.status().await.state, CandidateState::WaitingForRole);
    assert_eq!(world.session.owner(), None);
    let mut role = Watched::start();
    world.election.do_send(AddRole::new(&role.address));
    role.master().await;
}

#[actix::test]
async fn a_late_role_is_told_the_present_state_once() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let mut late = Watched::start();
    world.election.do_send(AddRole::new(&late.address));
    let same = late.master().await;
    assert_eq!(same.token(), lease.token());
    late.nothing_until(T).await;
    role.nothing_more().await;

    // From then on it takes part like any other.
    late.standby_gate(false);
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    late.standby(StandbyReason::Resigned).await;
    settle().await;
    assert!(lease.is_valid());
    let mut latest = Watched::start();
    world.election.do_send(AddRole::new(&latest.address));
    latest.standby(StandbyReason::Resigned).await;
    late.standby_gate(true);
    let tokens = [role.master().await, late.master().await, latest.master().await].map(|lease| lease.token());
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token > lease.token()), "{tokens:?}");
}

#[actix::test]
async fn a_late_role_of_a_standby_learns_who_is_master() {
    let mut role = Watched::start();
    let world = start(&[&role], true, |_| ());
    let token = world.session.taken_by("there:1");
    world.session.connect();
    role.outranked(StandbyReason::Outranked, Some(token)).await;
    let mut late = Watched::start();
    world.election.do_send(AddRole::new(&late.address));
    late.outranked(StandbyReason::Outranked, Some(token)).await;
    late.nothing_until(2 * T).await;
    role.nothing_more().await;
}

#[actix::test]
async fn one_that_dies_with_its_first_word_unread_resigns_too() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let late = Watched::start();
    let busy = late.busy().await;
    world.election.do_send(AddRole::new(&late.address));
    settle().await;
    late.die(Die::Panic);
    drop(busy);
    let told = role.told().await;
    assert!(matches!(told.news, News::Standby(StandbyReason::RoleFailed, None, _)), "{told:?}");
    settle().await;
    assert!(!lease.is_valid());
    assert_eq!(world.session.owner(), None);
}
