//! `Input::WatchFired`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

use WatchEvent::{Changed, Created, Deleted};

#[test]
fn the_lock_changes() {
    check([
        ("the master goes", standby(), Watch("read", Deleted), &["create", "master none"], Competing),
        ("its data changes", standby(), Watch("read", Changed), &["read"], Standby),
        (
            "ours is deleted by hand",
            master(),
            Watch("read", Deleted),
            &["lease over", "1: node_lost", "exists", "master none"],
            WaitingForAcknowledgement,
        ),
        (
            "while stepping down",
            stepping_down(),
            Watch("read", Deleted),
            &["lease over", "exists", "master none"],
            WaitingForAcknowledgement,
        ),
        ("ours is overwritten", master(), Watch("read", Changed), &["read"], Master),
        ("the squatter goes", path_taken(), Watch("read", Deleted), &["create"], Competing),
        ("the squatter changes", path_taken(), Watch("read", Changed), &["read"], PathTaken),
        ("one comes while it stays out", pausing(), Watch("exists", Created), &["read"], Pausing),
        ("one comes while it may not create", denied(), Watch("exists", Created), &["read"], Denied),
        (
            "an unreadable one goes",
            unreadable(),
            Watch("exists", Deleted),
            &["create", "master none"],
            Competing,
        ),
        ("not competing", observing(), Watch("read", Deleted), &["exists", "master none"], Following),
    ]);
}

#[test]
fn what_is_written_over_our_lock_does_not_matter() {
    let read = master().after([Watch("read", Changed)]);
    let vandal = Answer("read", znode(OURS.0, TOKEN, "z:9"));
    check([("it is ours by owner and czxid", read, vandal, &[], Master)]);
}

#[test]
fn an_event_that_overtakes_an_answer_is_older_than_it() {
    check([
        // Our own create fires the watch on the empty place.
        ("during the create", standby_armed_on_nothing(), Watch("exists", Created), &[], Competing),
        ("our own delete", deleting(), Watch("read", Deleted), &[], Pausing),
        (
            "and then the watch is armed again",
            deleting().after([Watch("read", Deleted)]),
            Answer("delete", Reply::Done),
            &["exists", "master none"],
            Pausing,
        ),
        (
            "deleted by hand during the look before the delete",
            confirming().after([Watch("read", Deleted)]),
            Answer("confirm", Reply::Missing),
            &["exists", "master none"],
            Pausing,
        ),
        // Nothing of this is about the parents, so the event counts.
        ("during the parents' create", parents_armed(), Watch("exists", Created), &[], Competing),
        (
            "it is read then",
            parents_armed().after([Watch("exists", Created)]),
            Answer("parents", Reply::Done),
            &["read"],
            Competing,
        ),
    ]);
}

/// A create under way while the watch on the empty place stands.
fn standby_armed_on_nothing() -> Bench {
    pausing().after([Wait(1.0)])
}

fn parents_armed() -> Bench {
    standby_armed_on_nothing().after([Answer("create", refused(Refusal::NoParent))])
}

#[test]
fn a_stale_watch_changes_nothing() {
    let old = standby().last("read");
    let stale = || Raw(Input::WatchFired(old, Deleted));
    check([
        ("a second time", standby().after([Watch("read", Deleted)]), stale(), &[], Competing),
        (
            "one that was replaced",
            standby().after([Watch("read", Changed), Answer("read", others(OTHER))]),
            stale(),
            &[],
            Standby,
        ),
        ("of a request without a watch", master(), Watch("create", Deleted), &[], Master),
        ("of no request", standby(), Raw(Input::WatchFired(OpId(999), Deleted)), &[], Standby),
    ]);
}
