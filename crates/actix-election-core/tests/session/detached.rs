//! `SessionInput::Detached`.

use crate::bench::{Given::*, *};

#[test]
fn detached_in_every_state() {
    check([
        ("connected", connected(), Detached, &["suspended until 9.80"], Some((9.8, Lost))),
        ("never attached", seeking(), Detached, &[], None),
        ("while authenticating", greeting(), Detached, &[], Some((9.8, Lost))),
        ("the first probe is not back", probing(), Detached, &[], Some((9.8, Lost))),
        ("twice", suspended(), Detached, &[], Some((8.8, Lost))),
        ("after the end", lost(), Detached, &[], None),
        // Nothing had come back on the connection that is gone now: nobody was told that it stood.
        (
            "an attach that came to nothing",
            suspended().after([Attached(0.0, 10.0), Ready]),
            Detached,
            &[],
            Some((8.8, Lost)),
        ),
    ]);
}
