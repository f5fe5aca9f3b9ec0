//! What a server that starts begins with, so that clients of servers before it see it as a later one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// No server of this process has gone as far.
static FURTHEST: AtomicI64 = AtomicI64::new(0);

fn wall() -> Duration {
    UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// The zxid from which a server that starts now goes on: the microseconds since 1970.
///
/// Whatever started earlier has a smaller one, and stays behind as it writes less than once a microsecond. So a client that
/// comes from a server before this one is not ahead of it, and fencing tokens grow. The epoch, which is the upper half, comes
/// later too, though not with every start; seconds in its place would be the same for two starts in one second. Below 2^53,
/// where this stays for two centuries, whatever reads tokens as floating point numbers, as JSON often is, reads them exactly.
pub(super) fn first_zxid() -> i64 {
    let wall = i64::try_from(wall().as_micros()).unwrap_or(0);
    let next = |furthest: i64| wall.max(furthest.saturating_add(1));
    // The update never declines.
    FURTHEST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |furthest| Some(next(furthest)))
        .map_or(wall, next)
}

/// A server has got here, which may be ahead of the clock.
pub(super) fn reached(zxid: i64) {
    FURTHEST.fetch_max(zxid, Ordering::Relaxed);
}

/// The server's id in the highest byte, and then the time, so that no two servers of a test give out the same ids.
pub(super) fn first_session() -> i64 {
    let time = u64::try_from(wall().as_nanos() & u128::from(u64::MAX)).unwrap_or(0) << 16 >> 8;
    (1_i64 << 56) | time.cast_signed()
}

/// The wall clock in milliseconds since 1970, `ago` before now.
pub(super) fn wall_millis(ago: Duration) -> i64 {
    i64::try_from(wall().saturating_sub(ago).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_later_than_what_was() {
        let mut last = 0;
        for _ in 0..1_000 {
            let next = first_zxid();
            assert!(next > last);
            last = next;
        }
        let ahead = last + (1 << 40);
        reached(ahead);
        assert!(first_zxid() > ahead);
        reached(last);
        assert!(first_zxid() > ahead);
    }
}
