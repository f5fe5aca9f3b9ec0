//! `SessionInput::WallClockGained`: a machine that was stopped from outside has not noticed it.

use crate::bench::{Given::*, *};

#[test]
fn a_wall_clock_that_leaps_ahead_ends_the_lease() {
    check([
        // T/50, as much as the lease gives away for clocks.
        ("as much as is allowed for", connected(), Gained(0.2), &[], Some((1.0, KeepAlive))),
        ("more", connected(), Gained(0.201), &["lost"], None),
        ("cut off", suspended(), Gained(30.0), &["lost"], None),
        ("while authenticating", greeting(), Gained(30.0), &["lost"], None),
        // There is no lease yet, or nobody has a use for it.
        ("not attached", seeking(), Gained(30.0), &[], None),
        ("without candidates", without_candidates(), Gained(30.0), &[], Some((1.0, KeepAlive))),
        ("and then with one", without_candidates().after([Gained(30.0)]), Candidates(1), &["lost"], None),
        ("after the end", lost(), Gained(30.0), &[], None),
    ]);
}
