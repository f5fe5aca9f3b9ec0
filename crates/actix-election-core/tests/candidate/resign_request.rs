//! A request to resign, made by another process: read by the master, and by nobody else.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

const ASKS: &str = "exists request";

/// What a request to this term says.
fn words(token: i64) -> String {
    String::from_utf8(resign_request_data(FencingToken::new(token))).expect("text")
}

fn asked() -> Bench {
    master().after([Watch(ASKS, WatchEvent::Created)])
}

fn reads() -> Bench {
    asked().after([Answer(ASKS, znode(THEIRS.0, 60, ""))])
}

#[test]
fn a_valid_request() {
    check([
        ("it comes", master(), Watch(ASKS, WatchEvent::Created), &[ASKS], Master),
        ("it is there", asked(), Answer(ASKS, znode(THEIRS.0, 60, "")), &["read request"], Master),
        (
            "it is valid",
            reads(),
            Answer("read request", znode(THEIRS.0, 60, &words(TOKEN))),
            &["1: resigned"],
            SteppingDown,
        ),
        ("it was there before", elected(), Answer(ASKS, znode(THEIRS.0, 60, "")), &["read request"], Master),
    ]);
}

#[test]
fn whoever_asks_is_not_kept_waiting() {
    assert!(elected().is_patient(ASKS), "where thousands of terms begin at once, their roles come first");
    assert!(!asked().is_patient(ASKS));
}

/// What may not be read is read again after a pause: a server may keep its end to itself, though the watch is spent.
#[test]
fn what_is_hidden_is_looked_at_again() {
    let denied = || refused(Refusal::NoAuth);
    let hidden = || reads().after([Answer("read request", denied())]);
    let unwatched = || elected().after([Answer(ASKS, denied())]);
    let again = || hidden().after([Wait(5.0)]);
    check([
        ("after the pause", hidden(), Wait(5.0), &["read request"], Master),
        (
            "and after the next",
            again().after([Lease(60.0), Answer("read request", denied())]),
            Wait(5.0),
            &["read request"],
            Master,
        ),
        ("it has gone", again(), Answer("read request", Reply::Missing), &[ASKS], Master),
        ("it is rubbish", again(), Answer("read request", znode(0, 60, "")), &[ASKS], Master),
        (
            "it may be read now, and asks",
            again(),
            Answer("read request", znode(THEIRS.0, 60, &words(TOKEN))),
            &["1: resigned"],
            SteppingDown,
        ),
        ("where even a look is denied", unwatched(), Wait(5.0), &["read request"], Master),
        (
            "nothing there now",
            unwatched().after([Wait(5.0)]),
            Answer("read request", Reply::Missing),
            &[ASKS],
            Master,
        ),
    ]);
}

#[test]
fn rubbish_changes_nothing() {
    let read = |owner, czxid, data: &str| Answer("read request", znode(owner, czxid, data));
    check([
        ("not ephemeral", reads(), read(0, 60, &words(TOKEN)), &[], Master),
        ("older than the lock", reads(), read(THEIRS.0, TOKEN - 1, &words(TOKEN)), &[], Master),
        ("for an earlier term", reads(), read(THEIRS.0, 60, &words(OTHER)), &[], Master),
        ("other data", reads(), read(THEIRS.0, 60, "please"), &[], Master),
        ("not to be read", reads(), Answer("read request", refused(Refusal::NoAuth)), &[], Master),
        (
            "the next one may be read",
            reads().after([Answer("read request", refused(Refusal::NoAuth))]),
            Watch(ASKS, WatchEvent::Changed),
            &[ASKS],
            Master,
        ),
        ("it changes", reads().after([read(0, 60, "")]), Watch(ASKS, WatchEvent::Changed), &[ASKS], Master),
        (
            "it goes",
            reads().after([Watch(ASKS, WatchEvent::Deleted)]),
            Answer("read request", Reply::Missing),
            &[ASKS],
            Master,
        ),
        ("not to be watched", elected(), Answer(ASKS, refused(Refusal::NoAuth)), &[], Master),
        (
            "but on the next one",
            elected().after([Answer(ASKS, refused(Refusal::NoAuth)), cut()]),
            connects(OURS),
            &["read", ASKS],
            Master,
        ),
    ]);
}

/// One watch is enough for all terms of a session.
#[test]
fn the_next_term_is_asked_by_the_same_watch() {
    let between =
        master().after([resign(), Ack(ROLE), Answer("confirm", own(TOKEN)), Answer("delete", Reply::Done)]);
    let next = between.clone().after([Wait(1.0), created(50)]);
    let read = |token| Answer("read request", znode(THEIRS.0, 60, &words(token)));
    let asked = next.clone().after([Watch(ASKS, WatchEvent::Created), Answer(ASKS, znode(THEIRS.0, 60, ""))]);
    check([
        ("the term is over", between.clone(), Watch(ASKS, WatchEvent::Created), &[], Pausing),
        (
            "what was asked then is read by the next term",
            between.after([Watch(ASKS, WatchEvent::Created), Wait(1.0)]),
            created(50),
            &["lease 50", "1: master 50", ASKS, "master a:1/50"],
            Master,
        ),
        ("the next one is asked", next, Watch(ASKS, WatchEvent::Created), &[ASKS], Master),
        ("the last one was meant", asked.clone(), read(TOKEN), &[], Master),
        ("the next one is meant", asked, read(50), &["1: resigned"], SteppingDown),
    ]);
}

#[test]
fn a_stale_request_changes_nothing() {
    let op = reads().last("read request");
    let late = Raw(Input::Answered(op, znode(THEIRS.0, 60, &words(TOKEN))));
    let next = reads().after([lost(), Ack(ROLE)]);
    check([
        ("the term is ending", reads().after([resign()]), late.clone(), &[], SteppingDown),
        ("the term is over", next, late.clone(), &[], Connecting),
        ("cut off", reads().after([cut()]), late, &[], Master),
        (
            "the watch of a former connection",
            master().after([cut(), connects(OURS)]),
            Raw(Input::WatchFired(master().last(ASKS), WatchEvent::Created)),
            &[],
            Master,
        ),
    ]);
}
