//! What sessions that were given up have left in the queue.

use super::*;

/// A session that was given up may live on, and its znode with it.
#[test]
fn what_an_earlier_session_has_left_is_cleared_away() {
    let seen = || listing().after([Answer("read 5", own(TOKEN))]);
    let left = || seen().after([Answer("list", children([ours(2), ours(5)]))]);
    let gone = || left().after([Answer("read 2", znode(9, 40, "")), Answer("delete 2", Reply::Done)]);
    check([
        (
            "before ours",
            seen(),
            Answer("list", children([ours(2), ours(5)])),
            &["delete 2", "read 2"],
            Competing,
        ),
        (
            "it goes",
            gone(),
            Watch("read 2", Deleted),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
        ("it had gone", left(), Answer("read 2", Reply::Missing), &["list"], Competing),
        // A create of that session may come late.
        (
            "behind ours",
            seen(),
            Answer("list", children([ours(5), ours(6)])),
            &["lease 42", "1: master 42", "delete 6", "exists request", "master a:1/42"],
            Master,
        ),
        (
            "two of them",
            left().after([Watch("read 5", Changed)]),
            Answer("delete 2", Reply::Done),
            &[],
            Competing,
        ),
        // It goes with its session at the latest.
        ("it may not be deleted", left(), Answer("delete 2", refused(Refusal::NoAuth)), &[], Competing),
        ("nobody knows", left(), Unknown("delete 2"), &["list", "read 5"], Competing),
        ("another's stays", seen(), Answer("list", children([other(2), ours(5)])), &["read 2"], Competing),
    ]);
}
/// The election path may be made anew, and its count begins anew with it.
#[test]
fn what_was_left_is_forgotten_with_our_own_znode() {
    let mut bench = listing().after([Answer("read 5", own(TOKEN))]);
    let found = bench.give(Answer("list", children([ours(2), ours(0), ours(5)])));
    assert_eq!(found, ["delete 2", "read 2", "glance 0"]);
    bench.give(Watch("read 5", Deleted));
    bench.give(Answer("delete 2", Reply::Done));
    let joined = bench.give(joined(0, 90));
    assert!(!joined.iter().any(|word| word.starts_with("delete")), "{joined:?}");
}
