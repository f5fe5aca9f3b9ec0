//! `Candidate::heir`: what a candidate has left whose driver died.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

/// The heir of this one, withdrawn and with a connection.
fn heir_of(dead: Bench) -> Bench {
    dead.heir().expect("an heir").after([withdraw(), connects(OURS)])
}

#[test]
fn who_never_competed_has_no_heir() {
    assert!(Bench::new().heir().is_none());
    assert!(Bench::new().after([joins(ROLE), connects(OURS)]).heir().is_none());
    assert!(standby().after([withdraw()]).heir().is_some(), "what it has left is asked, not remembered");
}

#[test]
fn an_heir_releases_what_there_is_and_leaves() {
    let found = || heir_of(master()).after([Answer("read", own(TOKEN))]);
    check([
        ("not before it has looked", master().heir().expect("an heir"), withdraw(), &[], SteppingDown),
        (
            "it looks",
            master().heir().expect("an heir").after([withdraw()]),
            connects(OURS),
            &["read"],
            SteppingDown,
        ),
        (
            "a lock of this session",
            heir_of(master()),
            Answer("read", own(TOKEN)),
            &["confirm", "master a:1/42"],
            SteppingDown,
        ),
        ("it is still there", found(), Answer("confirm", own(TOKEN)), &["delete"], SteppingDown),
        (
            "and deleted",
            found().after([Answer("confirm", own(TOKEN))]),
            Answer("delete", Reply::Done),
            &["master none", "left"],
            Following,
        ),
        (
            "nothing came of a create",
            heir_of(creating()),
            Answer("read", Reply::Missing),
            &["exists", "master none", "left"],
            Following,
        ),
        (
            "another's lock",
            heir_of(standby()),
            Answer("read", others(OTHER)),
            &["master b:1/40", "left"],
            Following,
        ),
        ("the session is lost", found(), lost(), &["left"], Following),
    ]);
}
