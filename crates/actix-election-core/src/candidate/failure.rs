//! What comes of it when role actors die.

use super::{Candidate, RoleId, StandbyReason, Trouble, TroubleKind};

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
        self.step_down(StandbyReason::RoleFailed, self.config.failure_pause);
        self.last_end = Some(StandbyReason::RoleFailed);
        self.stay_out(self.config.failure_pause);
        if self.roles.is_empty() {
            self.no_role = Some(Trouble {
                kind: TroubleKind::NoRole,
                message:
                    "no role actor is left, the last one is dead: this candidate stays out until one is added"
                        .to_owned(),
            });
        }
    }
}
