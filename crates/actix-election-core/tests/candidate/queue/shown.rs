//! What a candidate in a queue says of its place, and of who is master.

use super::*;

#[test]
fn its_place_is_told() {
    let place = |bench: Bench| bench.status().place;
    assert_eq!(place(joining()), None);
    assert_eq!(place(listing()), None);
    assert_eq!(place(leading()), Some(Place::Exactly(0)));
    assert_eq!(place(second()), Some(Place::Exactly(1)));
    assert_eq!(place(third()), Some(Place::AtMost(2)), "the head may have gone unseen");
    assert_eq!(place(second().after([cut()])), Some(Place::AtMost(1)));
    assert_eq!(place(third().after([cut()])), Some(Place::AtMost(2)), "as far as it was known last");
    assert_eq!(place(leaving().after([Answer("delete 5", Reply::Done)])), None);
}

/// Whoever stands further back watches only the one before it: of the head it knows what it once read.
#[test]
fn who_is_master_is_known_to_be_so_now_only_by_those_who_would_hear_of_a_change() {
    let is_current = |bench: Bench| bench.status().is_current;
    assert!(is_current(leading()));
    assert!(is_current(second()));
    assert!(!is_current(third()));
    assert!(!is_current(leading().after([cut()])));
    assert!(!is_current(second().after([cut()])));
    assert!(!is_current(joining()));
}
