//! `Input::Withdraw`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn withdraw_in_every_state() {
    check([
        ("nothing there yet", idle(), withdraw(), &["left"], Following),
        ("without a role", without_role(), withdraw(), &["left"], Following),
        ("without a connection", connecting(), withdraw(), &["left"], Following),
        ("reading", reading(), withdraw(), &["left"], Following),
        // A lock of ours may come of it.
        ("creating", creating(), withdraw(), &[], SteppingDown),
        ("standby", standby(), withdraw(), &["left"], Following),
        ("winning", winning_armed(), withdraw(), &["confirm"], SteppingDown),
        ("master", master(), withdraw(), &["1: resigned"], SteppingDown),
        ("master and cut off", suspended(), withdraw(), &["1: resigned"], SteppingDown),
        ("stepping down", stepping_down(), withdraw(), &[], SteppingDown),
        ("releasing", confirming(), withdraw(), &[], SteppingDown),
        ("deleting", deleting(), withdraw(), &[], SteppingDown),
        ("while it stays out", pausing(), withdraw(), &["left"], Following),
        ("denied", denied(), withdraw(), &["left"], Following),
        ("the path is taken", path_taken(), withdraw(), &["left"], Following),
        // Whoever does not compete is not denied anything, and complains no more.
        ("denied, and a minute later", denied().after([withdraw()]), Wait(61.0), &[], Following),
        ("again", withdrawing(), withdraw(), &[], SteppingDown),
        ("after it left", standby().after([withdraw()]), withdraw(), &["left"], Following),
    ]);
}

#[test]
fn a_master_leaves_in_order() {
    check([
        ("acknowledged", withdrawing(), Ack(ROLE), &["lease over", "confirm"], SteppingDown),
        (
            "deleted",
            withdrawing().after([
                Ack(ROLE),
                Answer("confirm", own(TOKEN)),
                Watch("read", WatchEvent::Deleted),
            ]),
            Answer("delete", Reply::Done),
            &["exists", "master none", "left"],
            Following,
        ),
        (
            "deleted without an acknowledgement",
            withdrawing().after([
                Wait(3.0),
                Answer("confirm", own(TOKEN)),
                Watch("read", WatchEvent::Deleted),
            ]),
            Answer("delete", Reply::Done),
            &["exists", "master none", "left"],
            Following,
        ),
        ("the session is lost", withdrawing(), lost(), &["lease over", "left"], Following),
        (
            "lost before the delete was answered",
            withdrawing().after([Ack(ROLE), Answer("confirm", own(TOKEN)), cut()]),
            lost(),
            &["left"],
            Following,
        ),
    ]);
}

#[test]
fn withdraw_during_a_create_leaves_nothing() {
    let undoing = creating().after([withdraw()]);
    check([
        ("it was created", undoing.clone(), created(TOKEN), &["confirm", "master a:1/42"], SteppingDown),
        (
            "and is deleted",
            undoing.clone().after([
                created(TOKEN),
                Answer("confirm", own(TOKEN)),
                Watch("read", WatchEvent::Deleted),
            ]),
            Answer("delete", Reply::Done),
            &["exists", "master none", "left"],
            Following,
        ),
        (
            "another was first",
            undoing.clone(),
            Answer("create", refused(Refusal::NodeExists)),
            &["read", "left"],
            Following,
        ),
        (
            "refused",
            undoing.clone(),
            Answer("create", refused(Refusal::NoAuth)),
            &["exists", "report Denied", "left"],
            Following,
        ),
        // The candidate is cut off: as long as nobody has looked, it may have left a lock behind.
        ("cut off", undoing.clone(), cut(), &[], SteppingDown),
        (
            "nothing came of it",
            undoing.clone().after([cut(), connects(OURS)]),
            Answer("read", Reply::Missing),
            &["exists", "left"],
            Following,
        ),
        (
            "it was created after all",
            undoing.clone().after([cut(), connects(OURS)]),
            Answer("read", own(TOKEN)),
            &["confirm", "master a:1/42"],
            SteppingDown,
        ),
        ("it went with the session", undoing.after([cut()]), lost(), &["left"], Following),
    ]);
}

#[test]
fn who_has_left_goes_on_following() {
    let left = standby().after([withdraw()]);
    check([
        (
            "the master goes",
            left.clone(),
            Watch("read", WatchEvent::Deleted),
            &["exists", "master none"],
            Following,
        ),
        ("a role joins", left.clone(), joins(SECOND), &[], Following),
        ("a role dies", left, dies(ROLE), &[], Following),
    ]);
}
