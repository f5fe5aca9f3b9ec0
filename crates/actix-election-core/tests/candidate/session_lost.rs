//! `Input::SessionLost`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn the_session_is_lost_in_every_state() {
    check([
        ("not competing", observing(), lost(), &[], Following),
        ("connecting", connecting(), lost(), &[], Connecting),
        ("reading", reading(), lost(), &[], Connecting),
        ("creating", creating(), lost(), &[], Connecting),
        ("standby", standby(), lost(), &[], Connecting),
        ("winning", winning(), lost(), &[], Connecting),
        // The lease is over before anybody is told.
        ("master", master(), lost(), &["lease over", "1: session_lost"], WaitingForAcknowledgement),
        (
            "master and cut off",
            suspended(),
            lost(),
            &["lease over", "1: session_lost"],
            WaitingForAcknowledgement,
        ),
        ("stepping down", stepping_down(), lost(), &["lease over"], WaitingForAcknowledgement),
        ("after the notice", noticed(), lost(), &["lease over"], WaitingForAcknowledgement),
        ("releasing", deleting(), lost(), &[], Connecting),
        ("while it stays out", pausing(), lost(), &[], Connecting),
        ("withdrawing", withdrawing(), lost(), &["lease over", "left"], Following),
        ("overdue", overdue(), lost(), &[], WaitingForAcknowledgement),
        ("twice", master().after([lost()]), lost(), &[], WaitingForAcknowledgement),
    ]);
}

#[test]
fn the_pause_of_a_resignation_outlives_the_session() {
    let resigned = stepping_down().after([lost(), Ack(ROLE), Lease(9.0), connects(SessionId(9))]);
    check([
        ("before", resigned.clone(), Wait(0.9), &[], Pausing),
        ("after", resigned, Wait(1.0), &[], Competing),
    ]);
}

#[test]
fn a_lease_of_the_last_session_is_not_led_by() {
    let next = standby().after([lost(), connects(SessionId(9)), Answer("read", Reply::Missing)]);
    let made = Answer("create", Reply::Created(Stat { czxid: TOKEN, ephemeral_owner: 9 }));
    check([
        ("no lease yet", next.clone(), made.clone(), &["read", "master a:1/42"], Winning),
        ("a lease", next.after([made]), Lease(9.0), &["lease 42", "1: master 42", "exists request"], Master),
    ]);
}
