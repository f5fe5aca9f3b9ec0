//! `SessionInput::Received`.

use crate::bench::{Given::*, *};

#[test]
fn received_in_every_state() {
    check([
        ("while authenticating", greeting().after([Pass(1.5)]), Received, &[], Some((2.0, Silence))),
        ("connected", connected().after([Wait(1.0), Pass(0.5)]), Received, &[], Some((0.5, KeepAlive))),
        ("not attached", seeking(), Received, &[], None),
        ("cut off", suspended(), Received, &[], Some((8.8, Lost))),
        ("after the end", lost(), Received, &[], None),
    ]);
}

#[test]
fn bytes_are_a_sign_of_life_only_where_there_is_no_lease() {
    let heard = [Pass(5.0), Received, Detached];
    check([
        // The last word on a session without candidates: T after it was heard of.
        ("without candidates", without_candidates().after(heard), Pass(0.0), &[], Some((10.0, Lost))),
        // Pings are answered by a follower that has lost its leader; the lease is what counts.
        ("with candidates", connected().after(heard), Pass(0.0), &[], Some((4.8, Lost))),
    ]);
}
