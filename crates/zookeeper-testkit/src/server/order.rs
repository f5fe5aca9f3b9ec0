//! The order in which names are told: none that a client could rely on.
//!
//! ZooKeeper tells the names of children as its hash sets hold them. A recipe that forgets to sort them works with a server
//! that sorts, and elects the wrong one in production.

use crate::random::Random;

/// Puts `names`, each of which is there once, into an order that follows from `seed` and the names alone. It is never the
/// sorted one, unless there is no other.
pub(super) fn scatter(seed: u64, names: &mut [String]) {
    names.sort_by_cached_key(|name| hash(seed, name));
    if names.len() > 1 && names.is_sorted() {
        names.rotate_left(1);
    }
}

/// FNV-1a, mixed once more with the seed: names that differ in their last digit only are far apart.
fn hash(seed: u64, name: &str) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    Random(seed ^ name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fold)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(seed: u64, count: usize) -> Vec<String> {
        let mut names: Vec<_> = (0..count).map(|number| format!("n-{number:010}")).collect();
        scatter(seed, &mut names);
        names
    }

    #[test]
    fn the_order_is_never_the_sorted_one() {
        for count in 2..8 {
            for seed in 0..200 {
                let mut names = scattered(seed, count);
                assert!(!names.is_sorted(), "seed {seed}: {names:?}");
                assert_eq!(names, scattered(seed, count), "the same seed, the same order");
                names.sort();
                assert_eq!(names, (0..count).map(|number| format!("n-{number:010}")).collect::<Vec<_>>());
            }
        }
        assert_eq!((scattered(1, 0), scattered(1, 1)), (vec![], vec!["n-0000000000".to_owned()]));
    }

    #[test]
    fn another_seed_is_another_order() {
        let orders: std::collections::BTreeSet<_> = (0..100).map(|seed| scattered(seed, 20)).collect();
        assert_eq!(orders.len(), 100);
    }
}
