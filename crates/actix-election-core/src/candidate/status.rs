//! A candidate's account of itself.

use super::{Candidate, CandidateState, CandidateStatus, ProblemKind};
use crate::FencingToken;

impl Candidate {
    /// What this candidate is doing, and what it waits for.
    pub fn status(&self) -> CandidateStatus {
        CandidateStatus {
            state: self.state(),
            master: self.contest.master().or_else(|| self.reports.announced().cloned()),
            is_current: self.session.is_connected() && self.contest.is_current(),
            place: self.contest.place(),
            token: self.terms.token(),
            problem: self.problem().cloned(),
            next_retry: self.next_retry().max(self.intent.pause),
        }
    }

    /// Whether this candidate wants to be master, be it that it cannot now.
    pub fn competes(&self) -> bool {
        self.intent.campaigning
    }

    /// The token of a znode of this session at the election, whether it makes us master, waits in the queue, or is about to be
    /// released. Whoever is reported as master with this token is this candidate.
    pub fn own_token(&self) -> Option<FencingToken> {
        self.contest.own_token()
    }

    fn state(&self) -> CandidateState {
        if self.terms.running().is_some() {
            return CandidateState::Master;
        }
        if self.terms.ending().is_some() || self.intent.leaving {
            return CandidateState::SteppingDown;
        }
        if !self.intent.campaigning {
            return CandidateState::Following;
        }
        if self.roles.is_empty() {
            return CandidateState::WaitingForRole;
        }
        if !self.roles.all_acknowledged() {
            return CandidateState::WaitingForAcknowledgement;
        }
        if !self.session.is_connected() {
            return CandidateState::Connecting;
        }
        if self.intent.pause.is_some() {
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
