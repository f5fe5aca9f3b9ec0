//! The clock that leases are measured by.

use actix_election_core::Timestamp;

/// Reads the clock that leases are measured by: seconds since boot, counting the time spent suspended
/// (`CLOCK_BOOTTIME` on Linux; elsewhere the monotonic clock of the standard library, since the first call).
///
/// The readings of all processes on one machine compare on Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn now() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::from_nanos(seconds * 1_000_000_000 + nanos)
}

/// Reads the clock that leases are measured by: the monotonic clock, since the first call. On this platform it
/// may not count the time that the machine spends suspended.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn now() -> Timestamp {
    static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let elapsed = ORIGIN.get_or_init(std::time::Instant::now).elapsed();
    // The origin itself means "no time", so no reading may be that.
    Timestamp::from_nanos(1 + u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - 1))
}

/// Where an actor takes its readings from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// [`now`].
    Boot,
    /// tokio's clock, which a test can pause, and the time that the machine was asleep.
    #[cfg(any(test, feature = "testing"))]
    Tokio(tokio::time::Instant),
}

impl Clock {
    pub(crate) fn now(self) -> Timestamp {
        match self {
            Clock::Boot => now(),
            #[cfg(any(test, feature = "testing"))]
            Clock::Tokio(origin) => {
                let elapsed = origin.elapsed() + suspended() + std::time::Duration::from_secs(1);
                Timestamp::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
thread_local! {
    static SUSPENDED: std::cell::Cell<std::time::Duration> = const { std::cell::Cell::new(std::time::Duration::ZERO) };
}

#[cfg(test)]
fn suspended() -> std::time::Duration {
    SUSPENDED.get()
}

/// Only the tests of this crate know a machine that is asleep.
#[cfg(all(feature = "testing", not(test)))]
fn suspended() -> std::time::Duration {
    std::time::Duration::ZERO
}

/// For the paused clocks of this thread the machine was asleep for so long: they moved on, and no timer did.
#[cfg(test)]
pub(crate) fn suspend(time: std::time::Duration) {
    SUSPENDED.set(SUSPENDED.get() + time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back() {
        let first = now();
        assert!(first > Timestamp::ORIGIN);
        assert!(now() >= first);
    }
}
