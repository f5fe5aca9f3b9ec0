//! Of what the roles are notified, and when.

use super::roles::Notified;
use super::{Candidate, Master, Message, Output, ProblemKind, RoleId, StandbyReason};

impl Candidate {
    pub(super) fn notify_masters(&mut self, reason: StandbyReason) {
        let own = self.terms.token();
        let master = self.contest.master().flatten().filter(|master| Some(master.token) != own);
        for role in self.roles.notified(Notified::Master) {
            self.notify(role, Message::BecameStandby { reason, master: master.clone() });
        }
    }

    /// Notifies the roles that know nothing of what is known, if anything is.
    pub(super) fn notify_newcomers(&mut self) {
        if !self.intent.campaigning || self.roles.waiting_since().is_none() {
            return;
        }
        let message = match self.terms.running() {
            Some(token) if self.lease_suffices() => Some(Message::BecameMaster { token }),
            Some(_) => None,
            None => self.standby_news(),
        };
        let Some(message) = message else { return };
        for role in self.roles.notified(Notified::Nothing) {
            self.notify(role, message.clone());
        }
    }

    /// Of what a role that knows nothing is notified while no term runs; `None` while there is hope that it is master first.
    pub(super) fn standby_news(&self) -> Option<Message> {
        let ending = self.terms.ending();
        ending.map(|ending| Message::BecameStandby { reason: ending.reason, master: None }).or_else(|| {
            let reason = self.standby_reason()?;
            Some(Message::BecameStandby { reason, master: self.others_master() })
        })
    }

    /// Why a role that knows nothing is standby; `None` while there is hope that it is master first.
    pub(super) fn standby_reason(&self) -> Option<StandbyReason> {
        if self.contest.is_outranked() {
            return Some(StandbyReason::Outranked);
        }
        if let Some(problem) = self.contest.problem() {
            return Some(match problem.kind {
                ProblemKind::PathTaken => StandbyReason::PathTaken,
                _ => StandbyReason::Denied,
            });
        }
        let pausing = self.intent.pause.is_some();
        match self.terms.last_end {
            Some(reason) if pausing || !self.session.is_connected() => return Some(reason),
            _ if pausing => return Some(StandbyReason::Resigned),
            _ => {}
        }
        let waited = self.roles.waiting_since().map(|since| self.now.since(since));
        let too_long = waited.is_some_and(|waited| waited >= self.session.timeout().first_word());
        (too_long && !self.is_winning()).then_some(StandbyReason::Connecting)
    }

    /// The master, if it is known and not this candidate.
    pub(super) fn others_master(&self) -> Option<Master> {
        self.contest.others_master()
    }

    pub(super) fn notify(&mut self, role: RoleId, message: Message) {
        let id = self.roles.notify(self.now, role, &message);
        self.outbox.push(Output::Notify(role, id, message));
    }
}
