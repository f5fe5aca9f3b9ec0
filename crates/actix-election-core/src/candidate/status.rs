//! A candidate's account of itself.

use super::{Candidate, CandidateState, CandidateStatus, Problem, ProblemKind};

impl Candidate {
    /// What this candidate is doing, and what it waits for.
    pub fn status(&self) -> CandidateStatus {
        let problem = self.problem().cloned();
        CandidateStatus {
            state: self.state(),
            master: self.contest.master().or_else(|| self.announced.clone()),
            place: self.contest.place(),
            token: self.term.map(|term| term.token),
            problem,
            next_retry: self.next_retry().max(self.pause),
        }
    }

    /// What somebody has to put right.
    pub(super) fn problem(&self) -> Option<&Problem> {
        // Who does not compete needs no role.
        let no_role = self.no_role.as_ref().filter(|_| self.campaigning);
        self.overdue
            .as_ref()
            .or(no_role)
            .or(self.too_slow.as_ref())
            .or(self.contest.problem())
            .or(self.pace.problem())
    }

    fn state(&self) -> CandidateState {
        match self.term {
            Some(term) if term.ending.is_none() => return CandidateState::Master,
            Some(_) => return CandidateState::SteppingDown,
            None => {}
        }
        if !self.campaigning {
            return if self.leaving { CandidateState::SteppingDown } else { CandidateState::Following };
        }
        if self.roles.is_empty() {
            return CandidateState::WaitingForRole;
        }
        if !self.roles.all_acknowledged() {
            return CandidateState::WaitingForAcknowledgement;
        }
        if !self.connected {
            return CandidateState::Connecting;
        }
        if self.pause.is_some() {
            return CandidateState::Pausing;
        }
        if self.contest.held_token().is_some() {
            return CandidateState::Winning;
        }
        match self.contest.problem().map(|problem| problem.kind) {
            Some(ProblemKind::PathTaken) => CandidateState::PathTaken,
            Some(_) => CandidateState::Denied,
            None if self.contest.is_outranked() => CandidateState::Standby,
            None => CandidateState::Competing,
        }
    }
}
