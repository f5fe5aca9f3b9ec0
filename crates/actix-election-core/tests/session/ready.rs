//! `SessionInput::Ready`.

use crate::bench::{Given::*, *};

#[test]
fn ready_in_every_state() {
    check([
        ("authenticated", greeting(), Ready, &["probe"], Some((1.0, KeepAlive))),
        // Also without candidates: nothing else shows that the quorum is there.
        (
            "without candidates",
            Bench::new().after([Attached(0.0, 10.0)]),
            Ready,
            &["probe"],
            Some((1.0, KeepAlive)),
        ),
        ("twice", probing(), Ready, &[], Some((1.0, KeepAlive))),
        ("not attached", seeking(), Ready, &[], None),
        ("cut off", suspended(), Ready, &[], Some((8.8, Lost))),
        ("after the end", lost(), Ready, &[], None),
        // Silence counts from the attach, however long authentication took.
        ("late", greeting().after([Pass(1.5)]), Ready, &["probe"], Some((0.5, Silence))),
    ]);
}
