//! Whoever does not compete observes who is master, be it by a lock or by a queue.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

use WatchEvent::{Changed, Created, Deleted};

const NO: Reply = Reply::Refused(Refusal::NoAuth);
const OTHER_ERROR: Reply = Reply::Refused(Refusal::Other { code: -8, meaning: "no" });

fn children<const N: usize>(places: [u32; N]) -> Reply {
    let name = |place| format!("_c_{}-latch-{place:010}", QueueId::from_random(2));
    Reply::Children(places.map(name).into())
}

/// The election path is being read.
fn looking() -> Bench {
    idle().after([connects(OURS)])
}

/// Nothing stands at the election path.
fn nothing() -> Bench {
    looking().after([Answer("read", Reply::Missing), Answer("exists", Reply::Missing)])
}

/// A lock that may not be read.
fn unreadable() -> Bench {
    looking().after([Answer("read", NO), Answer("exists", others(OTHER))])
}

/// A queue, which is being listed.
fn listing() -> Bench {
    looking().after([Answer("read", squatter())])
}

/// A queue without anybody in it.
fn empty() -> Bench {
    listing().after([Answer("list", children([])), Answer("list and watch", children([]))])
}

/// The head of a queue is being read.
fn finding() -> Bench {
    listing().after([Answer("list", children([4, 3]))])
}

/// The head of a queue is known.
fn led() -> Bench {
    finding().after([Answer("read 3", others(OTHER))])
}

#[test]
fn a_lock_is_observed() {
    check([
        ("at once", idle(), connects(OURS), &["read"], Following),
        ("somebody's", looking(), Answer("read", others(OTHER)), &["master b:1/40"], Following),
        ("nobody's", looking(), Answer("read", Reply::Missing), &["exists"], Following),
        (
            "still nobody's",
            looking().after([Answer("read", Reply::Missing)]),
            Answer("exists", Reply::Missing),
            &["master none"],
            Following,
        ),
        (
            "somebody was quicker",
            looking().after([Answer("read", Reply::Missing)]),
            Answer("exists", others(OTHER)),
            &["read"],
            Following,
        ),
        ("one comes", nothing(), Watch("exists", Created), &["read"], Following),
        ("it goes", observing(), Watch("read", Deleted), &["exists", "master none"], Following),
        ("it is overwritten", observing(), Watch("read", Changed), &["read"], Following),
        ("unknown", looking(), Unknown("read"), &["read"], Following),
        ("nonsense", looking(), Answer("read", Reply::Done), &["read"], Following),
        (
            "a stale answer",
            observing(),
            Raw(Input::Answered(looking().last("read"), Reply::Missing)),
            &[],
            Following,
        ),
        (
            "a stale watch",
            observing().after([Watch("read", Changed), Answer("read", others(OTHER))]),
            Raw(Input::WatchFired(looking().last("read"), Deleted)),
            &[],
            Following,
        ),
    ]);
}

#[test]
fn a_lock_that_may_not_be_read_is_observed_by_its_stat() {
    check([
        ("it may not", looking(), Answer("read", NO), &["exists"], Following),
        (
            "but it is there",
            looking().after([Answer("read", NO)]),
            Answer("exists", others(OTHER)),
            &["master b:1/40", "report Denied"],
            Following,
        ),
        ("it is looked at again", unreadable(), Wait(5.0), &["read"], Following),
        ("not before", unreadable(), Wait(4.9), &[], Following),
        ("and may be read", unreadable().after([Wait(5.0)]), Answer("read", others(OTHER)), &[], Following),
        ("it goes", unreadable(), Watch("exists", Deleted), &["exists", "master none"], Following),
        // What keeps us from it may have changed with it: nothing has to be waited for.
        ("it changes", unreadable(), Watch("exists", Changed), &["read"], Following),
    ]);
    assert_eq!(unreadable().status().problem.map(|problem| problem.kind), Some(ProblemKind::Denied));
    let readable = unreadable().after([Wait(5.0), Answer("read", others(OTHER))]);
    assert_eq!(readable.status().problem, None);
}

