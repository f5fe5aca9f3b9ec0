//! Terms: how a mastership begins and ends.

use std::time::Duration;

use super::roles::Told;
use super::{Candidate, Message, Output, StandbyReason};
use crate::{FencingToken, Timestamp};

/// A mastership, from the moment the roles are told until its lease is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Term {
    pub(super) token: FencingToken,
    pub(super) ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ending {
    pub(super) reason: StandbyReason,
    /// The lease ends then, whether the roles have acknowledged or not.
    pub(super) at: Timestamp,
    /// How long to stay out afterwards.
    pub(super) pause: Duration,
}

impl Candidate {
    pub(super) fn begin_term(&mut self) {
        if self.term.is_some() || !self.competes() || !self.lease_suffices() {
            return;
        }
        let Some(token) = self.contest.held_token() else { return };
        self.term = Some(Term { token, ending: None });
        self.too_slow = None;
        self.outputs.push_back(Output::LeaseBegan(token));
        for role in self.roles.told(Told::Standby) {
            self.tell(role, Message::BecameMaster { token });
        }
    }

    /// In order: the roles are told, and the lease stays valid until they have acknowledged, or too long passed.
    pub(super) fn step_down(&mut self, reason: StandbyReason, pause: Duration) {
        self.begin_end(reason, self.now + self.config.step_down_timeout, pause);
    }

    pub(super) fn begin_end(&mut self, reason: StandbyReason, at: Timestamp, pause: Duration) {
        let Some(Term { ending: ending @ None, .. }) = &mut self.term else { return };
        *ending = Some(Ending { reason, at, pause });
        self.tell_masters(reason);
    }

    /// The ground is gone: the lease ends before anybody is told.
    pub(super) fn cut_term(&mut self, reason: StandbyReason) {
        let Some(term) = self.term else { return };
        self.end_term(term.ending.unwrap_or(Ending { reason, at: self.now, pause: Duration::ZERO }));
        self.tell_masters(reason);
    }

    pub(super) fn end_term(&mut self, ending: Ending) {
        let Some(term) = self.term.take() else { return };
        self.contest.retire(term.token);
        self.outputs.push_back(Output::LeaseEnded);
        self.last_end = Some(ending.reason);
        self.stay_out(ending.pause);
    }
}
