//! `Input::RoleJoined`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn the_first_role() {
    check([
        ("before it competes", idle(), joins(ROLE), &[], Following),
        ("not connected", without_role(), joins(ROLE), &[], Connecting),
        (
            "another is master",
            without_role().after([Lease(9.0), connects(OURS), Answer("read", others(OTHER))]),
            joins(ROLE),
            &["1: outranked by b:1/40"],
            WaitingForAcknowledgement,
        ),
        (
            "the lock is free",
            without_role().after([Lease(9.0), connects(OURS), Answer("read", Reply::Missing)]),
            joins(ROLE),
            &[],
            Competing,
        ),
        (
            "the lock is free, and watched",
            without_role().after([
                Lease(9.0),
                connects(OURS),
                Answer("read", Reply::Missing),
                Answer("exists", Reply::Missing),
            ]),
            joins(ROLE),
            &["create"],
            Competing,
        ),
    ]);
}

#[test]
fn a_second_role_hears_what_is_known() {
    check([
        ("nothing", connecting(), joins(SECOND), &[], Connecting),
        ("standby", standby(), joins(SECOND), &["2: outranked by b:1/40"], WaitingForAcknowledgement),
        ("winning", winning(), joins(SECOND), &[], Winning),
        ("master", master(), joins(SECOND), &["2: master 42"], Master),
        ("cut off for a moment", suspended(), joins(SECOND), &["2: master 42"], Master),
        ("stepping down", stepping_down(), joins(SECOND), &["2: resigned"], SteppingDown),
        ("after the notice", noticed(), joins(SECOND), &["2: lease_ending"], SteppingDown),
        ("the path is taken", path_taken(), joins(SECOND), &["2: path_taken"], WaitingForAcknowledgement),
        ("denied", denied(), joins(SECOND), &["2: denied"], WaitingForAcknowledgement),
        ("withdrawn", withdrawing(), joins(SECOND), &[], SteppingDown),
        (
            "the session is lost",
            master().after([lost()]),
            joins(SECOND),
            &["2: session_lost"],
            WaitingForAcknowledgement,
        ),
        (
            "a role has failed",
            master().after([dies(ROLE)]),
            joins(SECOND),
            &["2: role_failed"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn too_little_of_the_lease_is_left_for_a_newcomer() {
    let short = master().after([Wait(0.98 * T - 0.2 * T)]);
    check([
        // It would be master for T/20 before it is told otherwise.
        ("it is told nothing", short.clone(), joins(SECOND), &[], Master),
        (
            "the lease goes on",
            short.clone().after([joins(SECOND)]),
            Lease(0.9 * T),
            &["2: master 42"],
            Master,
        ),
        (
            "the lease ends",
            short.after([joins(SECOND)]),
            Wait(0.08 * T),
            &["capped +1.20", "1: lease_ending", "2: lease_ending"],
            SteppingDown,
        ),
    ]);
}

#[test]
fn twice_is_once() {
    check([("master", master(), joins(ROLE), &[], Master)]);
}

#[test]
fn every_role_has_to_step_down() {
    let both = master().after([joins(SECOND), resign()]);
    check([
        ("the first has", both.clone(), Ack(ROLE), &[], SteppingDown),
        ("both have", both.after([Ack(ROLE)]), Ack(SECOND), &["lease over", "confirm"], Pausing),
        // The newcomer counts as well.
        ("the newcomer has not", stepping_down().after([joins(SECOND)]), Ack(ROLE), &[], SteppingDown),
    ]);
}
