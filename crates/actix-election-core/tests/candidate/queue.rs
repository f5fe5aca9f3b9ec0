//! The `Queue` strategy: where it differs from the `Lock`, that is, in what is asked and what follows from the answers.

mod heir;
mod left_over;
mod refused;
mod shown;

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

use WatchEvent::{Changed, Deleted};

const ID: QueueId = QueueId::from_random(1);

/// A znode of ours in the queue.
fn ours(place: u32) -> String {
    format!("_c_{ID}-latch-{place:010}")
}

/// Somebody else's.
fn other(place: u32) -> String {
    format!("_c_{}-latch-{place:010}", QueueId::from_random(2))
}

fn children<const N: usize>(names: [String; N]) -> Reply {
    Reply::Children(names.into())
}

fn joined(place: u32, czxid: i64) -> Given {
    let stat = Stat { czxid, ephemeral_owner: OURS.0 };
    Answer("join", Reply::CreatedSequential { name: ours(place), stat })
}

fn queue() -> Bench {
    Bench::configured(|config| config.strategy = Strategy::Queue(ID))
}

fn connecting() -> Bench {
    queue().after([campaign(), joins(ROLE), Lease(0.98 * T)])
}

/// The create is under way.
fn joining() -> Bench {
    connecting().after([connects(OURS)])
}

/// Our znode stands; where, is being listed.
fn listing() -> Bench {
    joining().after([joined(5, TOKEN)])
}

/// Second, behind the master.
fn second() -> Bench {
    listing().after([
        Answer("read 5", own(TOKEN)),
        Answer("list", children([ours(5), other(3)])),
        Answer("read 3", others(OTHER)),
        Ack(ROLE),
    ])
}

/// Third, with one between the master and us.
fn third() -> Bench {
    listing().after([
        Answer("read 5", own(TOKEN)),
        Answer("list", children([other(4), ours(5), other(2)])),
        Answer("glance 2", others(OTHER)),
        Answer("read 4", znode(9, 41, "c:1")),
        Ack(ROLE),
    ])
}

/// Second, behind one that may not be read.
fn watched_only() -> Bench {
    listing().after([
        Answer("read 5", own(TOKEN)),
        Answer("list", children([ours(5), other(3)])),
        Answer("read 3", refused(Refusal::NoAuth)),
        Answer("exists 3", znode(THEIRS.0, OTHER, "")),
        Ack(ROLE),
    ])
}

fn leading() -> Bench {
    listing().after([
        Answer("read 5", own(TOKEN)),
        Answer("list", children([ours(5)])),
        Answer("exists request", Reply::Missing),
    ])
}

/// The lease of the term is over, and our znode is being deleted.
fn leaving() -> Bench {
    leading().after([resign(), Ack(ROLE)])
}

