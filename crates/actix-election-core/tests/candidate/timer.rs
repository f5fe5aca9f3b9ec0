//! `Input::Timer`, for every `Timer`, in time and far too late.

use actix_election_core::CandidateState::*;
use actix_election_core::*;

use crate::bench::{Given::*, *};
use crate::states::*;
use crate::table::check;

fn assert_timer(bench: &Bench, seconds: f64, expected: Timer) {
    let (after, timer) = bench.timer().unwrap();
    assert_eq!(timer, expected);
    assert!((after - seconds).abs() < 1e-6, "{timer:?} after {after} s instead of {seconds} s");
}

#[test]
fn each_timer_is_set_for_its_time() {
    assert_timer(&master(), 0.98 * T - T / 8.0, Timer::Notice);
    assert_timer(&stepping_down(), 3.0, Timer::StepDown);
    assert_timer(&noticed(), T / 8.0, Timer::StepDown);
    assert_timer(&outranked(), 3.0, Timer::StepDown);
    assert_timer(&winning(), T / 20.0, Timer::LeaseShort);
    assert_timer(&connecting(), T / 3.0, Timer::FirstWord);
    assert_timer(&pausing(), 1.0, Timer::Pause);
    assert_timer(&denied(), 5.0, Timer::Retry);
    assert_timer(&path_taken(), 60.0, Timer::Report);
    for quiet in [idle(), without_role(), standby(), standby().after([cut()])] {
        assert_eq!(quiet.timer(), None, "{:?}", quiet.state());
    }
}

#[test]
fn a_timer_that_is_not_due_does_nothing() {
    check([
        ("master", master(), Wait(1.0), &[], Master),
        ("stepping down", stepping_down(), Wait(1.0), &[], SteppingDown),
        ("winning", winning(), Wait(T / 20.0), &[], Winning),
        ("connecting", connecting(), Wait(1.0), &[], Connecting),
        ("denied", denied(), Wait(1.0), &[], Denied),
        ("standby", standby(), Wait(1000.0), &[], Standby),
        ("idle", idle(), Wait(1000.0), &[], Following),
    ]);
}

#[test]
fn the_notice() {
    check([
        ("just before", master(), Wait(0.98 * T - T / 8.0 - 0.001), &[], Master),
        ("in time", master(), Wait(0.98 * T - T / 8.0), &["capped +1.25", "1: lease_ending"], SteppingDown),
        (
            "cut off",
            suspended(),
            Wait(0.98 * T - T / 8.0),
            &["capped +1.25", "1: lease_ending"],
            SteppingDown,
        ),
        ("acknowledged", noticed(), Ack(ROLE), &["lease over", "confirm"], Competing),
        // Whether they are through or not, the lease ends before the lock is released.
        ("not acknowledged", noticed(), Wait(1.25), &["lease over", "confirm"], WaitingForAcknowledgement),
    ]);
}

#[test]
fn after_a_long_stop_the_end_comes_first() {
    let over: &[&str] = &["capped -90.20", "1: lease_ending", "lease over", "confirm"];
    check([
        ("master", master(), Wait(100.0), over, WaitingForAcknowledgement),
        (
            "after the notice",
            noticed(),
            Wait(100.0),
            &["lease over", "confirm", "report StepDownOverdue"],
            WaitingForAcknowledgement,
        ),
        (
            "stepping down",
            stepping_down(),
            Wait(100.0),
            &["lease over", "confirm", "report StepDownOverdue"],
            WaitingForAcknowledgement,
        ),
        ("releasing", confirming(), Wait(100.0), &[], Competing),
        // The lease that it won by has run out.
        ("winning", winning(), Wait(100.0), &[], Winning),
        (
            "creating",
            standby().after([Watch("read", WatchEvent::Deleted), Wait(100.0)]),
            created(TOKEN),
            &["read", "master a:1/42"],
            Winning,
        ),
    ]);
}