#[test]
fn a_queue_is_observed_by_its_head() {
    check([
        ("a path that lasts", looking(), Answer("read", squatter()), &["list"], Following),
        ("who is first", listing(), Answer("list", children([4, 3])), &["read 3"], Following),
        ("is master", finding(), Answer("read 3", others(OTHER)), &["master b:1/40"], Following),
        ("it has gone meanwhile", finding(), Answer("read 3", Reply::Missing), &["list"], Following),
        ("it goes", led(), Watch("read 3", Deleted), &["list"], Following),
        ("it is overwritten", led(), Watch("read 3", Changed), &["read 3"], Following),
        ("the path changes", led(), Watch("read", Changed), &["read"], Following),
        ("the path goes", led(), Watch("read", Deleted), &["exists", "master none"], Following),
        ("it had gone when it was listed", listing(), Answer("list", Reply::Missing), &["read"], Following),
        ("unknown", finding(), Unknown("read 3"), &["read"], Following),
    ]);
}

#[test]
fn a_queue_without_anybody_in_it_is_watched() {
    let listed = || listing().after([Answer("list", children([]))]);
    check([
        (
            "nobody stands there",
            listing(),
            Answer("list", children([])),
            &["list and watch", "master none"],
            Following,
        ),
        ("nor comes", listed(), Answer("list and watch", children([])), &[], Following),
        ("somebody has come", listed(), Answer("list and watch", children([3])), &["read 3"], Following),
        ("somebody comes", empty(), Watch("list and watch", Changed), &["list"], Following),
        (
            "and is master",
            empty().after([Watch("list and watch", Changed), Answer("list", children([3]))]),
            Answer("read 3", others(OTHER)),
            &["master b:1/40"],
            Following,
        ),
    ]);
}

#[test]
fn a_head_that_may_not_be_read_is_observed_by_its_stat() {
    let unread = || finding().after([Answer("read 3", NO)]);
    let seen = || unread().after([Answer("exists 3", znode(THEIRS.0, OTHER, ""))]);
    check([
        ("it may not", finding(), Answer("read 3", NO), &["exists 3"], Following),
        (
            "but it is there",
            unread(),
            Answer("exists 3", znode(THEIRS.0, OTHER, "")),
            &["master /40", "report Denied"],
            Following,
        ),
        ("it has gone meanwhile", unread(), Answer("exists 3", Reply::Missing), &["list"], Following),
        ("it is looked at again", seen(), Wait(5.0), &["read"], Following),
        ("not before", seen(), Wait(4.9), &[], Following),
    ]);
}

#[test]
fn what_is_refused_is_asked_again_later() {
    let denied = || listing().after([Answer("list", NO)]);
    check([
        ("to read", looking(), Answer("read", OTHER_ERROR), &["report Refused"], Following),
        (
            "to watch",
            looking().after([Answer("read", NO)]),
            Answer("exists", NO),
            &["report Denied"],
            Following,
        ),
        ("to list", listing(), Answer("list", NO), &["report Denied"], Following),
        ("not at once", denied(), Wait(4.9), &[], Following),
        ("later", denied(), Wait(5.0), &["read"], Following),
        ("or on another connection", denied().after([cut()]), connects(OURS), &["read"], Following),
        ("not while there is none", denied().after([cut()]), Wait(5.0), &[], Following),
    ]);
    assert_eq!(denied().timer(), Some((5.0, Timer::Retry)));
}

#[test]
fn who_was_master_in_a_session_that_is_lost_is_found_out_again() {
    let after = observing().after([lost(), connects(THEIRS)]);
    check([
        ("the same", after.clone(), Answer("read", others(OTHER)), &[], Following),
        ("another", after, Answer("read", others(50)), &["master b:1/50"], Following),
    ]);
}
