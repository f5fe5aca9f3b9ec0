//! `Candidate::heir`: what a candidate has left in the queue.

use super::*;

#[test]
fn an_heir_leaves_the_queue() {
    let heir = |dead: Bench| dead.heir().expect("an heir").after([withdraw(), connects(OURS)]);
    let listed = || heir(second()).after([Answer("list", children([other(3), ours(5)]))]);
    check([
        ("not before it has looked", second().heir().expect("an heir"), withdraw(), &[], SteppingDown),
        ("nothing of ours", heir(joining()), Answer("list", children([other(3)])), &["left"], Following),
        (
            "one of ours, perhaps",
            heir(second()),
            Answer("list", children([other(3), ours(5)])),
            &["read 5"],
            SteppingDown,
        ),
        ("it is", listed(), Answer("read 5", own(TOKEN)), &["delete 5"], SteppingDown),
        ("an earlier session's", listed(), Answer("read 5", others(TOKEN)), &["left"], Following),
        (
            "and deleted",
            listed().after([Answer("read 5", own(TOKEN))]),
            Answer("delete 5", Reply::Done),
            &["left"],
            Following,
        ),
    ]);
}
