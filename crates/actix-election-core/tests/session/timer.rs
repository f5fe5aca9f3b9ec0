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
        // An attach is a sign of life, for which the leader was asked.
        (
            "attached again",
            suspended().after([Pass(9.0), Attached(0.0, 10.0), Detached]),
            Wait(14.9),
            &[],
            Some((0.1, PresumeLost)),
        ),
    ]);
}
