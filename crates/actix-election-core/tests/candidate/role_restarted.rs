//! `Input::RoleRestarted`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

fn restarts(role: RoleId, message: u64) -> Given {
    Raw(Input::RoleRestarted(role, MessageId(message)))
}

#[test]
fn the_only_role_is_restarted_in_every_state() {
    check([
        // It has not acknowledged.
        ("outranked", outranked(), Restart(ROLE), &["1: outranked by b:1/40"], WaitingForAcknowledgement),
        ("stepping down", stepping_down(), Restart(ROLE), &["1: resigned"], SteppingDown),
        ("after the notice", noticed(), Restart(ROLE), &["1: lease_ending"], SteppingDown),
        ("withdrawing", withdrawing(), Restart(ROLE), &["1: resigned"], SteppingDown),
        ("overdue", overdue(), Restart(ROLE), &["1: resigned"], WaitingForAcknowledgement),
        (
            "the session is lost",
            master().after([lost()]),
            Restart(ROLE),
            &["1: session_lost"],
            WaitingForAcknowledgement,
        ),
        // It has.
        ("standby", standby(), Restart(ROLE), &["1: outranked by b:1/40"], WaitingForAcknowledgement),
        ("the path is taken", path_taken(), Restart(ROLE), &["1: path_taken"], WaitingForAcknowledgement),
        ("denied", denied(), Restart(ROLE), &["1: denied"], WaitingForAcknowledgement),
        ("while it stays out", pausing(), Restart(ROLE), &["1: resigned"], WaitingForAcknowledgement),
        ("withdrawn", denied().after([withdraw()]), Restart(ROLE), &[], Following),
        // Master.
        ("master", master(), Restart(ROLE), &["1: role_failed"], SteppingDown),
        ("master and cut off", suspended(), Restart(ROLE), &["1: role_failed"], SteppingDown),
        ("a role that is not there", master(), restarts(SECOND, 1), &[], Master),
    ]);
}

#[test]
fn a_restarted_master_steps_down_in_order_and_stays_out() {
    let restarted = master().after([Restart(ROLE)]);
    let over = restarted.clone().after([
        Ack(ROLE),
        Answer("confirm", own(TOKEN)),
        Watch("read", WatchEvent::Deleted),
        Answer("delete", Reply::Done),
        Answer("exists", Reply::Missing),
    ]);
    check([
        ("it has its time", restarted.clone(), Wait(2.9), &[], SteppingDown),
        (
            "not more than that",
            restarted.clone(),
            Wait(3.0),
            &["lease over", "confirm", "report StepDownOverdue"],
            WaitingForAcknowledgement,
        ),
        ("it acknowledges", restarted, Ack(ROLE), &["lease over", "confirm"], Pausing),
        ("4.9 s", over.clone(), Wait(4.9), &[], Pausing),
        ("5 s", over.clone(), Wait(5.0), &["create"], Competing),
        (
            "master again",
            over.after([Wait(5.0)]),
            created(50),
            &["lease 50", "1: master 50", "master a:1/50"],
            Master,
        ),
    ]);
}

#[test]
fn what_was_lost_is_not_acknowledged() {
    let first = Raw(Input::RoleAcknowledged(ROLE, MessageId(2)));
    let again = stepping_down().after([Restart(ROLE)]);
    check([
        ("the word of before", again.clone(), first, &[], SteppingDown),
        ("the new word", again.clone(), Ack(ROLE), &["lease over", "confirm"], Pausing),
        ("restarted once more", again.clone(), Restart(ROLE), &["1: resigned"], SteppingDown),
        (
            "dead after all",
            again.clone(),
            dies(ROLE),
            &["lease over", "confirm", "report NoRole"],
            WaitingForRole,
        ),
        // The time to step down runs from the first word on.
        (
            "too late",
            stepping_down().after([Wait(2.9), Restart(ROLE)]),
            Wait(0.1),
            &["lease over", "confirm", "report StepDownOverdue"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn whoever_was_told_more_since_knows_enough() {
    check([
        ("that it steps down", stepping_down(), restarts(ROLE, 1), &[], SteppingDown),
        ("that it is master", promoted(), restarts(ROLE, 1), &[], Master),
        ("that it is standby, and said so", pausing(), restarts(ROLE, 1), &[], Pausing),
        ("a message that never was", master(), restarts(ROLE, 99), &[], Master),
        ("another role's", master().after([joins(SECOND)]), restarts(ROLE, 2), &[], Master),
        ("nothing yet", connecting(), restarts(ROLE, 1), &[], Connecting),
    ]);
}

#[test]
fn one_of_two_roles() {
    let two = master().after([joins(SECOND)]);
    check([
        ("all step down", two.clone(), Restart(SECOND), &["1: role_failed", "2: role_failed"], SteppingDown),
        (
            "only the one is told again",
            two.clone().after([resign(), Ack(ROLE)]),
            Restart(SECOND),
            &["2: resigned"],
            SteppingDown,
        ),
        (
            "one that has acknowledged, while the other has not",
            two.after([resign(), Ack(ROLE)]),
            Restart(ROLE),
            &["1: resigned"],
            SteppingDown,
        ),
    ]);
}

#[test]
fn a_standby_keeps_its_place() {
    // It is told first that it is master, if it is about to be.
    let about_to_be = standby().after([Watch("read", WatchEvent::Deleted), Lease(0.2 * T), created(TOKEN)]);
    check([
        ("winning", about_to_be.clone(), Restart(ROLE), &[], Winning),
        (
            "and master",
            about_to_be.after([Restart(ROLE)]),
            Lease(0.9 * T),
            &["lease 42", "1: master 42", "exists request"],
            Master,
        ),
    ]);
}
