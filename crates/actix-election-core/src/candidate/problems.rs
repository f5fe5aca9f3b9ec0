//! What people have to put right.

use std::time::Duration;

use super::{Candidate, Problem, ProblemKind};
use crate::SessionTimeout;

/// What keeps this candidate from being master that lies with this process or its way to the ensemble.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct OwnProblems {
    pub(super) overdue: Option<Problem>,
    /// All roles have died, and none has joined since.
    pub(super) no_role: Option<Problem>,
    pub(super) too_slow: Option<Problem>,
}

impl OwnProblems {
    pub(super) fn overdue(&mut self, limit: Duration) {
        let message = format!(
            "a role has not handled BecameStandby within {limit:?}: this candidate does not compete until it has"
        );
        self.overdue = Some(Problem { kind: ProblemKind::StepDownOverdue, message });
    }

    pub(super) fn no_role(&mut self) {
        let message =
            "no role actor is left, the last one is dead: this candidate does not compete until one is added"
                .to_owned();
        self.no_role = Some(Problem { kind: ProblemKind::NoRole, message });
    }

    pub(super) fn too_slow(&mut self, timeout: SessionTimeout) {
        let message = format!(
            "for 2 T, with a session timeout T of {timeout:?}, the ensemble has answered too slowly for this candidate to \
             lead: it gives way to others"
        );
        self.too_slow = Some(Problem { kind: ProblemKind::TooSlow, message });
    }
}

impl Candidate {
    /// What somebody has to put right.
    pub(super) fn problem(&self) -> Option<&Problem> {
        let own = &self.own_problems;
        // Who does not compete needs no role.
        let no_role = own.no_role.as_ref().filter(|_| self.intent.campaigning);
        let own = own.overdue.as_ref().or(no_role).or(own.too_slow.as_ref());
        own.or(self.contest.problem()).or(self.pace.problem())
    }
}
