//! `Input::Disconnected`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn a_cut_in_every_state() {
    check([
        ("not competing", observing(), cut(), &[], Following),
        ("reading", reading(), cut(), &[], Connecting),
        ("creating", creating(), cut(), &[], Connecting),
        ("standby", standby(), cut(), &[], Connecting),
        ("winning", winning(), cut(), &[], Connecting),
        ("master", master(), cut(), &[], Master),
        ("stepping down", stepping_down(), cut(), &[], SteppingDown),
        ("releasing", deleting(), cut(), &[], Connecting),
        ("while it stays out", pausing(), cut(), &[], Connecting),
        ("denied", denied(), cut(), &[], Connecting),
        ("the path is taken", path_taken(), cut(), &[], Connecting),
        ("overdue", overdue(), cut(), &[], WaitingForAcknowledgement),
        ("withdrawing", withdrawing(), cut(), &[], SteppingDown),
    ]);
}

#[test]
fn what_was_asked_on_the_old_connection_is_stale() {
    let back = creating().after([cut(), connects(OURS)]);
    check([
        ("an answer", back, created(TOKEN), &[], Competing),
        ("an answer while cut off", creating().after([cut()]), created(TOKEN), &[], Connecting),
        (
            "a watch",
            standby().after([cut(), connects(OURS)]),
            Raw(Input::WatchFired(standby().last("read"), WatchEvent::Deleted)),
            &[],
            Standby,
        ),
    ]);
}

#[test]
fn cut_off_it_asks_for_nothing() {
    check([
        (
            "a role joins",
            standby().after([cut()]),
            joins(SECOND),
            &["2: outranked by b:1/40"],
            WaitingForAcknowledgement,
        ),
        ("the pause ends", pausing().after([cut()]), Wait(1.0), &[], Connecting),
        ("it steps down", stepping_down().after([cut()]), Ack(ROLE), &["lease over"], Connecting),
    ]);
}

#[test]
fn nothing_begins_while_it_is_cut_off() {
    // All that was missing was the lease; but the lock may be gone by now.
    check([("the lease grows", winning_armed().after([cut()]), Lease(9.0), &[], Connecting)]);
}
