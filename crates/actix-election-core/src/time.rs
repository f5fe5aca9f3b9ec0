//! Readings of the clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A reading of the clock that leases are measured by, in nanoseconds since an arbitrary origin.
///
/// That clock must never go back and must count the time that the machine spends suspended (on Linux
/// `CLOCK_BOOTTIME`): a lease that missed a suspend would outlive its session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The origin of the clock: earlier than every reading.
    pub const ORIGIN: Timestamp = Timestamp(0);

    /// A reading of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Timestamp(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the origin.
    pub fn as_secs_f64(self) -> f64 {
        Duration::from_nanos(self.0).as_secs_f64()
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, span: Duration) -> Timestamp {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Timestamp(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;

    fn sub(self, span: Duration) -> Timestamp {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Timestamp(self.0.saturating_sub(nanos))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let t = Timestamp::from_nanos(5);
        assert_eq!(t - Duration::from_secs(1), Timestamp::ORIGIN);
        assert_eq!(t + Duration::MAX, Timestamp::from_nanos(u64::MAX));
        assert_eq!(Timestamp::ORIGIN.since(t), Duration::ZERO);
        assert_eq!(t.since(Timestamp::ORIGIN), Duration::from_nanos(5));
    }
}
