//! What comes of it when role actors die or are restarted.

use super::roles::Notified;
use super::{Candidate, Message, MessageId, RoleId, StandbyReason};

impl Candidate {
    pub(super) fn role_joined(&mut self, role: RoleId) {
        self.own_problems.no_role = None;
        self.roles.join(role, self.now);
    }

    pub(super) fn role_failed(&mut self, role: RoleId) {
        if !self.roles.remove(role) {
            return;
        }
        // Whatever this one had been notified of: a term is led by all roles together.
        self.fail();
        if self.roles.is_empty() {
            self.own_problems.no_role();
        }
    }

    /// What it did as master has stopped, or goes on where nobody minds it. To notify it anew would leave that to run beside
    /// what it begins now; so it steps down like all others, and whoever can do the work has the next term.
    pub(super) fn role_restarted(&mut self, role: RoleId, message: MessageId) {
        match self.roles.notified_by(role, message) {
            Some(Notified::Master) => self.fail(),
            // The lock may wait for its word.
            Some(Notified::Standby) if self.roles.owes_word(role) => {
                let reason = self.terms.last_end.unwrap_or(StandbyReason::Connecting);
                let otherwise = Message::BecameStandby { reason, master: self.others_master() };
                let message = self.standby_news().unwrap_or(otherwise);
                self.notify(role, message);
            }
            Some(Notified::Standby) => self.roles.forget(role, self.now),
            Some(Notified::Nothing) | None => {}
        }
    }

    fn fail(&mut self) {
        self.step_down(StandbyReason::RoleFailed, self.config.failure_pause);
        self.terms.last_end = Some(StandbyReason::RoleFailed);
        self.stay_out(self.config.failure_pause);
    }
}
