//! What this process wants of the election.

use std::time::Duration;

use super::contest::Contest;
use super::goal::Goal;
use super::{Candidate, StandbyReason};
use crate::{FencingToken, Timestamp};

/// Whether this process takes part, and its breaks.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Intent {
    pub(super) campaigning: bool,
    /// Withdrawn, and something of this candidate may be left.
    pub(super) leaving: bool,
    /// Stay out until then.
    pub(super) pause: Option<Timestamp>,
}

impl Intent {
    pub(super) fn pass_time(&mut self, now: Timestamp) {
        self.pause.take_if(|until| now >= *until);
    }

    /// Whether it takes part, and no break keeps it out at present.
    fn is_active(&self) -> bool {
        self.campaigning && self.pause.is_none()
    }
}

impl Candidate {
    pub(super) fn campaign(&mut self) {
        self.pace.reset();
        if !self.intent.campaigning {
            self.roles.restart_wait(self.now);
            self.contest.compete(&self.config, self.session.connected());
        }
        self.intent.campaigning = true;
        self.intent.leaving = false;
    }

    pub(super) fn resign(&mut self, token: Option<FencingToken>) {
        match self.terms.token() {
            Some(present) if token.is_none_or(|token| token == present) => {
                self.step_down(StandbyReason::Resigned, self.config.resign_pause);
            }
            None if token.is_none() => {
                self.terms.last_end = Some(StandbyReason::Resigned);
                self.stay_out(self.config.resign_pause);
            }
            _ => {}
        }
    }

    pub(super) fn withdraw(&mut self) {
        self.pace.reset();
        self.step_down(StandbyReason::Resigned, Duration::ZERO);
        self.contest.withdraw();
        self.own_problems.too_slow = None;
        self.intent = Intent { campaigning: false, leaving: true, pause: None };
    }

    pub(super) fn stay_out(&mut self, pause: Duration) {
        if self.intent.campaigning && !pause.is_zero() {
            self.intent.pause = self.intent.pause.max(Some(self.now + pause));
        }
    }

    /// What this candidate is after at the ensemble.
    pub(super) fn goal(&self) -> Goal {
        if !self.terms.is_over() {
            // One that is ending still rests on its znode, which is released only once the lease is over.
            Goal::Keep
        } else if self.is_free() || self.may_wait() {
            Goal::Compete
        } else {
            Goal::Observe
        }
    }

    /// Whether this candidate is free to be master.
    pub(super) fn is_free(&self) -> bool {
        self.intent.is_active() && !self.roles.is_empty() && self.roles.all_acknowledged()
    }

    /// Whether this candidate may stand in a queue, though its roles have still to say that they are standby.
    fn may_wait(&self) -> bool {
        let free = self.intent.is_active() && !self.roles.is_empty();
        free && self.own_problems.overdue.is_none() && matches!(self.contest, Contest::Queue(_))
    }
}
