//! `SessionInput::Attached`.

use crate::bench::{Given::*, *};

#[test]
fn attached_in_every_state() {
    check([
        // The lease is that of the creation, though nobody can use it before a probe is back.
        ("created", seeking(), Attached(0.5, 10.0), &["lease until 9.30"], Some((2.0, Silence))),
        (
            "without candidates",
            Bench::new(),
            Attached(0.5, 10.0),
            &["lease until 9.30"],
            Some((2.0, Silence)),
        ),
        ("after a cut", suspended(), Attached(0.0, 10.0), &[], Some((2.0, Silence))),
        // Nobody said that the last connection is gone.
        ("in place of another", connected(), Attached(0.0, 10.0), &[], Some((2.0, Silence))),
        ("after the end", lost(), Attached(0.0, 10.0), &[], None),
    ]);
}

#[test]
fn an_attach_after_the_lease_comes_to_nothing() {
    check([
        ("late", suspended().after([Pass(8.8)]), Attached(1.0, 10.0), &["lost"], None),
        // Where nobody competes there is no lease to be kept up.
        (
            "without candidates",
            without_candidates().after([Pass(9.9)]),
            Attached(0.0, 10.0),
            &[],
            Some((0.1, Lost)),
        ),
    ]);
}

#[test]
fn the_smallest_timeout_that_was_granted_counts() {
    check([
        // The server brought the expiry forward as it attached, whether a probe comes back or not.
        ("4 s", suspended(), Attached(0.5, 4.0), &["lease until 4.42"], Some((0.8, Silence))),
        ("a longer one", suspended(), Attached(0.5, 20.0), &[], Some((2.0, Silence))),
        // A leader that makes its table anew goes by what was granted to the creation.
        (
            "a longer one, proven",
            suspended().after([Attached(0.0, 20.0), Ready]),
            Probe(0.0),
            &["lease until 10.80", "connected"],
            Some((1.0, KeepAlive)),
        ),
        (
            "4 s, proven",
            suspended().after([Attached(0.5, 4.0), Ready]),
            Probe(0.0),
            &["connected"],
            Some((0.4, KeepAlive)),
        ),
        (
            "4 s, and 10 s again",
            suspended().after([Attached(0.5, 4.0), Detached, Attached(0.0, 10.0), Ready]),
            Probe(0.0),
            &["lease until 4.92", "connected"],
            Some((0.4, KeepAlive)),
        ),
    ]);
}
