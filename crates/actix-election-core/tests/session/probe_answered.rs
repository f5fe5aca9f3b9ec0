//! `SessionInput::ProbeAnswered`.

use crate::bench::{Given::*, *};

#[test]
fn probe_answered_in_every_state() {
    check([
        (
            "the first: the attach is proven",
            probing().after([Pass(0.4)]),
            Probe(0.4),
            &["connected"],
            Some((0.6, KeepAlive)),
        ),
        (
            "a second one proves nothing yet",
            connected().after([Pass(1.0)]),
            Probe(0.2),
            &[],
            Some((0.0, KeepAlive)),
        ),
        ("not attached", seeking(), Probe(0.0), &[], None),
        ("of the connection before", suspended(), Probe(0.5), &[], Some((8.8, Lost))),
        ("before it is authenticated", greeting(), Probe(0.0), &[], Some((2.0, Silence))),
        ("after the end", lost(), Probe(0.0), &[], None),
    ]);
}

#[test]
fn the_lease_moves_on_once_three_probes_prove_it() {
    // h is sent at second 1 and answered at 1.1. A proof needs i to be sent 2.7 s after that.
    let h = connected().after([Pass(1.1), Probe(0.1)]);
    let early = h.clone().after([Pass(2.79), Probe(0.1), Pass(0.1)]);
    let i = h.clone().after([Pass(2.8), Probe(0.1)]);
    let overlapping = i.clone().after([Pass(0.05)]);
    check([
        ("i alone", h.after([Pass(2.8)]), Probe(0.1), &[], Some((-2.9, KeepAlive))),
        ("i was sent too early", early, Probe(0.1), &[], Some((-2.99, KeepAlive))),
        ("j was sent before i was answered", overlapping, Probe(0.1), &[], Some((-2.95, KeepAlive))),
        ("h, i and j", i.after([Pass(0.1)]), Probe(0.1), &["lease until 10.80"], Some((-3.0, KeepAlive))),
    ]);
}

#[test]
fn a_short_interruption_ends_with_the_first_probe() {
    let back = suspended().after([Attached(0.0, 10.0), Ready]);
    check([("back", back, Probe(0.0), &["lease until 10.80", "connected"], Some((1.0, KeepAlive)))]);
}
