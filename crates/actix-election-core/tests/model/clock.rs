//! True time, and clocks that show something else.

use actix_election_core::Timestamp;

/// A moment of true time, in nanoseconds. Nobody in a world can read it but the judge.
pub(crate) type Moment = u64;

pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLI;

/// A clock of one machine: it starts anywhere and runs a little too fast or too slow, but never back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Clock {
    pub(crate) origin: u64,
    /// By how many millionths it is too fast.
    pub(crate) ppm: i64,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    pub(crate) fn read(self, now: Moment) -> u64 {
        let shown = i128::from(self.origin) + i128::from(now) * (MILLION + i128::from(self.ppm)) / MILLION;
        u64::try_from(shown).unwrap()
    }

    /// The first moment at which it shows `reading` or more.
    pub(crate) fn when(self, reading: u64) -> Moment {
        let ahead = (i128::from(reading) - i128::from(self.origin)).max(0);
        let mut at = u64::try_from(ahead * MILLION / (MILLION + i128::from(self.ppm))).unwrap();
        while self.read(at) < reading {
            at += 1;
        }
        at
    }

    pub(crate) fn stamp(self, now: Moment) -> Timestamp {
        Timestamp::from_nanos(self.read(now))
    }

    pub(crate) fn when_stamp(self, stamp: Timestamp) -> Moment {
        self.when(stamp.as_nanos())
    }
}
