//! `Input::Campaign`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn campaign_in_every_state() {
    check([
        ("nothing there yet", idle(), campaign(), &[], WaitingForRole),
        ("a role waits", idle().after([joins(ROLE)]), campaign(), &[], Connecting),
        // What an onlooker knows is not enough to compete by.
        ("another is known to be master", observing(), campaign(), &["read"], Competing),
        ("the lock is known to be free", observing_nobody(), campaign(), &["read"], Competing),
        ("again, while reading", reading(), campaign(), &[], Competing),
        ("again, while creating", creating(), campaign(), &[], Competing),
        ("again, while standby", standby(), campaign(), &[], Standby),
        ("again, while winning", winning(), campaign(), &[], Winning),
        ("again, while master", master(), campaign(), &[], Master),
        ("again, while stepping down", stepping_down(), campaign(), &[], SteppingDown),
        ("again, while it stays out", pausing(), campaign(), &[], Pausing),
        ("again, while denied", denied(), campaign(), &[], Denied),
        ("again, while the path is taken", path_taken(), campaign(), &[], PathTaken),
    ]);
}

fn observing_nobody() -> Bench {
    let there = idle().after([joins(ROLE), Lease(0.98 * T), connects(OURS), Answer("read", Reply::Missing)]);
    there.after([Answer("exists", Reply::Missing)])
}

#[test]
fn a_change_of_mind_after_withdraw() {
    check([
        // The term is over all the same, but nothing has to be left any more.
        ("while stepping down", withdrawing(), campaign(), &[], SteppingDown),
        (
            "which then goes on to compete",
            withdrawing().after([campaign(), Ack(ROLE), Answer("confirm", own(TOKEN))]),
            Answer("delete", Reply::Done),
            &["create", "master none"],
            Competing,
        ),
        // The create of before is as good as any.
        (
            "during a create",
            creating().after([withdraw(), campaign()]),
            created(TOKEN),
            &["lease 42", "1: master 42", "read", "exists request", "master a:1/42"],
            Master,
        ),
    ]);
}

#[test]
fn the_wait_for_the_first_word_begins_with_the_campaign() {
    let late = idle().after([joins(ROLE), Wait(100.0), campaign()]);
    let (after, timer) = late.timer().unwrap();
    assert_eq!(timer, Timer::FirstWord);
    assert!((after - T / 3.0).abs() < 1e-6, "{after}");
    check([("T/3 later", late, Wait(T / 3.0 + 0.001), &["1: connecting"], WaitingForAcknowledgement)]);
}
