//! `Input::RoleAcknowledged`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

fn acknowledges(role: RoleId, message: u64) -> Given {
    Raw(Input::RoleAcknowledged(role, MessageId(message)))
}

#[test]
fn acknowledgements() {
    check([
        ("standby", outranked(), Ack(ROLE), &[], Standby),
        ("BecameMaster is not waited for", master(), Ack(ROLE), &[], Master),
        ("the last one wanted", stepping_down(), Ack(ROLE), &["lease over", "confirm"], Pausing),
        // A message of before does not count for the present one.
        ("an earlier message", promoted().after([resign()]), acknowledges(ROLE, 1), &[], SteppingDown),
        ("a message that never was", stepping_down(), acknowledges(ROLE, 99), &[], SteppingDown),
        ("another role's", stepping_down(), acknowledges(SECOND, 2), &[], SteppingDown),
        ("again", pausing(), Ack(ROLE), &[], Pausing),
        ("overdue, and the pause has not passed", overdue_early(), Ack(ROLE), &[], Pausing),
        ("overdue", overdue().after([Wait(1.0)]), Ack(ROLE), &["create"], Competing),
    ]);
}

fn overdue_early() -> Bench {
    assert_eq!(overdue().status().problem.unwrap().kind, ProblemKind::StepDownOverdue);
    overdue()
}

#[test]
fn a_trouble_over_an_acknowledgement_ends_with_it() {
    assert_eq!(overdue().after([Ack(ROLE)]).status().problem, None);
}

#[test]
fn it_has_stepped_down_once_its_term_is_over_and_every_role_knows() {
    assert!(idle().has_stepped_down() && standby().has_stepped_down() && pausing().has_stepped_down());
    assert!(!master().has_stepped_down() && !stepping_down().has_stepped_down(), "the term runs");
    assert!(!outranked().has_stepped_down() && !overdue().has_stepped_down(), "a role has yet to say so");
}

#[test]
fn the_next_term_waits_for_the_acknowledgement_of_the_last() {
    let gone = outranked().after([Watch("read", WatchEvent::Deleted)]);
    check([
        (
            "the lock is free",
            outranked(),
            Watch("read", WatchEvent::Deleted),
            &["exists", "master none"],
            WaitingForAcknowledgement,
        ),
        ("not yet", gone.clone(), Answer("exists", Reply::Missing), &[], WaitingForAcknowledgement),
        ("now", gone.after([Answer("exists", Reply::Missing)]), Ack(ROLE), &["create"], Competing),
    ]);
}
