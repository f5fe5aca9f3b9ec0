//! What was wrong when.

use std::cell::RefCell;
use std::fmt;

use super::now;

/// Whom a fault keeps from working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hits {
    /// The servers, and so everybody.
    Ensemble,
    /// The candidates at these stands.
    Candidates(Vec<usize>),
    /// Nobody: it is only a request.
    Nobody,
}

/// A fault that was, or is, in force.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) kind: &'static str,
    pub(super) target: String,
    pub(super) hits: Hits,
    /// Nothing may come of it: it is too short, or a single follower, which candidates have to leave in time.
    pub(super) short: bool,
    pub(super) from: f64,
    /// Still in force if there is none.
    pub(super) until: Option<f64>,
}

impl Fault {
    pub(super) fn end(&self) -> f64 {
        self.until.unwrap_or(f64::INFINITY)
    }

    /// Whether it was in force at some moment of this time.
    pub(super) fn touches(&self, from: f64, until: f64) -> bool {
        self.from <= until && self.end() >= from
    }

    /// Whether this candidate feels it.
    pub(super) fn hits(&self, stand: usize) -> bool {
        match &self.hits {
            Hits::Ensemble => true,
            Hits::Candidates(stands) => stands.contains(&stand),
            Hits::Nobody => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} to ", self.from)?;
        match self.until {
            Some(until) => write!(f, "{until:.3}")?,
            None => f.write_str("now")?,
        }
        write!(f, ": {} ({})", self.kind, self.target)
    }
}

/// All faults of a run.
#[derive(Default)]
pub(super) struct Log(RefCell<Vec<Fault>>);

/// A fault that is in force until this value is dropped.
#[must_use]
pub(super) struct InForce<'a> {
    log: &'a Log,
    index: usize,
}

impl Log {
    pub(super) fn begin(
        &self,
        kind: &'static str,
        target: impl fmt::Display,
        hits: Hits,
        short: bool,
    ) -> InForce<'_> {
        let mut faults = self.0.borrow_mut();
        let target = target.to_string();
        faults.push(Fault { kind, target, hits, short, from: now(), until: None });
        InForce { log: self, index: faults.len() - 1 }
    }

    /// Something that is over already.
    pub(super) fn note(&self, fault: Fault) {
        self.0.borrow_mut().push(fault);
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        self.0.borrow().clone()
    }
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        self.log.0.borrow_mut()[self.index].until = Some(now());
    }
}
