//! `SessionInput::Candidates`.

use crate::bench::{Given::*, *};

#[test]
fn candidates_in_every_state() {
    check([
        ("none before", without_candidates(), Candidates(1), &["probe"], Some((1.0, KeepAlive))),
        ("none, and none before", without_candidates(), Candidates(0), &[], Some((1.0, KeepAlive))),
        ("more of them", connected(), Candidates(2), &[], Some((1.0, KeepAlive))),
        ("no more", connected(), Candidates(0), &[], Some((1.0, KeepAlive))),
        ("cut off", without_candidates().after([Detached]), Candidates(1), &[], Some((9.8, Lost))),
        ("not attached", Bench::new(), Candidates(1), &[], None),
        (
            "while authenticating",
            Bench::new().after([Attached(0.0, 10.0)]),
            Candidates(1),
            &[],
            Some((2.0, Silence)),
        ),
        ("after the end", lost(), Candidates(0), &[], None),
    ]);
}

/// Without candidates the lease is not kept up, and once it has ended the session never has one again.
#[test]
fn the_first_candidate_needs_a_session_whose_lease_lasts_until_it_can_be_proven() {
    let idle = |seconds| without_candidates().after([Wait(1.0), Received, Pass(seconds), Received]);
    check([
        ("T/2 is left", idle(3.8), Candidates(1), &["probe"], Some((1.0, KeepAlive))),
        ("less", idle(3.81), Candidates(1), &["lost"], None),
        ("nothing", idle(9.5), Candidates(1), &["lost"], None),
        (
            "to another, it is kept up",
            connected().after([Pass(9.0)]),
            Candidates(2),
            &[],
            Some((-8.0, KeepAlive)),
        ),
    ]);
}

#[test]
fn pings_do_where_nobody_competes() {
    check([
        ("nobody", without_candidates(), Wait(1.0), &["ping"], Some((1.0, KeepAlive))),
        ("somebody", connected(), Wait(1.0), &["probe"], Some((1.0, KeepAlive))),
        // Not yet: whether there is a quorum at all is not known.
        (
            "nothing is proven",
            probing().after([Candidates(0)]),
            Wait(1.0),
            &["probe"],
            Some((1.0, KeepAlive)),
        ),
    ]);
}
