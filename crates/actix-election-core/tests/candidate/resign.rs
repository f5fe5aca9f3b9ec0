//! `Input::Resign`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

fn only(token: i64) -> Given {
    Raw(Input::Resign { token: Some(FencingToken::new(token)) })
}

#[test]
fn resign_in_every_state() {
    check([
        ("nothing there yet", idle(), resign(), &[], Following),
        ("without a role", without_role(), resign(), &[], WaitingForRole),
        ("without a connection", connecting(), resign(), &["1: resigned"], WaitingForAcknowledgement),
        ("reading", reading(), resign(), &["1: resigned"], WaitingForAcknowledgement),
        ("standby", standby(), resign(), &[], Pausing),
        ("winning", winning_armed(), resign(), &["1: resigned", "confirm"], WaitingForAcknowledgement),
        ("master", master(), resign(), &["1: resigned"], SteppingDown),
        ("master and cut off", suspended(), resign(), &["1: resigned"], SteppingDown),
        ("again", stepping_down(), resign(), &[], SteppingDown),
        ("after the notice", noticed(), resign(), &[], SteppingDown),
        ("while releasing", confirming(), resign(), &[], Pausing),
        ("while it stays out", pausing(), resign(), &[], Pausing),
        ("denied", denied(), resign(), &[], Pausing),
        ("the path is taken", path_taken(), resign(), &[], Pausing),
        ("withdrawing", withdrawing(), resign(), &[], SteppingDown),
        ("overdue", overdue(), resign(), &[], WaitingForAcknowledgement),
    ]);
}

#[test]
fn resign_that_names_a_term_is_for_that_term_alone() {
    check([
        ("the term that runs", master(), only(TOKEN), &["1: resigned"], SteppingDown),
        ("an earlier one", master(), only(TOKEN - 1), &[], Master),
        ("a later one", master(), only(TOKEN + 1), &[], Master),
        ("no term runs", standby(), only(OTHER), &[], Standby),
        ("none yet", winning(), only(TOKEN), &[], Winning),
    ]);
}

#[test]
fn the_lock_is_held_until_the_role_has_acknowledged() {
    check([
        ("before", stepping_down(), Wait(2.9), &[], SteppingDown),
        ("acknowledged", stepping_down(), Ack(ROLE), &["lease over", "confirm"], Pausing),
        (
            "not in time",
            stepping_down(),
            Wait(3.0),
            &["lease over", "confirm", "report StepDownOverdue"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn resign_during_a_create_leaves_nothing() {
    let undoing = creating().after([resign()]);
    check([
        (
            "it was created",
            undoing.clone(),
            created(TOKEN),
            &["confirm", "master a:1/42"],
            WaitingForAcknowledgement,
        ),
        (
            "it is still ours",
            undoing.clone().after([created(TOKEN)]),
            Answer("confirm", own(TOKEN)),
            &["delete"],
            WaitingForAcknowledgement,
        ),
        (
            "another was first",
            undoing.clone(),
            Answer("create", refused(Refusal::NodeExists)),
            &["read"],
            WaitingForAcknowledgement,
        ),
        // Nobody saw the answer: what stands there after the reconnect is ours, and goes.
        (
            "the answer was lost",
            undoing.after([cut(), connects(OURS)]),
            Answer("read", own(TOKEN)),
            &["confirm", "master a:1/42"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn it_stays_out_for_the_pause_and_comes_back() {
    let out = pausing();
    assert_eq!(out.timer(), Some((1.0, Timer::Pause)));
    check([
        ("before", out.clone(), Wait(0.9), &[], Pausing),
        ("after", out, Wait(1.0), &["create"], Competing),
        ("a standby that resigned", standby().after([resign()]), Wait(1.0), &[], Standby),
    ]);
}

#[test]
fn a_newcomer_hears_why_it_is_standby() {
    let out = pausing();
    check([("while it stays out", out, joins(SECOND), &["2: resigned"], WaitingForAcknowledgement)]);
}

/// A lock that comes late is reported, and it is known whose it is, though it is about to be released.
#[test]
fn a_lock_that_is_released_at_once_is_known_to_be_our_own() {
    let late = creating().after([withdraw(), created(TOKEN)]);
    assert_eq!(late.own_token(), Some(FencingToken::new(TOKEN)));
}
