//! `Input::Lease`.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

#[test]
fn a_lease_in_every_state() {
    check([
        ("not competing", idle(), Lease(9.0), &[], Following),
        ("connecting", connecting(), Lease(9.0), &[], Connecting),
        ("creating", creating(), Lease(9.0), &[], Competing),
        ("standby", standby(), Lease(9.0), &[], Standby),
        ("master", master(), Lease(9.0), &[], Master),
        ("stepping down", stepping_down(), Lease(9.0), &[], SteppingDown),
        // After the notice the term is over, even if the connection comes back.
        ("after the notice", noticed(), Lease(9.0), &[], SteppingDown),
        ("releasing", confirming(), Lease(9.0), &[], Pausing),
    ]);
}

#[test]
fn no_term_begins_with_less_than_a_quarter_of_t() {
    let begins: &[&str] = &["lease 42", "1: master 42", "exists request"];
    check([
        ("none", winning(), Lease(0.0), &[], Winning),
        ("a bit less", winning(), Lease(0.2499 * T), &[], Winning),
        ("just enough", winning(), Lease(0.25 * T), begins, Master),
        (
            "while the lock is read again",
            winning_armed().after([Watch("read", WatchEvent::Changed)]),
            Lease(9.0),
            &[],
            Competing,
        ),
    ]);
}

#[test]
fn the_notice_moves_with_the_lease() {
    for (lease, notice) in [(9.0, 9.0 - T / 8.0), (5.0, 5.0 - T / 8.0)] {
        let (after, timer) = master().after([Lease(lease)]).timer().unwrap();
        assert_eq!(timer, Timer::Notice);
        assert!((after - notice).abs() < 1e-6, "{after}");
    }
}

#[test]
fn a_lease_that_a_server_cut_short_is_gone_by_at_once() {
    check([
        ("within the notice", master(), Lease(1.0), &["capped +1.00", "1: lease_ending"], SteppingDown),
        (
            "over already",
            master(),
            Lease(0.0),
            &["capped +0.00", "1: lease_ending", "lease over", "confirm"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn each_term_after_a_notice_is_a_new_one() {
    let back = noticed().after([Lease(9.0), Ack(ROLE)]);
    check([
        (
            "the lock is released",
            noticed().after([Lease(9.0)]),
            Ack(ROLE),
            &["lease over", "confirm"],
            Competing,
        ),
        (
            "and another made",
            back.clone().after([Answer("confirm", own(TOKEN)), Watch("read", WatchEvent::Deleted)]),
            Answer("delete", Reply::Done),
            &["create", "master none"],
            Competing,
        ),
        (
            "which is led by",
            back.after([
                Answer("confirm", own(TOKEN)),
                Watch("read", WatchEvent::Deleted),
                Answer("delete", Reply::Done),
            ]),
            created(50),
            &["lease 50", "1: master 50", "read", "master a:1/50"],
            Master,
        ),
    ]);
}

#[test]
fn a_lease_is_needed_from_the_campaign_until_nothing_is_left() {
    let needed = |bench: Bench| bench.lease_needed;
    assert!(!needed(idle()) && !needed(observing()));
    assert!(needed(connecting()) && needed(standby()) && needed(master()) && needed(pausing()));
    assert!(needed(withdrawing()), "as long as the term runs");
    assert!(needed(creating().after([withdraw()])), "as long as a lock may come of it");
    assert!(needed(withdrawing().after([Ack(ROLE)])), "as long as the lock stands");
    assert!(!needed(standby().after([withdraw()])));
}
