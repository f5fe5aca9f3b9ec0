//! What stops a strategy, and when it tries again.

use std::fmt::Display;
use std::time::Duration;

use super::{Problem, ProblemKind};
use crate::{Refusal, Timestamp};

/// Something in a strategy's way that people have to put right.
///
/// Mostly nothing tells when they have: then it is tried again after a while.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Obstacle {
    problem: Problem,
    /// When it is tried again; `None` once that time has come, and where an event will tell.
    retry_at: Option<Timestamp>,
}

impl Obstacle {
    /// In the way until an event tells otherwise.
    pub(super) fn new(kind: ProblemKind, message: String) -> Self {
        Obstacle { problem: Problem { kind, message }, retry_at: None }
    }

    /// What stands at `path` would have to be ephemeral to be `expected`.
    pub(super) fn not_ephemeral(path: impl Display, expected: &str) -> Self {
        let message = format!("{path} is not ephemeral, so it is not a {expected}: delete it");
        Obstacle::new(ProblemKind::PathTaken, message)
    }

    /// We may see that it is there, and no more.
    pub(super) fn unreadable(what: impl Display) -> Self {
        let message = format!("the ACL does not allow this process to read {what}");
        Obstacle::new(ProblemKind::Denied, message)
    }

    /// The ensemble refuses to do this. It is asked again after `retry`, or later where to be refused costs much.
    pub(super) fn refused(doing: impl Display, refusal: Refusal, now: Timestamp, retry: Duration) -> Self {
        let kind = match refusal {
            Refusal::NoAuth => ProblemKind::Denied,
            Refusal::EphemeralParent => ProblemKind::PathTaken,
            _ => ProblemKind::Refused,
        };
        Obstacle::new(kind, format!("cannot {doing}: {refusal}")).until(now + refusal.retry(retry))
    }

    /// The same, to be tried again at this time.
    pub(super) fn until(self, retry_at: Timestamp) -> Self {
        Obstacle { retry_at: Some(retry_at), ..self }
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// Whether what was stopped has to wait.
    pub(super) fn is_waiting(&self) -> bool {
        self.retry_at.is_some()
    }

    /// There is no need to wait any longer.
    pub(super) fn stop_waiting(&mut self) {
        self.retry_at = None;
    }

    /// Ends a wait that is over, so that it is not waited for again, whether there is now a use for a new attempt or not;
    /// returns whether it was over just now.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> bool {
        self.retry_at.take_if(|at| now >= *at).is_some()
    }
}
