//! `Input::RoleFailed`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn the_only_role_dies_in_every_state() {
    check([
        ("before it competes", idle().after([joins(ROLE)]), dies(ROLE), &[], Following),
        ("connecting", connecting(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("reading", reading(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("creating", creating(), dies(ROLE), &["report NoRole"], WaitingForRole),
        (
            "and what is created goes",
            creating().after([dies(ROLE)]),
            created(TOKEN),
            &["confirm", "master a:1/42"],
            WaitingForRole,
        ),
        ("outranked", outranked(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("standby", standby(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("winning", winning_armed(), dies(ROLE), &["confirm", "report NoRole"], WaitingForRole),
        // Nobody is left to be told.
        ("master", master(), dies(ROLE), &["lease over", "confirm", "report NoRole"], WaitingForRole),
        ("master and cut off", suspended(), dies(ROLE), &["lease over", "report NoRole"], WaitingForRole),
        (
            "stepping down",
            stepping_down(),
            dies(ROLE),
            &["lease over", "confirm", "report NoRole"],
            WaitingForRole,
        ),
        (
            "after the notice",
            noticed(),
            dies(ROLE),
            &["lease over", "confirm", "report NoRole"],
            WaitingForRole,
        ),
        ("while releasing", confirming(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("while it stays out", pausing(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("overdue", overdue(), dies(ROLE), &["report NoRole"], WaitingForRole),
        ("withdrawing", withdrawing(), dies(ROLE), &["lease over", "confirm"], SteppingDown),
        ("a role that is not there", master(), dies(SECOND), &[], Master),
    ]);
}

#[test]
fn that_no_role_is_left_is_a_trouble_until_one_joins() {
    let bereft = standby().after([dies(ROLE)]);
    assert_eq!(bereft.status().problem.map(|problem| problem.kind), Some(ProblemKind::NoRole));
    assert_eq!(bereft.clone().after([joins(SECOND)]).status().problem, None);
    assert_eq!(bereft.clone().after([withdraw()]).status().problem, None, "nobody competes");
    assert_eq!(standby().after([joins(SECOND), dies(ROLE)]).status().problem, None, "one is left");
    assert_eq!(without_role().status().problem, None, "none has died");
    let mourned = idle().after([joins(ROLE), dies(ROLE)]);
    check([
        ("a minute later", bereft.clone(), Wait(60.0), &["report NoRole"], WaitingForRole),
        ("another joins in time", bereft.after([joins(SECOND), Ack(SECOND)]), Wait(60.0), &[], Standby),
        ("it begins to compete", mourned, campaign(), &["report NoRole"], WaitingForRole),
    ]);
}

#[test]
fn the_death_of_one_role_resigns_for_all() {
    let two = master().after([joins(SECOND)]);
    let untold = master().after([Wait(0.98 * T - 0.2 * T), joins(SECOND)]);
    check([
        ("the first", two.clone(), dies(ROLE), &["2: role_failed"], SteppingDown),
        ("the second", two.clone(), dies(SECOND), &["1: role_failed"], SteppingDown),
        (
            "the others have time to step down",
            two.after([dies(ROLE)]),
            Ack(SECOND),
            &["lease over", "confirm"],
            Pausing,
        ),
        ("one that was not told yet", untold, dies(SECOND), &["1: role_failed"], SteppingDown),
    ]);
}

#[test]
fn after_a_failure_it_stays_out_for_longer() {
    let failed = master().after([
        dies(ROLE),
        Answer("confirm", own(TOKEN)),
        Watch("read", WatchEvent::Deleted),
        Answer("delete", Reply::Done),
    ]);
    let renewed = failed.after([Answer("exists", Reply::Missing), joins(SECOND), Ack(SECOND)]);
    check([
        ("4.9 s", renewed.clone(), Wait(4.9), &[], Pausing),
        ("5 s", renewed, Wait(5.0), &["create"], Competing),
    ]);
}

#[test]
fn a_failure_while_it_steps_down_lengthens_the_pause() {
    let two = master().after([joins(SECOND), resign(), dies(SECOND), Ack(ROLE)]);
    check([("1 s", two.clone(), Wait(1.0), &[], Pausing), ("5 s", two, Wait(5.0), &[], Competing)]);
}
