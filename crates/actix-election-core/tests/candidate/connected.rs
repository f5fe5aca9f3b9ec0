//! `Input::Connected`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

/// The server's next session of this process.
const NEXT: SessionId = SessionId(9);

#[test]
fn whatever_was_before_the_lock_is_read() {
    check([
        ("not competing", idle(), connects(OURS), &["read"], Following),
        ("for the first time", connecting(), connects(OURS), &["read"], Competing),
        ("standby", standby().after([cut()]), connects(OURS), &["read"], Standby),
        ("creating", creating().after([cut()]), connects(OURS), &["read"], Competing),
        // The lock may have gone meanwhile: no term begins by it before it was read.
        ("winning", winning_armed().after([cut()]), connects(OURS), &["read"], Competing),
        ("master", suspended(), connects(OURS), &["read", "exists request"], Master),
        ("stepping down", stepping_down().after([cut()]), connects(OURS), &["read"], SteppingDown),
        ("releasing", confirming().after([cut()]), connects(OURS), &["read"], Pausing),
        ("while it stays out", pausing().after([cut()]), connects(OURS), &["read"], Pausing),
        ("without word of the cut", standby(), connects(OURS), &["read"], Standby),
    ]);
}

#[test]
fn a_short_interruption_changes_nothing() {
    let back = suspended().after([Wait(0.24 * T), Lease(0.7 * T), connects(OURS)]);
    check([
        ("the lock is still ours", back.clone(), Answer("read", own(TOKEN)), &[], Master),
        ("nobody asks", back, Answer("exists request", Reply::Missing), &[], Master),
    ]);
}

#[test]
fn a_lost_reply_to_a_create_is_recovered_by_owner_and_czxid() {
    let back = creating().after([cut(), connects(OURS)]);
    check([
        (
            "it had been created",
            back.clone(),
            Answer("read", own(TOKEN)),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
        ("it had not", back.clone(), Answer("read", Reply::Missing), &["create"], Competing),
        (
            "another was first",
            back.clone(),
            Answer("read", others(OTHER)),
            &["1: outranked by b:1/40", "master b:1/40"],
            WaitingForAcknowledgement,
        ),
        // The address says nothing: a process that restarted has the same one.
        (
            "the same address in another session",
            back,
            Answer("read", znode(THEIRS.0, OTHER, ADDRESS)),
            &["1: outranked by a:1/40", "master a:1/40"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn a_delete_with_unknown_outcome_is_not_sent_again_before_a_look() {
    let back = deleting().after([cut(), connects(OURS)]);
    check([
        ("it was not deleted", back.clone(), Answer("read", own(TOKEN)), &["confirm"], Pausing),
        (
            "nor before the look",
            back.clone().after([Answer("read", own(TOKEN))]),
            Answer("confirm", own(TOKEN)),
            &["delete"],
            Pausing,
        ),
        ("it was", back.clone(), Answer("read", Reply::Missing), &["exists", "master none"], Pausing),
        ("and another came", back, Answer("read", others(50)), &["master b:1/50"], Pausing),
    ]);
}

#[test]
fn a_lock_that_was_let_go_is_never_led_by() {
    // The pause is over, it competes again, and the old lock still stands.
    let back = deleting().after([cut(), Wait(2.0), Lease(9.0), connects(OURS)]);
    check([
        ("it is deleted", back.clone(), Answer("read", own(TOKEN)), &["confirm"], Competing),
        (
            "and another made",
            back.after([Answer("read", own(TOKEN)), Answer("confirm", own(TOKEN))]),
            Answer("delete", Reply::Done),
            &["create", "master none"],
            Competing,
        ),
    ]);
}

#[test]
fn another_session_ends_what_was_of_the_last() {
    check([
        (
            "master",
            suspended(),
            connects(NEXT),
            &["lease over", "1: session_lost", "read"],
            WaitingForAcknowledgement,
        ),
        ("standby", standby().after([cut()]), connects(NEXT), &["read"], Competing),
        // Whether it may create is found out anew.
        (
            "denied",
            denied().after([lost(), Lease(9.0), connects(NEXT)]),
            Answer("read", Reply::Missing),
            &["create"],
            Competing,
        ),
        // What the old session left goes with it; it is not ours to lead by.
        (
            "the old lock still stands",
            creating().after([cut(), lost(), Lease(9.0), connects(NEXT)]),
            Answer("read", own(TOKEN)),
            &["1: outranked by a:1/42", "master a:1/42"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn an_ensemble_that_was_wiped_counts_from_the_start() {
    let wiped =
        master().after([lost(), Ack(ROLE), Lease(9.0), connects(NEXT), Answer("read", Reply::Missing)]);
    let made = Answer("create", Reply::Created(Stat { czxid: 3, ephemeral_owner: NEXT.0 }));
    check([(
        "a smaller token",
        wiped,
        made,
        &["lease 3", "1: master 3", "read", "exists request", "master a:1/3"],
        Master,
    )]);
}
