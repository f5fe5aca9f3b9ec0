//! What is refused, and asked again later.

use super::*;

#[test]
fn it_is_refused() {
    let unlisted = || {
        let no = Answer("list", refused(Refusal::NoAuth));
        listing().after([Answer("exists 5", own(TOKEN)), no, Ack(ROLE)])
    };
    check([
        (
            "to join: it follows who is master",
            joining(),
            Answer("join", refused(Refusal::NoAuth)),
            &["1: denied", "read", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "below an ephemeral path",
            joining(),
            Answer("join", refused(Refusal::EphemeralParent)),
            &["1: path_taken", "read", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
        // It would stand in everybody's way and never know that its turn has come.
        (
            "to list: it leaves the queue",
            listing().after([Answer("exists 5", own(TOKEN))]),
            Answer("list", refused(Refusal::NoAuth)),
            &["1: denied", "delete 5", "read", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "and lists before it joins again",
            unlisted().after([Answer("delete 5", Reply::Done), Answer("read", znode(0, 30, ""))]),
            Wait(5.0),
            &["list"],
            Denied,
        ),
        (
            "which it does once it may",
            unlisted().after([Answer("delete 5", Reply::Done), Answer("read", znode(0, 30, "")), Wait(5.0)]),
            Answer("list", children([other(3)])),
            &["join"],
            Competing,
        ),
    ]);
}

#[test]
fn what_is_refused_is_asked_again_later() {
    let denied = || {
        joining().after([Answer("join", refused(Refusal::NoAuth)), Ack(ROLE), Answer("read", Reply::Missing)])
    };
    let withdrawn = || denied().after([withdraw()]);
    check([
        ("to join", denied(), Wait(5.0), &["join"], Denied),
        ("not before", denied(), Wait(4.9), &[], Denied),
        // Whoever does not compete is not denied anything, and complains no more.
        ("it withdraws, and a minute passes", withdrawn(), Wait(61.0), &[], Following),
    ]);
    assert_eq!(denied().timer(), Some((5.0, Timer::Retry)));
}
