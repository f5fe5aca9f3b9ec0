//! Lost connections, lost sessions and lost locks.

use actix_election_core::{CandidateState, Operation, Reply, SessionState, StandbyReason, Stat};

use super::fake::{is_create, is_read};
use super::role::{Watched, settle};
use super::{PATH, T, campaign, lone_master, seconds};

#[actix::test]
async fn a_short_interruption_changes_nothing_and_sends_nothing() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.at(3 * T).await;
    world.session.disconnect();
    settle().await;
    let suspended = world.status().await;
    assert_eq!(suspended.state, CandidateState::Master);
    assert_eq!(suspended.session, SessionState::Suspended { until: world.session.lease_until() });
    world.at(3 * T + T / 4).await;
    assert!(lease.is_valid());
    world.session.connect();
    role.nothing_until(6 * T).await;
    assert!(lease.is_valid());
    assert_eq!(world.session.asked_for(is_create).len(), 1);
}

#[actix::test]
async fn every_request_is_made_for_the_connection_that_stands() {
    let mut role = Watched::start();
    let world = campaign(&role);
    for _ in 0..5 {
        world.session.connect();
        settle().await;
        world.session.disconnect();
        settle().await;
    }
    world.session.connect();
    role.master().await;
    settle().await;
    let asked = world.session.asked();
    assert!(asked.iter().filter(|asked| is_read(&asked.operation)).count() >= 6, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.current), "{asked:?}");
}

#[actix::test]
async fn a_lost_session_ends_the_term_and_the_next_one_begins_another() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.at(seconds(2.0)).await;
    world.session.expire();
    let at = role.standby(StandbyReason::SessionLost).await;
    assert!(at < seconds(2.01), "told at {at:?}");
    assert!(!lease.is_valid());
    let status = world.status().await;
    assert_eq!((status.state, status.session), (CandidateState::Connecting, SessionState::Lost));
    assert_eq!((status.lease_remaining, status.quorum_answer_age), (None, None));
    world.session.connect();
    assert!(role.master().await.token() > lease.token());
}

#[actix::test]
async fn a_lock_deleted_by_hand_ends_the_term() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    settle().await;
    world.session.delete(PATH);
    role.standby(StandbyReason::NodeLost).await;
    assert!(!lease.is_valid());
    assert!(role.master().await.token() > lease.token());
}

#[actix::test]
async fn who_takes_a_lock_that_was_deleted_by_hand_is_named() {
    let mut role = Watched::start();
    let (world, _) = lone_master(&mut role).await;
    settle().await;
    world.session.hold();
    world.session.delete(PATH);
    let token = world.session.taken_by("there:1");
    role.standby(StandbyReason::NodeLost).await;
    world.session.release();
    world.state(CandidateState::Standby).await;
    let master = world.status().await.leadership.master().cloned().unwrap();
    assert_eq!((master.address.as_str(), master.token.as_i64()), ("there:1", token));
    role.nothing_more().await;
}

#[actix::test]
async fn a_lock_that_was_won_in_a_dead_session_is_never_led_by() {
    let mut role = Watched::start();
    let world = campaign(&role);
    world.session.connect();
    world.session.hold();
    settle().await;
    let read = world.session.asked_for(is_read)[0].op;
    world.session.answer(read, Reply::Missing);
    settle().await;
    let create = world.session.asked_for(is_create)[0].op;
    // The session ends, and the answer is still on its way.
    let stat = Stat { czxid: 41, ephemeral_owner: world.session.id() };
    world.session.expire_silently();
    world.session.answer(create, Reply::Created(stat));
    settle().await;
    role.nothing_more().await;
    world.session.say_expired();
    world.session.release();
    world.session.connect();
    let lease = role.master().await;
    assert!(lease.is_valid());
}

#[actix::test]
async fn what_was_under_way_when_the_connection_was_lost_is_looked_at_again() {
    let mut role = Watched::start();
    let world = campaign(&role);
    world.session.connect();
    settle().await;
    let lease = role.master().await;
    world.session.witness(&lease);
    world.session.hold();
    lease.resign();
    role.standby(StandbyReason::Resigned).await;
    settle().await;
    world.session.disconnect();
    settle().await;
    assert_eq!(world.session.owner(), Some(world.session.id()), "nothing has reached the ensemble");
    world.session.release();
    world.session.connect();
    let next = role.master().await;
    assert!(next.token() > lease.token(), "the old lock is let go, not led by again");
    let asked = world.session.asked();
    let delete = asked.iter().position(|asked| matches!(asked.operation, Operation::Delete { .. })).unwrap();
    assert!(matches!(asked[delete - 1].operation, Operation::Confirm { .. }), "{asked:?}");
}

#[actix::test]
async fn without_the_sessions_thread_the_session_is_lost() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.session.end_thread();
    role.standby(StandbyReason::SessionLost).await;
    assert!(!lease.is_valid());
    let status = world.status().await;
    assert_eq!((status.state, status.session), (CandidateState::Connecting, SessionState::Closed));
    super::soon(world.withdraw(), "nothing is left to wait for").await;
    role.nothing_until(3 * T).await;
}
