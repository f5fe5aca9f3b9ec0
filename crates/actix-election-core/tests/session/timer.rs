//! `SessionInput::Timer`, for every `SessionTimer`.

use crate::bench::{Given::*, *};

#[test]
fn a_timer_that_is_not_due_does_nothing() {
    check([
        ("not attached", seeking(), Wait(100.0), &[], None),
        ("while authenticating", greeting(), Wait(1.9), &[], Some((0.1, Silence))),
        ("connected", connected(), Wait(0.9), &[], Some((0.1, KeepAlive))),
        ("cut off", suspended(), Wait(13.9), &[], Some((0.1, PresumeLost))),
        ("after the end", lost(), Wait(100.0), &[], None),
    ]);
}

#[test]
fn a_server_that_is_silent_is_left_once() {
    check([
        (
            "connected",
            connected().after([Wait(1.0)]),
            Wait(1.0),
            &["leave", "suspended until 9.80"],
            Some((13.0, PresumeLost)),
        ),
        ("while authenticating", greeting(), Wait(2.0), &["leave"], Some((13.0, PresumeLost))),
        // The driver takes its time to drop the connection: it is not told again and again.
        ("not again", greeting().after([Wait(2.0)]), Wait(1.0), &[], Some((12.0, PresumeLost))),
        ("nor told of it twice", connected().after([Wait(2.0)]), Detached, &[], Some((13.0, PresumeLost))),
        (
            "what still arrives is of no use",
            connected().after([Wait(2.0)]),
            Probe(1.0),
            &[],
            Some((13.0, PresumeLost)),
        ),
    ]);
}

#[test]
fn whoever_slept_does_not_blame_the_server() {
    check([
        // What the server sent may lie unread in the socket: it has another T/10.
        ("late for the silence", connected(), Wait(2.6), &["probe"], Some((1.0, KeepAlive))),
        (
            "and then it is left",
            connected().after([Wait(2.6)]),
            Wait(1.0),
            &["leave", "suspended until 9.80"],
            Some((11.4, PresumeLost)),
        ),
        (
            "it had answered",
            connected().after([Wait(2.6), Received]),
            Wait(1.0),
            &["probe"],
            Some((1.0, KeepAlive)),
        ),
    ]);
}

#[test]
fn a_session_that_is_not_heard_of_is_presumed_lost() {
    check([
        ("T/2 after a whole T", suspended(), Wait(14.0), &["lost"], None),
        ("never proven: T/2 after a whole T", greeting().after([Detached]), Wait(15.0), &["lost"], None),
        ("far too late", connected(), Wait(1000.0), &["lost"], None),
        // An attach alone proves nothing.
        (
            "attached again",
            suspended().after([Pass(9.0), Attached(0.0, 10.0), Detached]),
            Wait(5.0),
            &["lost"],
            None,
        ),
        // But one that is under way has its chance.
        (
            "attached at the last moment",
            suspended().after([Pass(13.5), Attached(0.0, 10.0), Ready]),
            Wait(1.9),
            &["probe"],
            Some((0.1, Silence)),
        ),
        (
            "attached at the last moment, and proven",
            suspended().after([Pass(13.5), Attached(0.0, 10.0), Ready, Wait(1.9)]),
            Probe(1.9),
            &["lease until 24.30", "connected"],
            Some((0.1, Silence)),
        ),
        (
            "attached at the last moment, to no avail",
            suspended().after([Pass(13.5), Attached(0.0, 10.0), Ready, Wait(1.9)]),
            Wait(0.1),
            &["lost"],
            None,
        ),
    ]);
}

/// Round trips of more than T/5: each attach is answered and keeps the session alive at the ensemble, and with it the
/// lock, but no probe comes back before the server passes for silent. The lock has to come free.
#[test]
fn a_session_that_is_attached_again_and_again_to_no_avail_is_given_up() {
    let mut bench = suspended();
    let mut passed = 1.0;
    loop {
        bench.give(Pass(2.1));
        let said = bench.clone().after([Attached(2.1, 10.0), Ready]).give(Wait(2.0));
        bench = bench.after([Attached(2.1, 10.0), Ready, Wait(2.0)]);
        passed += 4.1;
        if said == ["lost"] {
            break;
        }
        assert_eq!(said, ["leave"]);
        assert!(passed < 10.0 + 5.0 + 2.1, "still attached at second {passed}");
    }
    assert!(passed >= 10.0 + 5.0, "given up at second {passed} already");
}
