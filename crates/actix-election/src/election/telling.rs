//! The role actors of an election: what they are told, and what becomes of them.

use std::sync::Arc;

use actix::prelude::*;
use actix_election_core::{Input, Message as News, MessageId, RoleId};

use super::Election;
use super::messages::{AddRole, BecameMaster, BecameStandby};
use super::roles::{Delivery, Failure};
use crate::lease::Lease;

impl Election {
    pub(super) fn add_role(&mut self, role: AddRole, ctx: &mut Context<Self>) {
        let id = self.watched.roles.borrow_mut().add(role);
        match id {
            Some(id) => self.feed(Input::RoleJoined(id), ctx),
            None => tracing::info!(path = %self.path, "a role actor was added again, so it was restarted"),
        }
    }

    pub(super) fn tell(&mut self, role: RoleId, message: MessageId, news: News, ctx: &mut Context<Self>) {
        let path = self.path.clone();
        match news {
            News::BecameMaster { token } => {
                let Some(term) = self.term.clone() else { return };
                tracing::info!(%path, %token, "became master");
                let election = ctx.address().downgrade().recipient();
                let lease = Lease { term, election, tie: Arc::default() };
                let news = BecameMaster { path, lease };
                self.watched.roles.borrow_mut().tell_master(role, message, news);
            }
            News::BecameStandby { reason, master } => {
                tracing::info!(%path, %reason, "became standby");
                let news = BecameStandby { path, reason, master };
                let delivery = self.watched.roles.borrow_mut().tell_standby(role, message, news);
                if let Some(delivery) = delivery {
                    ctx.spawn(
                        delivery
                            .into_actor(self)
                            .map(move |delivery, this, ctx| this.told_standby(role, message, delivery, ctx)),
                    );
                }
            }
        }
    }

    /// Something has come of a `BecameStandby`.
    fn told_standby(
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

    /// Looks what actix tells nobody.
    pub(super) fn look_at_roles(&mut self, ctx: &mut Context<Self>) {
        let failures = self.watched.roles.borrow_mut().failures();
        for (role, failure) in failures {
            self.role_failed(role, failure, ctx);
        }
    }

    fn role_failed(&mut self, role: RoleId, failure: Failure, ctx: &mut Context<Self>) {
        match failure {
            Failure::Dead => {
                tracing::warn!(path = %self.path, "a role actor is dead");
                self.watched.roles.borrow_mut().remove(role);
                self.feed(Input::RoleFailed(role), ctx);
            }
            Failure::Restarted(message) => {
                tracing::warn!(path = %self.path, "a role actor was restarted, or the future of its handler panicked");
                self.feed(Input::RoleRestarted(role, message), ctx);
            }
        }
    }
}
