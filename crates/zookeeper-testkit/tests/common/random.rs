//! Seeds, and random numbers from them.

#[path = "../../src/random.rs"]
mod generator;

pub(crate) use generator::Random;

/// From `TESTKIT_SEED`, to replay a run; else another one each time.
pub(crate) fn seed() -> u64 {
    variable("TESTKIT_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}

/// From `TESTKIT_ROUNDS`, for longer runs.
pub(crate) fn rounds(default: u64) -> u64 {
    variable("TESTKIT_ROUNDS").unwrap_or(default)
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

impl Random {
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }
}
