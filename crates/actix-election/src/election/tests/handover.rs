//! Stepping down in order: told, acknowledged, and only then released.

use actix_election_core::{
    CandidateState, FencingToken, SessionId, StandbyReason, resign_request_data, resign_request_path,
};

use super::fake::lets_go;
use super::role::{Watched, settle};
use super::{PATH, lone_master, seconds, start};
use crate::election::messages::Resign;

#[actix::test]
async fn the_lease_is_valid_until_the_handler_is_through_and_over_before_the_lock_goes() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.session.witness(&lease);
    role.standby_gate(false);
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;

    world.at(seconds(2.9)).await;
    assert!(lease.is_valid());
    assert_eq!(world.status().await.state, CandidateState::SteppingDown);
    assert!(world.session.asked_for(lets_go).is_empty());

    role.standby_gate(true);
    settle().await;
    assert_eq!(world.session.owner(), None);
    let letting_go = world.session.asked_for(lets_go);
    assert_eq!(letting_go.len(), 2, "a look behind a probe, and the delete: {letting_go:?}");
    assert!(letting_go.iter().all(|asked| asked.lease_valid == Some(false)), "{letting_go:?}");
}

#[actix::test]
async fn who_does_not_acknowledge_is_not_waited_for_longer_than_the_step_down_timeout() {
    let mut role = Watched::start();
    let world = start(&[&role], true, |config| config.step_down_timeout = seconds(2.0));
    world.session.connect();
    let lease = role.master().await;
    world.session.witness(&lease);
    role.standby_gate(false);
    world.at(seconds(1.0)).await;
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    world.at(seconds(2.99)).await;
    assert!(lease.is_valid() && world.session.owner().is_some());
    world.at(seconds(3.01)).await;
    assert!(!lease.is_valid());
    assert_eq!(world.session.owner(), None);
    assert!(world.session.asked_for(lets_go).iter().all(|asked| asked.lease_valid == Some(false)));
    let error = world.status().await.last_error.unwrap();
    assert!(error.contains("has not handled BecameStandby within 2s"), "{error}");
}

#[actix::test]
async fn a_term_that_is_over_cannot_be_resigned() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.election.do_send(Resign { token: Some(FencingToken::new(lease.token().as_i64() - 1)) });
    role.nothing_until(seconds(5.0)).await;
    assert!(lease.is_valid());
    world.election.do_send(Resign { token: Some(lease.token()) });
    role.standby(StandbyReason::Resigned).await;
}

#[actix::test]
async fn who_resigned_stays_out_so_that_another_wins() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    settle().await;
    let status = world.status().await;
    assert_eq!(status.state, CandidateState::Pausing);
    assert!(status.next_retry.is_some_and(|wait| wait > seconds(0.9) && wait <= seconds(1.0)));
    let token = world.session.taken_by("there:1");
    assert!(token > lease.token().as_i64());
    world.state(CandidateState::Standby).await;
    role.nothing_more().await;
}

#[actix::test]
async fn another_process_asks_for_the_handover() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    settle().await;
    let path = actix_election_core::ElectionPath::new(PATH).unwrap();
    let request = resign_request_path(&path, SessionId(world.session.id()));
    world.session.create(&request, &resign_request_data(lease.token()), 99);
    role.standby(StandbyReason::Resigned).await;
    settle().await;
    assert_eq!(world.session.owner(), None);
}
