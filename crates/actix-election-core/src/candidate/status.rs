//! A candidate's account of itself.

use super::{Candidate, CandidateState, CandidateStatus, Trouble, TroubleKind};
use crate::FencingToken;

impl Candidate {
    /// What this candidate is doing, and what it waits for.
    pub fn status(&self) -> CandidateStatus {
        let trouble = self.trouble().cloned();
        CandidateStatus {
            state: self.state(),
            master: self.contest.master().or_else(|| self.announced.clone()),
            is_current: self.connected && self.contest.is_current(),
            place: self.contest.place(),
            token: self.term.map(|term| term.token),
            trouble,
            next_retry: self.next_retry().max(self.pause),
        }
    }

    /// Whether this candidate wants to be master, be it that it cannot now.
    pub fn competes(&self) -> bool {
        self.campaigning
    }

    /// The token of a znode of ours that makes us master, be it that no term rests on it yet.
    pub fn held(&self) -> Option<FencingToken> {
        self.contest.held()
    }

    /// What somebody has to put right.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        // Who does not compete needs no role.
        let no_role = self.no_role.as_ref().filter(|_| self.campaigning);
        self.overdue
            .as_ref()
            .or(no_role)
            .or(self.too_slow.as_ref())
            .or(self.contest.trouble())
            .or(self.pace.trouble())
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
        if self.contest.held().is_some() {
            return CandidateState::Winning;
        }
        match self.contest.trouble().map(|trouble| trouble.kind) {
            Some(TroubleKind::PathTaken) => CandidateState::PathTaken,
            Some(_) => CandidateState::Denied,
            None if self.contest.is_outranked() => CandidateState::Standby,
            None => CandidateState::Competing,
        }
    }
}
