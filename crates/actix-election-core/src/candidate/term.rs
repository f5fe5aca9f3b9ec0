//! Terms: how a mastership begins and ends.

use std::time::Duration;

use super::roles::Notified;
use super::{Candidate, Message, Output, StandbyReason};
use crate::{FencingToken, Timestamp};

/// How often it is checked whether the lease suffices to lead by what is held, at intervals of T/20: for 2 T.
const SHORT_CHECKS: u32 = 40;

/// The present term, what came before it, and what may come after.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Terms {
    present: Option<Term>,
    /// Why the roles are standby where nothing at the ensemble says so: the end of the last term.
    pub(super) last_end: Option<StandbyReason>,
    /// How often the lease was checked since there is something to lead by, and did not suffice.
    short_checks: u32,
}

/// A mastership, from the moment the roles are notified until its lease is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Term {
    token: FencingToken,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ending {
    pub(super) reason: StandbyReason,
    /// The lease ends then, whether the roles have acknowledged or not.
    pub(super) at: Timestamp,
    /// How long to stay out afterwards.
    pub(super) pause: Duration,
}

impl Terms {
    /// Whether there is no term, not even one that is ending.
    pub(super) fn is_over(&self) -> bool {
        self.present.is_none()
    }

    /// The token of the term, be it ending.
    pub(super) fn token(&self) -> Option<FencingToken> {
        self.present.map(|term| term.token)
    }

    /// The token of the term, unless it is ending.
    pub(super) fn running(&self) -> Option<FencingToken> {
        self.present.filter(|term| term.ending.is_none()).map(|term| term.token)
    }

    /// How the term ends, if it is ending.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.present.and_then(|term| term.ending)
    }
}

impl Candidate {
    pub(super) fn begin_term(&mut self) {
        if self.terms.is_over()
            && self.is_free()
            && self.lease_suffices()
            && let Some(token) = self.contest.held_token()
        {
            self.terms.present = Some(Term { token, ending: None });
            self.own_problems.too_slow = None;
            self.outbox.push(Output::LeaseBegan(token));
            for role in self.roles.notified(Notified::Standby) {
                self.notify(role, Message::BecameMaster { token });
            }
        }
        if !self.is_winning() {
            self.terms.short_checks = 0;
        }
    }

    pub(super) fn lease_suffices(&self) -> bool {
        self.session.suffices_to_lead(self.now)
    }

    /// Whether what makes master is held and only a longer lease is waited for.
    pub(super) fn is_winning(&self) -> bool {
        self.session.is_connected()
            && self.terms.is_over()
            && self.is_free()
            && self.contest.held_token().is_some()
            && !self.lease_suffices()
    }

    /// Who holds what makes master and cannot lead by it keeps everybody else from leading: after a while it makes room.
    pub(super) fn check_lease(&mut self) {
        if !self.is_winning() {
            return;
        }
        self.terms.short_checks += 1;
        if self.terms.short_checks < SHORT_CHECKS {
            return;
        }
        self.own_problems.too_slow(self.session.timeout());
        if let Some(token) = self.contest.held_token() {
            self.contest.retire(token);
        }
        self.terms.last_end = Some(StandbyReason::LeaseEnding);
        self.stay_out(self.config.failure_pause);
    }

    /// In order: the roles are notified, and the lease stays valid until they have acknowledged, or too long passed.
    pub(super) fn step_down(&mut self, reason: StandbyReason, pause: Duration) {
        self.begin_end(reason, self.now + self.config.step_down_timeout, pause);
    }

    pub(super) fn begin_end(&mut self, reason: StandbyReason, at: Timestamp, pause: Duration) {
        let Some(Term { ending: ending @ None, .. }) = &mut self.terms.present else { return };
        *ending = Some(Ending { reason, at, pause });
        self.notify_masters(reason);
    }

    /// The ground is gone: the lease ends before anybody is notified.
    pub(super) fn cut_term(&mut self, reason: StandbyReason) {
        let Some(term) = self.terms.present else { return };
        self.end_term(term.ending.unwrap_or(Ending { reason, at: self.now, pause: Duration::ZERO }));
        self.notify_masters(reason);
    }

    /// A term is over where its znode has gone, and where it was ending and every role has acknowledged that.
    pub(super) fn end_what_is_over(&mut self) {
        if self.terms.token().is_some_and(|token| self.contest.is_gone(token)) {
            self.cut_term(StandbyReason::NodeLost);
        }
        if self.roles.all_acknowledged() {
            self.own_problems.overdue = None;
            if let Some(ending) = self.terms.ending() {
                self.end_term(ending);
            }
        }
    }

    pub(super) fn end_term(&mut self, ending: Ending) {
        let Some(term) = self.terms.present.take() else { return };
        self.contest.retire(term.token);
        self.outbox.push(Output::LeaseEnded);
        self.terms.last_end = Some(ending.reason);
        self.stay_out(ending.pause);
    }
}
