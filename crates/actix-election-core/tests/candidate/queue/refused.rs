//! What is refused, or stands in the way, and is asked for again later.

use super::*;

#[test]
fn it_is_refused() {
    let unlisted = || {
        let no = Answer("list", refused(Refusal::NoAuth));
        listing().after([Answer("read 5", own(TOKEN)), no, Ack(ROLE)])
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
            listing().after([Answer("read 5", own(TOKEN))]),
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

/// A backup that was restored, say. It would lead for ever, and never know.
#[test]
fn what_is_not_ephemeral_is_no_candidate() {
    let seen = || listing().after([Answer("read 5", own(TOKEN))]);
    let behind = || seen().after([Answer("list", children([other(3), ours(5)]))]);
    let further = || seen().after([Answer("list", children([other(2), other(4), ours(5)]))]);
    let persistent = znode(0, 41, "c:1");
    let words = &["1: path_taken", "report PathTaken"];
    check([
        ("right before us", behind(), Answer("read 3", persistent.clone()), words, WaitingForAcknowledgement),
        ("the head", further(), Answer("glance 2", persistent.clone()), words, WaitingForAcknowledgement),
        (
            "and it is deleted",
            behind().after([Answer("read 3", persistent.clone()), Ack(ROLE)]),
            Watch("read 3", Deleted),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
    ]);
    let queue = Answer("read", znode(0, 30, ""));
    let looking = idle().after([connects(OURS), queue, Answer("list", children([other(3)]))]);
    assert_eq!(looking.clone().give(Answer("read 3", persistent)), ["master none", "report PathTaken"]);
}

/// Somebody has changed its ACL. Only then is it asked whether it exists, which leaves a watch behind if it does not.
#[test]
fn our_own_may_not_be_read() {
    let unreadable = || listing().after([Answer("read 5", refused(Refusal::NoAuth))]);
    let listed = || unreadable().after([Answer("exists 5", own(TOKEN))]);
    let master: &[&str] = &["lease 42", "1: master 42", "exists request", "master a:1/42"];
    check([
        (
            "it is only watched",
            listing(),
            Answer("read 5", refused(Refusal::NoAuth)),
            &["exists 5"],
            Competing,
        ),
        ("and leads all the same", listed(), Answer("list", children([ours(5)])), master, Master),
        ("it is overwritten", listed(), Watch("exists 5", Changed), &["exists 5"], Competing),
        ("it goes", listed(), Watch("exists 5", Deleted), &["join"], Competing),
        (
            "nor watched",
            unreadable(),
            Answer("exists 5", refused(Refusal::NoAuth)),
            &["1: denied", "report Denied"],
            WaitingForAcknowledgement,
        ),
        ("on another connection it is read", listed().after([cut()]), connects(OURS), &["read 5"], Competing),
    ]);
}

/// Whoever asks again soon has as much to read again, and everybody on the session waits for that.
#[test]
fn a_list_that_is_too_long_is_asked_for_once_a_minute() {
    let too_long = || refused(Refusal::TooManyChildren { children: 120_000, bytes: 13_000_000 });
    let left = || {
        let unlisted = listing().after([Answer("read 5", own(TOKEN)), Answer("list", too_long()), Ack(ROLE)]);
        unlisted.after([Answer("delete 5", Reply::Done), Answer("read", znode(0, 30, ""))])
    };
    let looked = || left().after([Answer("list", too_long())]);
    check([
        (
            "it leaves the queue",
            listing().after([Answer("read 5", own(TOKEN))]),
            Answer("list", too_long()),
            &["1: denied", "delete 5", "read", "report Refused"],
            WaitingForAcknowledgement,
        ),
        ("for a minute", looked(), Wait(59.9), &[], Denied),
        ("and asks again", looked(), Wait(60.0), &["list", "report Refused"], Denied),
    ]);
    let message = looked().status().problem.unwrap().message;
    assert!(message.contains("/app/master: 120000 children") && message.contains("delete"), "{message}");
}