/// Whoever cannot lead makes room for those who can.
#[test]
fn a_lease_that_never_suffices() {
    let looks = |count| std::iter::repeat_n(Wait(T / 20.0), count);
    let nearly = || winning_armed().after(looks(39));
    let out = || nearly().after([Wait(T / 20.0)]);
    check([
        ("for nearly 2 T", winning_armed().after(looks(38)), Wait(T / 20.0), &[], Winning),
        (
            "for 2 T",
            nearly(),
            Wait(T / 20.0),
            &["1: lease_ending", "confirm", "report TooSlow"],
            WaitingForAcknowledgement,
        ),
        ("just in time", nearly(), Lease(0.25 * T), &["lease 42", "1: master 42", "exists request"], Master),
        (
            "it competes again",
            out().after([
                Ack(ROLE),
                Answer("confirm", own(TOKEN)),
                Watch("read", WatchEvent::Deleted),
                Answer("delete", Reply::Done),
                Answer("exists", Reply::Missing),
            ]),
            Wait(5.0),
            &["create"],
            Competing,
        ),
        ("a stop of the process is not the ensemble's fault", winning_armed(), Wait(100.0), &[], Winning),
        (
            "a cut in between begins it anew",
            nearly().after([cut(), Ack(ROLE), connects(OURS), Answer("read", own(TOKEN))]),
            Wait(T / 20.0),
            &[],
            Winning,
        ),
    ]);
}

#[test]
fn what_is_overdue_comes_before_the_input_that_arrives_late() {
    let over = ["capped -90.20", "1: lease_ending", "lease over"];
    for late in [joins(SECOND), resign(), cut(), lost(), withdraw(), dies(ROLE)] {
        let words = master().give_late(100.0, late.clone());
        assert_eq!(words[..3], over, "{late:?}: {words:?}");
        assert!(!words.iter().any(|word| word.contains(": master")), "{late:?}: {words:?}");
    }
}

#[test]
fn the_first_word() {
    check([
        (
            "nothing is known",
            connecting(),
            Wait(T / 3.0 + 0.001),
            &["1: connecting"],
            WaitingForAcknowledgement,
        ),
        ("said once", connecting().after([Wait(4.0), Ack(ROLE)]), Wait(4.0), &[], Connecting),
        // It is about to be master: that is what it will hear first.
        ("winning", winning(), Wait(T / 3.0 + 0.001), &[], Winning),
        (
            "not winning any more",
            winning().after([Wait(4.0)]),
            cut(),
            &["1: connecting"],
            WaitingForAcknowledgement,
        ),
    ]);
}

#[test]
fn the_pause() {
    check([
        ("over", pausing(), Wait(1.0), &["create"], Competing),
        ("over, another is master", standby().after([resign()]), Wait(1.0), &[], Standby),
    ]);
}

#[test]
fn retries() {
    check([
        ("the create", denied(), Wait(5.0), &["create"], Denied),
        (
            "refused again",
            denied().after([Wait(5.0)]),
            Answer("create", refused(Refusal::NoAuth)),
            &[],
            Denied,
        ),
        (
            "allowed now",
            denied().after([Wait(5.0), Watch("exists", WatchEvent::Created)]),
            created(TOKEN),
            &["lease 42", "1: master 42", "read", "exists request", "master a:1/42"],
            Master,
        ),
        ("an unreadable lock", unreadable(), Wait(5.0), &["read"], Denied),
        (
            "readable now",
            unreadable().after([Wait(5.0)]),
            Answer("read", others(OTHER)),
            &["master b:1/40"],
            Standby,
        ),
        // No use for it any more: it must not be waited for either, which the bench checks after every input.
        ("withdrawn", denied().after([withdraw()]), Wait(5.0), &[], Following),
        ("the role died", denied().after([dies(ROLE)]), Wait(5.0), &[], WaitingForRole),
        (
            "a request is under way",
            denied().after([Watch("exists", WatchEvent::Created)]),
            Wait(5.0),
            &[],
            Denied,
        ),
    ]);
}

#[test]
fn a_trouble_that_lasts_is_reported_once_a_minute() {
    let reported = path_taken().after([Wait(60.0)]);
    check([
        ("59 s", path_taken(), Wait(59.0), &[], PathTaken),
        ("60 s", path_taken(), Wait(60.0), &["report PathTaken"], PathTaken),
        ("another 59 s", reported.clone(), Wait(59.0), &[], PathTaken),
        ("another 60 s", reported, Wait(60.0), &["report PathTaken"], PathTaken),
        ("overdue", overdue(), Wait(60.0), &["report StepDownOverdue"], WaitingForAcknowledgement),
    ]);
}

#[test]
fn time_never_goes_back() {
    let mut bench = standby().after([resign(), Wait(2.0)]);
    let words = bench.give_late(-100.0, Raw(Input::Timer));
    assert!(words.is_empty(), "{words:?}");
    assert_eq!(bench.state(), Standby);
}
