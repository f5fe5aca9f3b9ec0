//! `SessionInput::Attached`.

use crate::bench::{Given::*, *};

#[test]
fn attached_in_every_state() {
    check([
        ("for the first time", seeking(), Attached(0.5, 10.0), &[], Some((2.0, Silence))),
        ("without candidates", Bench::new(), Attached(0.5, 10.0), &[], Some((2.0, Silence))),
        ("after a cut", suspended(), Attached(0.0, 10.0), &[], Some((2.0, Silence))),
        // Nobody said that the last connection is gone.
        ("in place of another", connected(), Attached(0.0, 10.0), &[], Some((2.0, Silence))),
        ("after the end", lost(), Attached(0.0, 10.0), &[], None),
    ]);
}

#[test]
fn a_shorter_timeout_ends_the_lease_earlier_at_once() {
    check([
        // The server brought the expiry forward as it attached, whether a probe comes back or not.
        ("4 s", suspended(), Attached(0.5, 4.0), &["lease until 4.42"], Some((0.8, Silence))),
        ("a longer one", suspended(), Attached(0.5, 20.0), &[], Some((4.0, Silence))),
        // Once a probe is back, the attach counts with the longer timeout.
        (
            "a longer one, proven",
            suspended().after([Attached(0.0, 20.0), Ready]),
            Probe(0.0),
            &["lease until 20.60", "connected"],
            Some((2.0, KeepAlive)),
        ),
        (
            "4 s, proven",
            suspended().after([Attached(0.5, 4.0), Ready]),
            Probe(0.0),
            &["connected"],
            Some((0.4, KeepAlive)),
        ),
    ]);
}
