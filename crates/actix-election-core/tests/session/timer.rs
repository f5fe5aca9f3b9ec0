//! `SessionInput::Timer`, for every `SessionTimer`.

use crate::bench::{Given::*, *};

#[test]
fn a_timer_that_is_not_due_does_nothing() {
    check([
        ("not attached", seeking(), Wait(100.0), &[], None),
        ("while authenticating", greeting(), Wait(1.9), &[], Some((0.1, Silence))),
        ("connected", connected(), Wait(0.9), &[], Some((0.1, KeepAlive))),
        ("cut off", suspended(), Wait(8.7), &[], Some((0.1, Lost))),
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
            Some((7.8, Lost)),
        ),
        ("while authenticating", greeting(), Wait(2.0), &["leave"], Some((7.8, Lost))),
        // The driver takes its time to drop the connection: it is not told again and again.
        ("not again", greeting().after([Wait(2.0)]), Wait(1.0), &[], Some((6.8, Lost))),
        ("nor told of it twice", connected().after([Wait(2.0)]), Detached, &[], Some((7.8, Lost))),
        (
            "what still arrives is of no use",
            connected().after([Wait(2.0)]),
            Probe(1.0),
            &[],
            Some((7.8, Lost)),
        ),
    ]);
}

#[test]
fn whoever_slept_does_not_blame_the_server() {
    check([
        // What the server sent may lie unread in the socket: it has another T/10.
        ("late for the silence", connected(), Wait(2.6), &["probe"], Some((1.0, KeepAlive))),
        // From T/20 on it is we who slept.
        ("late by just so much", connected(), Wait(2.5), &["probe"], Some((1.0, KeepAlive))),
        ("late by less", connected(), Wait(2.49), &["leave", "suspended until 9.80"], Some((7.31, Lost))),
        (
            "and then it is left",
            connected().after([Wait(2.6)]),
            Wait(1.0),
            &["leave", "suspended until 9.80"],
            Some((6.2, Lost)),
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
fn a_session_ends_with_its_lease() {
    check([
        ("cut off", suspended(), Wait(8.8), &["lost"], None),
        ("never proven", greeting().after([Detached]), Wait(9.8), &["lost"], None),
        ("far too late", connected(), Wait(1000.0), &["lost"], None),
        // An attach alone proves nothing, and it is too late for a proof.
        (
            "attached again",
            suspended().after([Pass(8.7), Attached(0.0, 10.0), Ready]),
            Wait(0.1),
            &["lost"],
            None,
        ),
        (
            "attached again, and proven too late",
            suspended().after([Pass(8.7), Attached(0.0, 10.0), Ready, Pass(0.1)]),
            Probe(0.1),
            &["lost"],
            None,
        ),
        (
            "attached again, and proven at the last moment",
            suspended().after([Pass(8.7), Attached(0.0, 10.0), Ready, Pass(0.09)]),
            Probe(0.09),
            &["lease until 19.50", "connected"],
            Some((0.91, KeepAlive)),
        ),
        ("without candidates: T after it was heard of", without_candidates(), Wait(10.0), &["lost"], None),
    ]);
}

/// Round trips of more than T/5: each attach is answered and keeps the session alive at the ensemble, and with it the
/// lock, but no probe comes back before the server passes for silent. The lock has to come free.
#[test]
fn a_session_that_is_attached_again_and_again_to_no_avail_is_given_up() {
    let mut bench = suspended();
    let mut passed = 1.0;
    loop {
        let said: Vec<String> = [Pass(2.1), Attached(2.1, 10.0), Ready, Wait(2.0)]
            .into_iter()
            .flat_map(|given| bench.give(given))
            .collect();
        passed += 4.1;
        if said.last().is_some_and(|last| last == "lost") {
            break;
        }
        assert_eq!(said, ["probe", "leave"]);
        assert!(passed < 9.8, "still attached at second {passed}");
    }
    assert!(passed >= 9.8 - 4.1, "given up at second {passed} already");
}
