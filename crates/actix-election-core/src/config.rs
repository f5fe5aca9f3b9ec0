//! The settings of a candidate, checked together.

use std::fmt;
use std::time::Duration;

use crate::{Address, ElectionPath, Invalid, QueueId, SessionTimeout};

/// How candidates compete. All candidates of an election use the same strategy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Strategy {
    /// One ephemeral znode at the election path. Whoever creates it is master; when it is deleted, all try again. Right for a
    /// few candidates.
    #[default]
    Lock,
    /// Ephemeral sequential znodes below the election path, in the order of their creation. Whoever resigns goes to the
    /// end, and a change wakes one candidate, however many wait. Curator's `LeaderLatch` can take part in the same queue.
    Queue(QueueId),
}

/// The settings of a [`Candidate`](crate::Candidate).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CandidateConfig {
    /// What the election is about.
    pub path: ElectionPath,
    /// How candidates compete.
    pub strategy: Strategy,
    /// What others see of this candidate; `None` leaves the znode's data empty.
    pub address: Option<Address>,
    /// The session timeout that is asked for, from 1 s to an hour. The server may grant another.
    pub session_timeout: Duration,
    /// How long the handlers of `BecameStandby` may take before the lock is released without their
    /// acknowledgement, in an orderly handover. From 1 ms to an hour.
    pub step_down_timeout: Duration,
    /// How long a candidate does not compete after it resigned, so that another one wins. At most an hour.
    pub resign_pause: Duration,
    /// How long a candidate does not compete after one of its roles failed. At most an hour.
    pub failure_pause: Duration,
    /// How long to wait before retrying what was refused. From 10 ms to an hour.
    pub refused_retry: Duration,
}

/// Everything that is wrong with some settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidConfig {
    /// Each value that breaks a rule.
    pub problems: Vec<Invalid>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

const HOUR: Duration = Duration::from_secs(3600);

impl CandidateConfig {
    /// Settings for `path` with everything else at its default: the `Lock` strategy, no address, a session timeout of 10 s, 3 s to
    /// step down, a pause of 1 s after a resignation and of 5 s after a failure, and 5 s between refused attempts.
    pub fn new(path: ElectionPath) -> Self {
        CandidateConfig {
            path,
            strategy: Strategy::Lock,
            address: None,
            session_timeout: Duration::from_secs(10),
            step_down_timeout: Duration::from_secs(3),
            resign_pause: Duration::from_secs(1),
            failure_pause: Duration::from_secs(5),
            refused_retry: Duration::from_secs(5),
        }
    }

    /// Checks every value, and the timings against each other.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] lists every value that breaks a rule, with the rule.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, what, value: Duration, rule| {
            if !ok {
                problems.push(Invalid::new(what, format!("{value:?}"), rule));
            }
        };
        let t = self.session_timeout;
        check((SessionTimeout::MIN..=HOUR).contains(&t), "session timeout", t, "it must be from 1s to 1h");
        let s = self.step_down_timeout;
        check(
            (Duration::from_millis(1)..=HOUR).contains(&s),
            "step-down timeout",
            s,
            "it must be from 1ms to 1h",
        );
        let r = self.resign_pause;
        check(r <= HOUR, "pause after a resignation", r, "it must be at most 1h");
        let f = self.failure_pause;
        check(f <= HOUR, "pause after a failure", f, "it must be at most 1h");
        check(
            f >= r || f > HOUR,
            "pause after a failure",
            f,
            "it must not be shorter than the pause after a resignation",
        );
        let a = self.refused_retry;
        let retry = Duration::from_millis(10)..=HOUR;
        check(
            retry.contains(&a),
            "pause before a refused request is made again",
            a,
            "it must be from 10ms to 1h",
        );
        if problems.is_empty() { Ok(()) } else { Err(InvalidConfig { problems }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        CandidateConfig::new(ElectionPath::new("/m").unwrap()).validate().unwrap();
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let config = CandidateConfig {
            session_timeout: Duration::from_millis(999),
            step_down_timeout: Duration::ZERO,
            resign_pause: Duration::from_secs(6),
            refused_retry: Duration::from_secs(3601),
            ..CandidateConfig::new(ElectionPath::new("/m").unwrap())
        };
        let text = config.validate().unwrap_err().to_string();
        for named in
            ["999ms", "0ns", "5s", "3601s", "from 1s to 1h", "shorter than the pause after a resignation"]
        {
            assert!(text.contains(named), "{named} is missing from: {text}");
        }
    }
}
