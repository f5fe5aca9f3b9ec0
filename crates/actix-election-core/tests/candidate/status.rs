//! A candidate's account of itself, in words.

use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;

#[test]
fn a_state_has_a_name() {
    let named = |bench: Bench| bench.state().as_str();
    assert_eq!(named(idle()), "following");
    assert_eq!(named(without_role()), "waiting_for_role");
    assert_eq!(named(outranked()), "waiting_for_acknowledgement");
    assert_eq!(named(connecting()), "connecting");
    assert_eq!(named(pausing()), "pausing");
    assert_eq!(named(creating()), "competing");
    assert_eq!(named(standby()), "standby");
    assert_eq!(named(path_taken()), "path_taken");
    assert_eq!(named(denied()), "denied");
    assert_eq!(named(winning()), "winning");
    assert_eq!(named(master()), "master");
    assert_eq!(named(stepping_down()), "stepping_down");
}

#[test]
fn a_trouble_says_what_was_refused_and_where() {
    let problem = |bench: Bench| bench.status().problem.map(|problem| problem.message).unwrap_or_default();
    let no = || refused(Refusal::NoAuth);
    let lock = denied();
    let looks = idle().after([connects(OURS), Answer("read", squatter()), Answer("list", no())]);
    let queue = Bench::configured(|config| config.strategy = Strategy::Queue(QueueId::from_random(1)))
        .after([campaign(), joins(ROLE), connects(OURS), Answer("join", no())]);
    assert!(problem(lock).starts_with("cannot create the lock at /app/master: "));
    assert!(problem(looks).starts_with("cannot list the queue at /app/master: "));
    assert!(problem(queue).starts_with("cannot join the queue at /app/master: "));
}
