//! The role actors of an election: what they are notified of, and what becomes of them.

use actix::prelude::*;
use actix_election_core::{CandidateState, Master};
use actix_election_core::{
    FencingToken, Input, Message as News, MessageId, RoleId, StandbyReason, Timestamp,
};

use super::actor::ElectionActor;
use super::ledger::Change;
use super::messages::{AddRole, BecameMaster, BecameStandby};
use super::roles::{Delivery, Failure};
use crate::lease::Lease;

/// What was logged last of whether this process is master. All roles of an election are notified of the same: one line will do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Noted {
    #[default]
    Nothing,
    Standby,
    Master(FencingToken, Timestamp),
}

impl ElectionActor {
    /// Logs a change, after everybody was notified.
    pub(super) fn note(&self, change: Change) {
        self.sweep.note(&self.path, change);
    }

    fn note_master(&mut self, token: FencingToken) {
        if !matches!(self.noted, Noted::Master(noted, _) if noted == token) {
            self.noted = Noted::Master(token, self.clock.now());
            self.note(Change::BecameMaster { token });
        }
    }

    fn note_standby(&mut self, reason: StandbyReason, master: Option<Master>) {
        match std::mem::replace(&mut self.noted, Noted::Standby) {
            Noted::Standby => {}
            Noted::Nothing => self.note(Change::BecameStandby { reason, master }),
            Noted::Master(token, since) => {
                let lasted = self.clock.now().since(since);
                self.note(Change::TermEnded { reason, token, lasted });
            }
        }
    }

    /// Logs who is master, unless it is this process: that has a line of its own.
    pub(super) fn note_new_master(&self, master: Master) {
        let status = self.candidate.status();
        if status.token != Some(master.token) && status.state != CandidateState::Winning {
            self.note(Change::NewMaster(master));
        }
    }

    pub(super) fn add_role(&mut self, role: AddRole, ctx: &mut Context<Self>) {
        let id = self.watched.roles.borrow_mut().add(role);
        match id {
            Some(id) => self.feed(Input::RoleJoined(id), ctx),
            None => self.note(Change::RoleAddedAgain),
        }
    }

    pub(super) fn notify(&mut self, role: RoleId, message: MessageId, news: News, ctx: &mut Context<Self>) {
        let path = self.path.clone();
        match news {
            News::BecameMaster { token } => {
                let Some(term) = self.term.clone() else { return };
                let news = BecameMaster { path, lease: Lease { term } };
                self.watched.roles.borrow_mut().notify_master(role, message, news);
                self.note_master(token);
            }
            News::BecameStandby { reason, master } => {
                let is_self = self.is_self(master.as_ref());
                let news = BecameStandby { path, reason, master: master.clone(), is_self };
                let delivery = self.watched.roles.borrow_mut().notify_standby(role, message, news);
                if let Some(delivery) = delivery {
                    ctx.spawn(delivery.into_actor(self).map(move |delivery, this, ctx| {
                        this.standby_delivered(role, message, delivery, ctx)
                    }));
                }
                self.note_standby(reason, master);
            }
        }
    }

    /// Something has come of a `BecameStandby`.
    fn standby_delivered(
        &mut self,
        role: RoleId,
        message: MessageId,
        delivery: Delivery,
        ctx: &mut Context<Self>,
    ) {
        if delivery == Delivery::Handled {
            self.watched.roles.borrow_mut().handled(role);
            self.feed(Input::RoleAcknowledged(role, message), ctx);
            self.disarm_watchdog();
            return;
        }
        let failure = self.watched.roles.borrow_mut().lost(role, message);
        if let Some(failure) = failure {
            self.role_failed(role, failure, ctx);
        }
    }

    /// Checks for what actix notifies nobody of.
    pub(super) fn check_roles(&mut self, ctx: &mut Context<Self>) {
        let failures = self.watched.roles.borrow_mut().failures();
        for (role, failure) in failures {
            self.role_failed(role, failure, ctx);
        }
    }

    fn role_failed(&mut self, role: RoleId, failure: Failure, ctx: &mut Context<Self>) {
        match failure {
            Failure::Dead => {
                self.watched.roles.borrow_mut().remove(role);
                self.feed(Input::RoleFailed(role), ctx);
                self.note(Change::RoleDead);
            }
            Failure::Restarted(message) => {
                self.feed(Input::RoleRestarted(role, message), ctx);
                self.note(Change::RoleRestarted);
            }
        }
    }
}