#[test]
fn it_joins() {
    check([
        ("at once", connecting(), connects(OURS), &["join"], Competing),
        ("where is listed, our own watched", joining(), joined(5, TOKEN), &["list", "read 5"], Competing),
        (
            "the first that was ever there: nothing has to be listed",
            joining(),
            joined(0, TOKEN),
            &["lease 42", "1: master 42", "read 0", "exists request", "master a:1/42"],
            Master,
        ),
        ("the list is of before the create", listing(), Answer("list", children([other(3)])), &[], Competing),
        (
            "so our own is looked for first",
            listing().after([Answer("list", children([other(3)]))]),
            Answer("read 5", own(TOKEN)),
            &["list"],
            Competing,
        ),
        ("no parent", joining(), Answer("join", refused(Refusal::NoParent)), &["parents"], Competing),
        (
            "which is made",
            joining().after([Answer("join", refused(Refusal::NoParent))]),
            Answer("parents", Reply::Done),
            &["join"],
            Competing,
        ),
        // Somebody deletes it: not at once again and again.
        (
            "which is missing again",
            joining().after([Answer("join", refused(Refusal::NoParent)), Answer("parents", Reply::Done)]),
            Answer("join", refused(Refusal::NoParent)),
            &["1: denied", "read", "report Refused"],
            WaitingForAcknowledgement,
        ),
        (
            "too many creations",
            joining(),
            Answer(
                "join",
                Reply::CreatedSequential {
                    name: format!("_c_{ID}-latch--2147483648"),
                    stat: Stat { czxid: TOKEN, ephemeral_owner: OURS.0 },
                },
            ),
            &["1: path_taken", "delete -2147483648", "read", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn it_finds_its_place() {
    let watched = || listing().after([Answer("read 5", own(TOKEN))]);
    check([
        (
            "the first",
            watched(),
            Answer("list", children([ours(5), other(6)])),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
        ("the second", watched(), Answer("list", children([ours(5), other(3)])), &["read 3"], Competing),
        (
            "the third: the master is not the one before us",
            watched(),
            Answer("list", children([other(4), ours(5), other(2)])),
            &["read 4", "glance 2"],
            Competing,
        ),
        (
            "what is no candidate does not count",
            watched(),
            Answer("list", children(["config".into(), "latch-1".into(), ours(5)])),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
        (
            "behind one of an earlier session of ours, which lives on for a while",
            watched(),
            Answer("list", children([ours(3), ours(5)])),
            &["delete 3", "read 3"],
            Competing,
        ),
        (
            "the one before us is read",
            watched().after([Answer("list", children([ours(5), other(3)]))]),
            Answer("read 3", others(OTHER)),
            &["1: outranked by b:1/40", "master b:1/40"],
            WaitingForAcknowledgement,
        ),
        (
            "it has gone",
            watched().after([Answer("list", children([ours(5), other(3)]))]),
            Answer("read 3", Reply::Missing),
            &["list"],
            Competing,
        ),
        (
            "it may not be read",
            watched().after([Answer("list", children([ours(5), other(3)]))]),
            Answer("read 3", refused(Refusal::NoAuth)),
            &["exists 3"],
            Competing,
        ),
        (
            "so it is only watched",
            watched().after([
                Answer("list", children([ours(5), other(3)])),
                Answer("read 3", refused(Refusal::NoAuth)),
            ]),
            Answer("exists 3", znode(THEIRS.0, OTHER, "")),
            &["1: outranked by /40", "master /40", "report Denied"],
            WaitingForAcknowledgement,
        ),
        ("nor listed again and again", watched_only(), Wait(4.9), &[], Denied),
        ("but after a while, since it may have gone", watched_only(), Wait(5.0), &["list"], Denied),
        (
            "who leads may not be read, and is not before us",
            watched().after([
                Answer("list", children([other(4), ours(5), other(2)])),
                Answer("read 4", znode(9, 41, "c:1")),
            ]),
            Answer("glance 2", refused(Refusal::NoAuth)),
            &["1: outranked"],
            WaitingForAcknowledgement,
        ),
        (
            "and that is how it stays",
            watched().after([
                Answer("list", children([other(4), ours(5), other(2)])),
                Answer("read 4", znode(9, 41, "c:1")),
                Answer("glance 2", refused(Refusal::NoAuth)),
            ]),
            Ack(ROLE),
            &[],
            Standby,
        ),
    ]);
}

#[test]
fn the_one_before_it_goes() {
    let master: &[&str] = &["lease 42", "1: master 42", "exists request", "master a:1/42"];
    check([
        ("it was the master: nothing has to be read", second(), Watch("read 3", Deleted), master, Master),
        ("its data changes", second(), Watch("read 3", Changed), &["read 3"], Standby),
        ("somebody between the master and us", third(), Watch("read 4", Deleted), &["list"], Standby),
        (
            "and now we are behind the master",
            third().after([Watch("read 4", Deleted)]),
            Answer("list", children([other(2), ours(5)])),
            &["read 2"],
            Standby,
        ),
        (
            "the master had gone before",
            third().after([Watch("read 4", Deleted)]),
            Answer("list", children([ours(5)])),
            master,
            Master,
        ),
        (
            "our own is not known to stand",
            second().after([Watch("read 5", Changed)]),
            Watch("read 3", Deleted),
            &["list"],
            Standby,
        ),
        (
            "an event of an old connection",
            second().after([cut(), connects(OURS)]),
            Watch("read 3", Deleted),
            &[],
            Standby,
        ),
        (
            "the role has yet to say that it is standby",
            listing().after([
                Answer("read 5", own(TOKEN)),
                Answer("list", children([ours(5), other(3)])),
                Answer("read 3", others(OTHER)),
            ]),
            Watch("read 3", Deleted),
            &["master a:1/42"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn our_own_goes() {
    check([
        ("while it waits: to the end", second(), Watch("read 5", Deleted), &["join"], Standby),
        (
            "while master",
            leading(),
            Watch("read 5", Deleted),
            &["lease over", "1: node_lost", "join"],
            WaitingForAcknowledgement,
        ),
        ("it is overwritten", leading(), Watch("read 5", Changed), &["read 5"], Master),
        (
            "the path was deleted and made anew, and its count began anew: one of ours has the same name again",
            leading().after([Watch("read 5", Changed)]),
            Answer("read 5", own(50)),
            &["lease over", "1: node_lost", "join"],
            WaitingForAcknowledgement,
        ),
        (
            "it had gone when it was to be watched",
            listing(),
            Answer("read 5", Reply::Missing),
            &["join"],
            Competing,
        ),
    ]);
}

#[test]
fn it_leaves() {
    check([
        (
            "its name is nobody else's: nothing to confirm",
            leading().after([resign()]),
            Ack(ROLE),
            &["lease over", "delete 5", "read"],
            Pausing,
        ),
        ("it has left", leaving(), Answer("delete 5", Reply::Done), &[], Pausing),
        ("it was gone", leaving(), Answer("delete 5", Reply::Missing), &[], Pausing),
        ("it is not known whether", leaving(), Unknown("delete 5"), &["delete 5"], Pausing),
        ("it may not", leaving(), Answer("delete 5", refused(Refusal::NoAuth)), &["report Denied"], Pausing),
        ("cut off meanwhile", leaving().after([cut()]), connects(OURS), &["delete 5", "read"], Pausing),
        ("from the middle", second(), withdraw(), &["delete 5", "read"], SteppingDown),
        ("and has left", second().after([withdraw()]), Answer("delete 5", Reply::Done), &["left"], Following),
        ("during the create", joining(), withdraw(), &["read"], SteppingDown),
        ("which is undone", joining().after([withdraw()]), joined(5, TOKEN), &["delete 5"], SteppingDown),
        (
            "resigned while it was cut off: never led by again",
            leading().after([cut(), resign(), Ack(ROLE), Wait(2.0), Lease(9.0)]),
            connects(OURS),
            &["delete 5"],
            Competing,
        ),
        (
            "with a change of mind that comes too late",
            second().after([withdraw(), campaign()]),
            Answer("delete 5", Reply::Done),
            &["join"],
            Standby,
        ),
    ]);
}

#[test]
fn the_reply_to_the_create_is_lost() {
    let back = || joining().after([cut(), connects(OURS)]);
    check([
        ("what came of it?", joining().after([cut()]), connects(OURS), &["list"], Competing),
        ("nothing", back(), Answer("list", children([other(3)])), &["join"], Competing),
        ("not even the path is there", back(), Answer("list", Reply::Missing), &["join"], Competing),
        (
            "something that may be ours",
            back(),
            Answer("list", children([other(3), ours(5)])),
            &["read 5"],
            Competing,
        ),
        (
            "the last of them, if any",
            back(),
            Answer("list", children([ours(7), other(6), ours(5)])),
            &["read 7"],
            Competing,
        ),
        (
            "it is ours by its owner",
            back().after([Answer("list", children([other(3), ours(5)]))]),
            Answer("read 5", own(TOKEN)),
            &["list"],
            Competing,
        ),
        (
            "it is of an earlier session",
            back().after([Answer("list", children([other(3), ours(5)]))]),
            Answer("read 5", znode(6, 30, "a:1")),
            &["join"],
            Competing,
        ),
        (
            "it has gone",
            back().after([Answer("list", children([other(3), ours(5)]))]),
            Answer("read 5", Reply::Missing),
            &["join"],
            Competing,
        ),
        ("unknown on a connection that lives", joining(), Unknown("join"), &["list"], Competing),
        (
            "in a new session there is nothing to find",
            joining().after([lost()]),
            connects(THEIRS),
            &["join"],
            Competing,
        ),
    ]);
}

#[test]
fn it_is_connected_again() {
    check([
        ("our own comes first", second().after([cut()]), connects(OURS), &["read 5"], Standby),
        (
            "then its place",
            second().after([cut(), connects(OURS)]),
            Answer("read 5", own(TOKEN)),
            &["list"],
            Standby,
        ),
        (
            "it has gone",
            second().after([cut(), connects(OURS)]),
            Answer("read 5", Reply::Missing),
            &["join"],
            Standby,
        ),
        (
            "in a new session it is not known who is master",
            second().after([lost(), connects(THEIRS)]),
            joins(SECOND),
            &[],
            Competing,
        ),
        (
            "who was the first still is",
            leading().after([cut()]),
            connects(OURS),
            &["read 5", "exists request"],
            Master,
        ),
        (
            "and nothing has to be listed",
            leading().after([cut(), connects(OURS)]),
            Answer("read 5", own(TOKEN)),
            &[],
            Master,
        ),
        (
            "unless it has gone",
            leading().after([cut(), connects(OURS)]),
            Answer("read 5", Reply::Missing),
            &["lease over", "1: node_lost", "join"],
            WaitingForAcknowledgement,
        ),
    ]);
}

/// Whoever stands further back has no use for who leads, unless somebody observes.
#[test]
fn who_leads_is_followed_for_whoever_observes() {
    let observed = |bench: Bench| bench.after([Raw(Input::Observed)]);
    let following = || observed(third()).after([Answer("read", znode(0, 30, ""))]);
    check([
        ("the path", third(), Raw(Input::Observed), &["read"], Standby),
        ("the queue", observed(third()), Answer("read", znode(0, 30, "")), &["list"], Standby),
        (
            "its head",
            following(),
            Answer("list", children([other(2), other(4), ours(5)])),
            &["read 2"],
            Standby,
        ),
        ("from the start", observed(connecting()), connects(OURS), &["join", "read"], Competing),
        ("also a master", leading(), Raw(Input::Observed), &["read"], Master),
    ]);
}
