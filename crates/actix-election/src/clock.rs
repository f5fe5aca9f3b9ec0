//! The clock that leases are measured by.

use std::time::Duration;

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

/// Watches the wall clock beside the clock of leases.
///
/// Where a hypervisor stops the whole machine, to save or migrate it, the kernel's clocks go on from where they stood, the one
/// that counts suspend included. But the wall clock is set sooner or later, and leaps ahead of the other then.
pub(crate) struct WallClock {
    /// By how many nanoseconds it was ahead of the other when they were last looked at.
    ahead: i128,
}

/// Two readings that lie further apart than this say nothing about each other.
const AT_ONCE: Duration = Duration::from_millis(1);

impl WallClock {
    pub(crate) fn new() -> Self {
        WallClock { ahead: read_ahead().unwrap_or_default() }
    }

    /// How much the wall clock has gained since this was last asked; zero if it has not, or fell back.
    pub(crate) fn gained(&mut self) -> Duration {
        self.gained_at(read_ahead())
    }

    fn gained_at(&mut self, ahead: Option<i128>) -> Duration {
        // It is asked again soon, and compared with the same then.
        let Some(ahead) = ahead else { return Duration::ZERO };
        let gained = ahead - std::mem::replace(&mut self.ahead, ahead);
        Duration::from_nanos(u64::try_from(gained.max(0)).unwrap_or(u64::MAX))
    }
}

/// By how many nanoseconds the wall clock is ahead; `None` if the thread was stopped in the middle of the look.
fn read_ahead() -> Option<i128> {
    (0..3).find_map(|_| {
        let before = now();
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall = i128::try_from(wall.as_nanos()).unwrap_or(i128::MAX);
        (now().since(before) < AT_ONCE).then(|| wall - i128::from(before.as_nanos()))
    })
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
                let elapsed = origin.elapsed() + suspended() + Duration::from_secs(1);
                Timestamp::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
thread_local! {
    static SUSPENDED: std::cell::Cell<Duration> = const { std::cell::Cell::new(Duration::ZERO) };
}

#[cfg(test)]
fn suspended() -> Duration {
    SUSPENDED.get()
}

/// Only the tests of this crate know a machine that is asleep.
#[cfg(all(feature = "testing", not(test)))]
fn suspended() -> Duration {
    Duration::ZERO
}

/// For the paused clocks of this thread the machine was asleep for so long: they moved on, and no timer did.
#[cfg(test)]
pub(crate) fn suspend(time: Duration) {
    SUSPENDED.set(SUSPENDED.get() + time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_leaps_ahead_is_noticed_once() {
        let mut clock = WallClock { ahead: 1_000 };
        for (ahead, gained) in
            [(None, 0), (Some(1_000), 0), (Some(1_700), 700), (Some(1_700), 0), (Some(-500), 0)]
        {
            assert_eq!(clock.gained_at(ahead).as_nanos(), gained, "{ahead:?}");
        }
        assert_eq!(clock.gained_at(None).as_nanos(), 0);
        assert_eq!(clock.gained_at(Some(500)).as_nanos(), 1_000, "since the last look that said something");
        assert!(WallClock::new().gained() < Duration::from_millis(100), "nothing has happened");
    }

    #[test]
    fn it_never_goes_back() {
        let first = now();
        assert!(first > Timestamp::ORIGIN);
        assert!(now() >= first);
    }
}
