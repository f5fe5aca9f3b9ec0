//! The signals that end the process in order.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

pub(crate) const SIGHUP: u8 = 1;
pub(crate) const SIGINT: u8 = 2;
pub(crate) const SIGQUIT: u8 = 3;
pub(crate) const SIGTERM: u8 = 15;

/// Within so long after the first signal the same one means the same.
const ONCE: Duration = Duration::from_secs(1);

/// The signals, from when they are listened to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// `None` under nohup.
    hangup: Option<Signal>,
}

impl Signals {
    /// From here on a signal does not simply kill.
    pub(crate) fn listen() -> io::Result<Self> {
        // To listen would undo what nohup has done. (Shells have SIGINT and SIGQUIT ignored by what they put into the
        // background, and there they are heard all the same: nobody sends them by accident.)
        let hangup = if is_ignored(SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> u8 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => None,
            }
        };
        tokio::select! {
            Some(()) = self.terminate.recv() => SIGTERM,
            Some(()) = self.interrupt.recv() => SIGINT,
            Some(()) = self.quit.recv() => SIGQUIT,
            Some(()) = hangup => SIGHUP,
            else => std::future::pending().await,
        }
    }
}

/// Whether this process was started with the signal ignored.
fn is_ignored(signal: u8) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// What was heard so far.
#[derive(Default)]
pub(crate) struct Heard(Option<(u8, Instant)>);

impl Heard {
    /// Whether this signal is a second one: the wish that the end come at once.
    ///
    /// The same signal within a second is not, for it may come twice: from the terminal and the shell, or from timeout(1),
    /// which sends it to the command and to its group. Nor is SIGHUP together with another one: where a login session
    /// ends, systemd sends SIGTERM and SIGHUP.
    pub(crate) fn is_second(&mut self, signal: u8, now: Instant) -> bool {
        let Some((first, at)) = self.0 else {
            self.0 = Some((signal, now));
            return false;
        };
        let same = signal == first || [signal, first].contains(&SIGHUP);
        !(same && now.duration_since(at) < ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_signal_within_a_second_is_the_same_one() {
        let start = Instant::now();
        let millis = |at| start + Duration::from_millis(at);
        for (then, at, second) in [
            ((SIGTERM, SIGTERM), 999, false),
            ((SIGTERM, SIGTERM), 1_000, true),
            ((SIGTERM, SIGINT), 0, true),
            ((SIGINT, SIGQUIT), 500, true),
            ((SIGTERM, SIGHUP), 500, false),
            ((SIGHUP, SIGTERM), 500, false),
            ((SIGHUP, SIGHUP), 500, false),
            ((SIGTERM, SIGHUP), 1_500, true),
        ] {
            let mut heard = Heard::default();
            assert!(!heard.is_second(then.0, millis(0)));
            assert_eq!(heard.is_second(then.1, millis(at)), second, "{then:?} after {at} ms");
        }
        let mut heard = Heard::default();
        let often = [0, 400, 800, 1_200].map(|at| heard.is_second(SIGINT, millis(at)));
        assert_eq!(often, [false, false, false, true], "whoever insists is heard");
    }
}
