//! Random numbers that can be had again.

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

/// A small generator of random numbers: the same seed, the same numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }
}
