//! A session monitor on the bench, the states that the tables start from, and the tables themselves.
//!
//! T is 10 s: a probe every 1 s, silence after 2 s, and a lease of 9.8 s, with which the session ends.

use std::time::Duration;

use actix_election_core::*;

use Given::*;
pub(crate) use SessionTimer::*;

/// Something that happens; times are in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given {
    /// Attached now, as the answer to a ConnectRequest that was sent so long ago, with this timeout.
    Attached(f64, f64),
    Ready,
    Received,
    /// A probe that was sent so long ago comes back.
    Probe(f64),
    Detached,
    Expired,
    Candidates(usize),
    /// The wall clock has gained so many seconds.
    Gained(f64),
    /// So much time passes, and the timer is served.
    Wait(f64),
    /// So much time passes unnoticed.
    Pass(f64),
}

#[derive(Clone)]
pub(crate) struct Bench {
    monitor: SessionMonitor,
    start: Timestamp,
    now: Timestamp,
}

impl Bench {
    /// Nothing has happened, and nobody is a candidate.
    pub(crate) fn new() -> Self {
        let start = Timestamp::from_nanos(100_000_000_000);
        Bench { monitor: SessionMonitor::new(), start, now: start }
    }

    pub(crate) fn after(mut self, given: impl IntoIterator<Item = Given>) -> Self {
        for given in given {
            self.give(given);
        }
        self
    }

    pub(crate) fn give(&mut self, given: Given) -> Vec<String> {
        let span = Duration::from_secs_f64;
        let input = match given {
            Attached(ago, timeout) => SessionInput::Attached {
                sent: self.now - span(ago),
                timeout: SessionTimeout::new(span(timeout)),
            },
            Ready => SessionInput::Ready,
            Received => SessionInput::Received,
            Probe(ago) => SessionInput::ProbeAnswered { sent: self.now - span(ago) },
            Detached => SessionInput::Detached,
            Expired => SessionInput::Expired,
            Candidates(count) => SessionInput::Candidates(count),
            Gained(seconds) => SessionInput::WallClockGained(span(seconds)),
            Wait(seconds) => {
                self.now = self.now + span(seconds);
                SessionInput::Timer
            }
            Pass(seconds) => {
                self.now = self.now + span(seconds);
                return Vec::new();
            }
        };
        self.monitor.handle(self.now, input);
        let mut words = Vec::new();
        while let Some(output) = self.monitor.next_output() {
            words.push(self.word(output));
        }
        if matches!(given, Wait(_)) {
            let timer = self.monitor.next_timer();
            assert!(timer.is_none_or(|(at, _)| at > self.now), "{timer:?} is due again at {:?}", self.now);
        }
        words
    }

    /// The next timer, with the seconds from now.
    pub(crate) fn timer(&self) -> Option<(f64, SessionTimer)> {
        self.monitor.next_timer().map(|(at, timer)| (at.as_secs_f64() - self.now.as_secs_f64(), timer))
    }

    fn word(&self, output: SessionOutput) -> String {
        match output {
            SessionOutput::SendProbe => "probe".into(),
            SessionOutput::SendPing => "ping".into(),
            SessionOutput::LeaveServer => "leave".into(),
            SessionOutput::LeaseUntil(at) => {
                assert_eq!(Some(at), self.monitor.lease_until());
                format!("lease until {:.2}", self.seconds(at))
            }
            SessionOutput::State(SessionState::Suspended { until }) => {
                format!("suspended until {:.2}", self.seconds(until))
            }
            SessionOutput::State(state) => state.as_str().into(),
        }
    }

    /// Seconds since the bench was set up.
    fn seconds(&self, at: Timestamp) -> f64 {
        at.as_secs_f64() - self.start.as_secs_f64()
    }
}

/// There is a candidate, and no server yet.
pub(crate) fn seeking() -> Bench {
    Bench::new().after([Candidates(1)])
}

/// Attached at second 0; authentication is under way.
pub(crate) fn greeting() -> Bench {
    seeking().after([Attached(0.0, 10.0)])
}

/// The first probe is under way.
pub(crate) fn probing() -> Bench {
    greeting().after([Ready])
}

/// Connected at second 0, with a lease until 9.8.
pub(crate) fn connected() -> Bench {
    probing().after([Received, Probe(0.0)])
}

/// Cut off at second 1.
pub(crate) fn suspended() -> Bench {
    connected().after([Pass(1.0), Detached])
}

/// Over.
pub(crate) fn lost() -> Bench {
    connected().after([Expired])
}

/// Connected at second 0, with nobody who competes.
pub(crate) fn without_candidates() -> Bench {
    connected().after([Candidates(0)])
}

/// One row of a table: a named state, what happens, what comes out of it, and the timer that runs then.
pub(crate) type Row = (&'static str, Bench, Given, &'static [&'static str], Option<(f64, SessionTimer)>);

/// Checks every row, and names all that fail.
pub(crate) fn check<const N: usize>(rows: [Row; N]) {
    let mut wrong = Vec::new();
    for (name, mut bench, given, expected, timer) in rows {
        let words = bench.give(given);
        let found = bench.timer();
        let same = match (found, timer) {
            (Some((at, found)), Some((expected, timer))) => found == timer && (at - expected).abs() < 1e-6,
            (found, timer) => found.is_none() && timer.is_none(),
        };
        if words != expected || !same {
            wrong.push(format!(
                "{name}, {given:?}\n  expected {expected:?}, {timer:?}\n  found    {words:?}, {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
