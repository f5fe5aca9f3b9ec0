//! What comes of it when role actors die or are restarted.

use super::roles::Told;
use super::{Candidate, Message, MessageId, Problem, ProblemKind, RoleId, StandbyReason};

impl Candidate {
    pub(super) fn role_joined(&mut self, role: RoleId) {
        self.no_role = None;
        self.roles.join(role, self.now);
    }

    pub(super) fn role_failed(&mut self, role: RoleId) {
        if !self.roles.remove(role) {
            return;
        }
        // Whatever this one had been told: a term is led by all roles together.
        self.fail();
        if self.roles.is_empty() {
            self.no_role = Some(Problem {
                kind: ProblemKind::NoRole,
                message:
                    "no role actor is left, the last one is dead: this candidate stays out until one is added"
                        .to_owned(),
            });
        }
    }

    /// What it did as master has stopped, or goes on where nobody minds it. To tell it anew would leave that to run beside
    /// what it begins now; so it steps down like all others, and whoever can do the work has the next term.
    pub(super) fn role_restarted(&mut self, role: RoleId, message: MessageId) {
        match self.roles.told_by(role, message) {
            Some(Told::Master) => self.fail(),
            // The lock may wait for its word.
            Some(Told::Standby) if self.roles.owes_word(role) => {
                let reason = self.last_end.unwrap_or(StandbyReason::Connecting);
                let otherwise = Message::BecameStandby { reason, master: self.others_master() };
                let message = self.standby_news().unwrap_or(otherwise);
                self.tell(role, message);
            }
            Some(Told::Standby) => self.roles.forget(role, self.now),
            Some(Told::Nothing) | None => {}
        }
    }

    fn fail(&mut self) {
        self.step_down(StandbyReason::RoleFailed, self.config.failure_pause);
        self.last_end = Some(StandbyReason::RoleFailed);
        self.stay_out(self.config.failure_pause);
    }
}
