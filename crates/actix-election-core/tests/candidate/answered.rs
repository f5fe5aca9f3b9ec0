//! `Input::Answered`: every answer to every request.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

const OTHER_ERROR: Reply = Reply::Refused(Refusal::Other { code: -8, meaning: "no" });

#[test]
fn the_lock_is_read() {
    check([
        ("there is none", reading(), Answer("read", Reply::Missing), &["create", "master none"], Competing),
        (
            "another's",
            reading(),
            Answer("read", others(OTHER)),
            &["1: outranked by b:1/40", "master b:1/40"],
            WaitingForAcknowledgement,
        ),
        ("not to be read", reading(), Answer("read", refused(Refusal::NoAuth)), &["exists"], Competing),
        (
            "refused",
            reading(),
            Answer("read", OTHER_ERROR),
            &["1: denied", "report Refused"],
            WaitingForAcknowledgement,
        ),
        ("unknown", reading(), Unknown("read"), &["read"], Competing),
        ("nonsense", reading(), Answer("read", Reply::Done), &["read"], Competing),
        (
            "no lock at all",
            reading(),
            Answer("read", squatter()),
            &["1: path_taken", "master none", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
        // No text, and no reason to stumble over it.
        (
            "data of any kind",
            reading(),
            Answer(
                "read",
                Reply::Found(Znode {
                    data: vec![0xff],
                    stat: Stat { czxid: OTHER, ephemeral_owner: THEIRS.0 },
                }),
            ),
            &["1: outranked by \u{fffd}/40", "master \u{fffd}/40"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn the_masters_own_lock_is_read_again() {
    let back = suspended().after([connects(OURS)]);
    let lost: &[&str] = &["lease over", "1: node_lost", "exists", "master none"];
    check([
        ("it is there", back.clone(), Answer("read", own(TOKEN)), &[], Master),
        ("it is gone", back.clone(), Answer("read", Reply::Missing), lost, WaitingForAcknowledgement),
        (
            "another's is there",
            back.clone(),
            Answer("read", others(50)),
            &["lease over", "1: node_lost by b:1/50", "master b:1/50"],
            WaitingForAcknowledgement,
        ),
        (
            "a squatter is there",
            back.clone(),
            Answer("read", squatter()),
            &["lease over", "1: node_lost", "master none", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
        // Not to be read is not gone: its stat is shown to everybody.
        ("not to be read", back.clone(), Answer("read", refused(Refusal::NoAuth)), &["exists"], Master),
        (
            "but to be seen",
            back.clone().after([Answer("read", refused(Refusal::NoAuth))]),
            Answer("exists", znode(OURS.0, TOKEN, "")),
            &["report Denied"],
            Master,
        ),
        (
            "and to be released",
            back.clone().after([
                Answer("read", refused(Refusal::NoAuth)),
                Answer("exists", znode(OURS.0, TOKEN, "")),
                resign(),
            ]),
            Ack(ROLE),
            &["lease over", "confirm"],
            Pausing,
        ),
        ("refused", back, Answer("read", OTHER_ERROR), &["report Refused"], Master),
    ]);
}

#[test]
fn the_lock_is_created() {
    check([
        (
            "by us",
            creating(),
            created(TOKEN),
            &["lease 42", "1: master 42", "read", "exists request", "master a:1/42"],
            Master,
        ),
        (
            "with too little of a lease",
            creating().after([Lease(0.2 * T)]),
            created(TOKEN),
            &["read", "master a:1/42"],
            Winning,
        ),
        (
            "another was first",
            creating(),
            Answer("create", refused(Refusal::NodeExists)),
            &["read"],
            Competing,
        ),
        ("no parent", creating(), Answer("create", refused(Refusal::NoParent)), &["parents"], Competing),
        (
            "not allowed",
            creating(),
            Answer("create", refused(Refusal::NoAuth)),
            &["1: denied", "exists", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "below an ephemeral",
            creating(),
            Answer("create", refused(Refusal::EphemeralParent)),
            &["1: path_taken", "exists", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
        (
            "refused",
            creating(),
            Answer("create", OTHER_ERROR),
            &["1: denied", "exists", "report Refused"],
            WaitingForAcknowledgement,
        ),
        ("unknown", creating(), Unknown("create"), &["read"], Competing),
        ("nonsense", creating(), Answer("create", Reply::Done), &["read"], Competing),
        // Whatever that is, it is not ours.
        (
            "in another session",
            creating(),
            Answer("create", Reply::Created(Stat { czxid: TOKEN, ephemeral_owner: THEIRS.0 })),
            &["read"],
            Competing,
        ),
    ]);
}

#[test]
fn a_race_for_the_lock() {
    let behind = creating().after([Answer("create", refused(Refusal::NodeExists))]);
    check([
        (
            "the other has it",
            behind.clone(),
            Answer("read", others(OTHER)),
            &["1: outranked by b:1/40", "master b:1/40"],
            WaitingForAcknowledgement,
        ),
        ("the other has gone again", behind, Answer("read", Reply::Missing), &["create"], Competing),
    ]);
}

#[test]
fn a_lost_reply_to_a_create_while_the_connection_stands() {
    let unsure = creating().after([Unknown("create")]);
    check([
        (
            "it was created",
            unsure.clone(),
            Answer("read", own(TOKEN)),
            &["lease 42", "1: master 42", "exists request", "master a:1/42"],
            Master,
        ),
        ("it was not", unsure.clone(), Answer("read", Reply::Missing), &["create"], Competing),
        ("the late reply is stale", unsure, created(TOKEN), &[], Competing),
    ]);
}

#[test]
fn the_parents_are_made() {
    let again = making_parents().after([Answer("parents", Reply::Done)]);
    let gone = Answer("create", refused(Refusal::NoParent));
    let waiting = again.clone().after([gone.clone(), Ack(ROLE), Answer("exists", Reply::Missing)]);
    let raced =
        again.clone().after([Answer("create", refused(Refusal::NodeExists)), Answer("read", Reply::Missing)]);
    check([
        ("made", making_parents(), Answer("parents", Reply::Done), &["create"], Competing),
        (
            "not allowed",
            making_parents(),
            Answer("parents", refused(Refusal::NoAuth)),
            &["1: denied", "exists", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "below an ephemeral",
            making_parents(),
            Answer("parents", refused(Refusal::EphemeralParent)),
            &["1: path_taken", "exists", "report PathTaken"],
            WaitingForAcknowledgement,
        ),
        ("unknown", making_parents(), Unknown("parents"), &["read"], Competing),
        (
            "then the lock",
            again.clone(),
            created(TOKEN),
            &["lease 42", "1: master 42", "read", "exists request", "master a:1/42"],
            Master,
        ),
        // Somebody deletes them: not at once again and again.
        (
            "missing again",
            again,
            gone.clone(),
            &["1: denied", "exists", "report Refused"],
            WaitingForAcknowledgement,
        ),
        ("later", waiting.clone(), Wait(5.0), &["create"], Denied),
        ("and they are made again", waiting.after([Wait(5.0)]), gone.clone(), &["parents"], Denied),
        // They were there in between, so they may be made at once.
        ("gone since", raced, gone, &["parents"], Competing),
    ]);
}

#[test]
fn not_to_be_read_but_to_be_seen() {
    let seen = reading().after([Answer("read", refused(Refusal::NoAuth))]);
    check([
        (
            "another's",
            seen.clone(),
            Answer("exists", znode(THEIRS.0, OTHER, "")),
            &["1: outranked by /40", "master /40", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "gone meanwhile",
            seen.clone(),
            Answer("exists", Reply::Missing),
            &["create", "master none"],
            Competing,
        ),
        (
            "refused as well",
            seen.clone(),
            Answer("exists", refused(Refusal::NoAuth)),
            &["1: denied", "report Denied"],
            WaitingForAcknowledgement,
        ),
        (
            "a squatter",
            seen,
            Answer("exists", znode(0, 39, "")),
            &["1: denied", "master none", "report Denied"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn the_empty_place_is_watched() {
    let looks = pausing_unarmed();
    check([
        ("still empty", looks.clone(), Answer("exists", Reply::Missing), &[], Pausing),
        ("something came", looks.clone(), Answer("exists", others(50)), &["read"], Pausing),
        ("unknown", looks.clone(), Unknown("exists"), &["read"], Pausing),
        ("refused", looks, Answer("exists", OTHER_ERROR), &["report Refused"], Pausing),
    ]);
}

fn pausing_unarmed() -> Bench {
    deleted().after([Answer("delete", Reply::Done)])
}

#[test]
fn the_look_before_the_delete() {
    check([
        ("still ours", confirming(), Answer("confirm", own(TOKEN)), &["delete"], Pausing),
        ("gone", confirming(), Answer("confirm", Reply::Missing), &["master none"], Pausing),
        // Not the one that is released: it is looked at anew.
        ("another's", confirming(), Answer("confirm", others(50)), &["read", "master b:1/50"], Pausing),
        ("ours, but another", confirming(), Answer("confirm", own(50)), &["read", "master a:1/50"], Pausing),
        (
            "not to be read",
            confirming(),
            Answer("confirm", refused(Refusal::NoAuth)),
            &["report Denied"],
            Pausing,
        ),
        ("unknown", confirming(), Unknown("confirm"), &["read"], Pausing),
    ]);
}

#[test]
fn the_delete() {
    check([
        ("done", deleted(), Answer("delete", Reply::Done), &["exists", "master none"], Pausing),
        ("gone already", deleted(), Answer("delete", Reply::Missing), &["exists", "master none"], Pausing),
        ("not allowed", deleting(), Answer("delete", refused(Refusal::NoAuth)), &["report Denied"], Pausing),
        (
            "tried again later",
            deleting().after([Answer("delete", refused(Refusal::NoAuth))]),
            Wait(5.0),
            &["read"],
            Denied,
        ),
        // It may have been done, and another may hold the lock since: never the delete alone.
        ("unknown", deleting(), Unknown("delete"), &["read"], Pausing),
        (
            "unknown, and looked at again",
            deleting().after([Unknown("delete")]),
            Answer("read", own(TOKEN)),
            &["confirm"],
            Pausing,
        ),
    ]);
}

#[test]
fn a_stale_answer_changes_nothing() {
    let read = reading().last("read");
    let stale = |reply| Raw(Input::Answered(read, reply));
    check([
        ("the first read, again", standby(), stale(Reply::Missing), &[], Standby),
        ("while creating", creating(), stale(others(OTHER)), &[], Competing),
        ("while master", master(), stale(Reply::Missing), &[], Master),
        ("while deleting", deleting(), stale(Reply::Done), &[], Pausing),
        ("to no request", reading(), Raw(Input::Answered(OpId(999), Reply::Missing)), &[], Competing),
    ]);
}
