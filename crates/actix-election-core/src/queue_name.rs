//! The names of the znodes that stand in a queue: those that Curator's `LeaderLatch` makes and understands.
//!
//! ```text
//! _c_0f8fad5b-d9cb-469f-a165-70867728950e-latch-0000000042
//!    └── who made it                        └── its place, counted by ZooKeeper
//! ```
//!
//! The identity lets whoever made a znode find it again if the reply to its creation was lost. Curator orders by what
//! follows the last `latch-`, which has ten digits, so that the order of the texts is that of the numbers.

use std::fmt;

/// What Curator puts before the sequence number.
const LATCH: &str = "latch-";
const DIGITS: usize = 10;
/// Where ZooKeeper's count ends.
const LAST: u64 = 2_147_483_647;

/// Who stands in a queue: a random number, shown as a UUID. No two candidates may have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueId(u128);

impl QueueId {
    /// The identity `number`, which should be random: 122 bits of it are kept, as a UUID of version 4 has them.
    pub const fn from_random(number: u128) -> Self {
        let version = number & !(0xf << 76) | 4 << 76;
        QueueId(version & !(0b11 << 62) | 0b10 << 62)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a new znode of this candidate, up to the number that ZooKeeper adds.
pub(crate) fn prefix(id: QueueId) -> String {
    format!("_c_{id}-{LATCH}")
}

/// The place that a znode of this name has; `None` if it is none of a queue's.
///
/// ZooKeeper's count ends at 2^31 - 1. From 3.6 on it gives that number again and again, and before that it turns negative:
/// the order of the names would no longer be that of the creations, so neither has a place.
pub(crate) fn place(name: &str) -> Option<u64> {
    let digits = &name[name.rfind(LATCH)? + LATCH.len()..];
    let number = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    number.then(|| digits.parse().ok())?.filter(|place| *place < LAST)
}

/// The znodes among these children of an election path that stand in the queue, in their order.
///
/// ```
/// let names = ["_c_b-latch-0000000010", "config", "_c_a-latch-0000000009"].map(String::from);
/// assert_eq!(actix_election_core::queue_order(&names), ["_c_a-latch-0000000009", "_c_b-latch-0000000010"]);
/// ```
pub fn queue_order(children: &[String]) -> Vec<&str> {
    let mut places: Vec<(u64, &str)> =
        children.iter().filter_map(|name| Some((place(name)?, name.as_str()))).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_uuids_of_version_4() {
        assert_eq!(QueueId::from_random(0).to_string(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(QueueId::from_random(u128::MAX).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let name = format!("{}{:010}", prefix(QueueId::from_random(7)), 42);
        assert_eq!(name, "_c_00000000-0000-4000-8000-000000000007-latch-0000000042");
    }

    #[test]
    fn only_names_with_a_number_have_a_place() {
        assert_eq!(place("latch-0000000003"), Some(3));
        assert_eq!(place("_c_x-latch-latch-2147483646"), Some(2_147_483_646));
        for other in [
            "",
            "latch-",
            "latch-3",
            "latch--2147483648",
            "latch-2147483647",
            "latch-00000000031",
            "lock-0000000003",
            "latch-000000000x",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
