//! The lease that comes with `BecameMaster`.

use std::time::Duration;

use actix_election_core::{FencingToken, StandbyReason};

use super::role::{Watched, settle};
use super::{T, campaign, lone_master, seconds};
use crate::Lease;
use crate::clock::suspend;
use crate::election::messages::Resign;

/// When `lost()` of this lease resolves, in the time of the test.
fn watch(lease: &Lease) -> tokio::sync::oneshot::Receiver<Duration> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let lease = lease.clone();
    actix::spawn(async move {
        lease.lost().await;
        assert!(!lease.is_valid(), "never before it is over");
        let _ = tell.send(super::role::origin().elapsed());
    });
    told
}

#[actix::test]
async fn it_says_what_the_session_proved() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.session.stall();
    let until = world.session.lease_until();
    assert_eq!(lease.token(), FencingToken::new(41));
    assert!(lease.is_valid());
    assert_eq!(lease.remaining_at(until - seconds(3.0)), seconds(3.0));
    assert_eq!(lease.remaining_at(until), Duration::ZERO);
    assert_eq!(lease.remaining_at(until + seconds(1.0)), Duration::ZERO);
    assert!(lease.remaining() <= seconds(9.8) && lease.remaining() > seconds(9.7));
}

#[actix::test]
async fn every_clone_says_the_same_as_it_grows_and_ends() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let clone = lease.clone();
    let lost = watch(&clone);
    world.at(3 * T).await;
    assert!(lease.is_valid() && clone.remaining() == lease.remaining(), "it was extended silently");
    world.election.do_send(Resign::default());
    role.standby(StandbyReason::Resigned).await;
    let at = lost.await.unwrap();
    assert!(at >= 3 * T && at < 3 * T + seconds(0.01), "lost at {at:?}");
    assert!(!clone.is_valid() && !lease.is_valid());
    // At once where it is over already.
    lease.lost().await;
}

#[actix::test]
async fn it_is_lost_by_the_clock_alone() {
    let mut role = Watched::start();
    role.standby_gate(false);
    let (world, lease) = lone_master(&mut role).await;
    world.session.stall();
    let lost = watch(&lease);
    let at = role.standby(StandbyReason::LeaseEnding).await;
    assert!(at >= seconds(8.55) && at < seconds(8.56), "T/8 before the end, not {at:?}");
    world.at(seconds(9.79)).await;
    assert!(lease.is_valid(), "until its end, since the handler has not finished");
    let at = lost.await.unwrap();
    assert!(at >= seconds(9.8) && at < seconds(9.81), "lost at {at:?}");
}

#[actix::test]
async fn it_ends_once_the_notice_is_handled() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    world.session.stall();
    role.standby(StandbyReason::LeaseEnding).await;
    settle().await;
    assert!(!lease.is_valid());
}

#[actix::test]
async fn after_the_notice_it_never_grows_again() {
    let mut role = Watched::start();
    role.standby_gate(false);
    let (world, lease) = lone_master(&mut role).await;
    world.session.stall();
    role.standby(StandbyReason::LeaseEnding).await;
    world.session.go_on();
    world.at(seconds(9.5)).await;
    assert!(world.session.lease_until() > world.session_time(seconds(9.9)), "the session lives on");
    assert!(lease.remaining() <= seconds(0.3));
    world.at(seconds(9.81)).await;
    assert!(!lease.is_valid());
    // And the term is over: the lock is let go, and won again only once the role has finished.
    world.at(seconds(11.0)).await;
    assert_eq!(world.session.owner(), None);
    role.standby_gate(true);
    assert!(role.master().await.token() > lease.token());
}

#[actix::test]
async fn it_ends_with_the_session_before_anybody_is_told() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let lost = watch(&lease);
    world.session.expire_silently();
    assert!(!lease.is_valid());
    world.session.say_expired();
    lost.await.unwrap();
    role.standby(StandbyReason::SessionLost).await;

    world.session.connect();
    let next = role.master().await;
    assert!(next.is_valid() && !lease.is_valid(), "the next session is none of its business");
}

#[actix::test]
async fn the_first_look_after_a_suspend_says_no() {
    let mut role = Watched::start();
    let (world, lease) = lone_master(&mut role).await;
    let lost = watch(&lease);
    world.at(seconds(2.5)).await;
    // The machine sleeps, and with it every timer.
    world.session.stall();
    suspend(2 * T);
    assert!(!lease.is_valid());
    let at = role.standby(StandbyReason::LeaseEnding).await;
    assert!(at < seconds(2.7), "told at {at:?}, not when a timer from before the sleep is due");
    let at = lost.await.unwrap();
    assert!(at < seconds(2.7), "lost at {at:?}");
}

#[actix::test]
async fn it_resigns_its_own_term_and_no_other() {
    let mut role = Watched::start();
    let (world, first) = lone_master(&mut role).await;
    first.resign();
    role.standby(StandbyReason::Resigned).await;
    let second = role.master().await;
    first.resign();
    role.nothing_until(world.now() + T).await;
    assert!(second.is_valid());
    second.resign();
    role.standby(StandbyReason::Resigned).await;
}

#[actix::test]
async fn master_is_told_with_a_quarter_of_the_timeout_left_at_least() {
    let mut role = Watched::start();
    let world = campaign(&role);
    world.session.connect();
    world.session.lease_left(T / 4 - Duration::from_millis(1));
    world.state(actix_election_core::CandidateState::Winning).await;
    // Whether nothing is proven for a while or the lease is over: it waits, and the role is told nothing.
    role.nothing_until(T).await;
    world.session.go_on();
    let lease = role.master().await;
    assert!(lease.remaining() >= T / 4);
}
