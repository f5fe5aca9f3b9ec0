//! What the roles are told, and when.

use super::roles::Told;
use super::{Candidate, Master, Message, Output, ProblemKind, RoleId, StandbyReason};

impl Candidate {
    pub(super) fn tell_masters(&mut self, reason: StandbyReason) {
        let own = self.term.map(|term| term.token);
        let master = self.contest.master().flatten().filter(|master| Some(master.token) != own);
        for role in self.roles.told(Told::Master) {
            self.tell(role, Message::BecameStandby { reason, master: master.clone() });
        }
    }

    /// Tells the roles that know nothing what is known, if anything is.
    pub(super) fn tell_newcomers(&mut self) {
        if !self.campaigning || self.roles.waiting_since().is_none() {
            return;
        }
        let message = match self.running_term() {
            Some(token) if self.lease_suffices() => Some(Message::BecameMaster { token }),
            Some(_) => None,
            None => self.standby_news(),
        };
        let Some(message) = message else { return };
        for role in self.roles.told(Told::Nothing) {
            self.tell(role, message.clone());
        }
    }

    /// What a role that knows nothing is told while no term runs; `None` while there is hope that it is master first.
    pub(super) fn standby_news(&self) -> Option<Message> {
        let ending = self.term.and_then(|term| term.ending);
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
        if let Some(reason) = self.last_end.filter(|_| self.pause.is_some() || !self.connected) {
            return Some(reason);
        }
        if self.pause.is_some() {
            return Some(StandbyReason::Resigned);
        }
        let waited = self.roles.waiting_since().map(|since| self.now.since(since));
        let too_long = waited.is_some_and(|waited| waited >= self.timeout.first_word());
        (too_long && !self.is_winning()).then_some(StandbyReason::Connecting)
    }

    /// The master, if it is known and not this candidate.
    pub(super) fn others_master(&self) -> Option<Master> {
        self.contest.others_master()
    }

    pub(super) fn tell(&mut self, role: RoleId, message: Message) {
        let id = self.roles.tell(self.now, role, &message);
        self.outputs.push_back(Output::Notify(role, id, message));
    }
}
