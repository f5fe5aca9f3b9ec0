//! Leaving an election and entering it again.

use actix_election_core::{CandidateState, StandbyReason};

use super::fake::is_create;
use super::role::{Watched, settle};
use super::{T, lone_master, seconds, soon, start};
use crate::election::messages::Campaign;

#[actix::test]
async fn withdraw_answers_once_the_lock_is_released() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.session.hold();
    let mut withdrawn = Box::pin(world.withdraw());
    role.standby(StandbyReason::Resigned).await;
    let early = tokio::time::timeout(seconds(5.0), &mut withdrawn).await;
    assert!(early.is_err(), "the ensemble has not answered yet");
    assert!(!lease.is_valid());
    world.session.release();
    soon(withdrawn, "withdrawn").await;
    assert_eq!(world.session.owner(), None);
    assert_eq!(world.session.candidate(), [true, false]);
    assert_eq!(world.status().await.state, CandidateState::Following);

    role.nothing_until(3 * T).await;
    assert_eq!(world.session.asked_for(is_create).len(), 1);
    world.election.do_send(Campaign);
    assert!(role.master().await.token() > lease.token());
    assert_eq!(world.session.candidate(), [true, false, true]);
}

#[actix::test]
async fn while_cut_off_it_answers_once_the_session_is_over() {
    let mut role = Watched::start();
    let (world, _) = lone_master(&mut role).await;
    world.session.disconnect();
    let mut withdrawn = Box::pin(world.withdraw());
    role.standby(StandbyReason::Resigned).await;
    assert!(tokio::time::timeout(T, &mut withdrawn).await.is_err(), "the lock may still stand");
    world.session.expire();
    soon(withdrawn, "withdrawn").await;
    role.nothing_more().await;
}

#[actix::test]
async fn who_has_nothing_to_release_is_answered_at_once() {
    let role = Watched::start();
    let world = start(&[&role], true, |_| ());
    let before = world.now();
    soon(world.withdraw(), "withdrawn").await;
    soon(world.withdraw(), "withdrawn twice").await;
    assert_eq!(world.now(), before);
}

#[actix::test]
async fn a_campaign_overtakes_a_withdrawal() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    role.standby_gate(false);
    let withdrawn = world.withdraw();
    role.standby(StandbyReason::Resigned).await;
    world.election.do_send(Campaign);
    soon(withdrawn, "an answer, though it does not leave now").await;
    role.standby_gate(true);
    let next = role.master().await;
    assert!(next.token() > lease.token(), "the term that was being ended is over all the same");
    settle().await;
    assert!(next.is_valid());
}
