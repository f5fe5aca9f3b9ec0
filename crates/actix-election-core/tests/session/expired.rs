//! `SessionInput::Expired`.

use crate::bench::{Given::*, *};

#[test]
fn expired_in_every_state() {
    check([
        ("connected", connected(), Expired, &["lost"], None),
        ("cut off", suspended(), Expired, &["lost"], None),
        ("while authenticating", greeting(), Expired, &["lost"], None),
        ("before the first server", seeking(), Expired, &["lost"], None),
        ("twice", lost(), Expired, &[], None),
    ]);
}
