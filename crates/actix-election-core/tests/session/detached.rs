//! `SessionInput::Detached`.

use crate::bench::{Given::*, *};

#[test]
fn detached_in_every_state() {
    check([
        ("connected", connected(), Detached, &["suspended until 9.80"], Some((15.0, PresumeLost))),
        ("never attached", seeking(), Detached, &[], None),
        ("while authenticating", greeting(), Detached, &[], Some((15.0, PresumeLost))),
        ("the first probe is not back", probing(), Detached, &[], Some((15.0, PresumeLost))),
        ("twice", suspended(), Detached, &[], Some((14.0, PresumeLost))),
        ("after the end", lost(), Detached, &[], None),
        // Nothing had come back on the connection that is gone now: nobody was told that it stood.
        (
            "an attach that came to nothing",
            suspended().after([Attached(0.0, 10.0), Ready]),
            Detached,
            &[],
            Some((14.0, PresumeLost)),
        ),
    ]);
}
