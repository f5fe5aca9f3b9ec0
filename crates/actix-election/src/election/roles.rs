//! Delivers messages to role actors, and notices when they are handled, when a role is dead, and when it was restarted.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix::dev::RecipientRequest;
use actix::prelude::{MailboxError, Recipient};
use actix_election_core::{MessageId, RoleId};

use super::messages::AddRole;
use super::{BecameMaster, BecameStandby};
use crate::lease::TermLease;

/// The role actors of an election.
#[derive(Default)]
pub(super) struct RoleActors {
    /// Mostly one, and a tree would take room for eleven.
    roles: Vec<(RoleId, RoleActor)>,
    last: u64,
}

struct RoleActor {
    master: Recipient<BecameMaster>,
    standby: Recipient<BecameStandby>,
    /// What it was told last, and whether that is `BecameMaster`.
    told: Option<MessageId>,
    is_master: bool,
    /// The `BecameMaster` that may not have been handled yet. Dropping it takes the message out of the mailbox, if it is
    /// still there.
    unread: Option<Pin<Box<RecipientRequest<BecameMaster>>>>,
    /// The term that may be tied to something, while that is `BecameMaster`.
    term: Option<Arc<TermLease>>,
    /// It was restarted since it was told that; so many looks pass before that is made known.
    restarted: Option<u32>,
    /// How many messages in a row were lost.
    losses: u32,
}

impl RoleActor {
    /// Both recipients are of the same actor, and so of the same mailbox.
    fn is_dead(&self) -> bool {
        !self.standby.connected()
    }

    fn failure(&self) -> Option<Failure> {
        if self.is_dead() {
            return Some(Failure::Dead);
        }
        self.told.filter(|_| self.restarted == Some(0)).map(Failure::Restarted)
    }

    /// Looks what has come of a `BecameMaster`. Nothing waits for its handling, so that nobody need be woken by that.
    fn look(&mut self) {
        self.restarted = self.restarted.map(|looks| looks.saturating_sub(1));
        if self.term.take_if(|term| term.is_tie_cut()).is_some() {
            self.restarted = Some(0);
        }
        let Some(request) = &mut self.unread else { return };
        if let Poll::Ready(handled) = request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.unread = None;
            if outcome(handled) == Delivery::Lost {
                self.lost();
            }
        }
    }

    /// One that loses whatever it is told would be told it again at once, and for ever; so it is given more and more time.
    fn lost(&mut self) {
        self.restarted = Some((1 << self.losses.min(6)) - 1);
        self.losses += 1;
    }

    fn notify(&mut self, message: MessageId) {
        self.told = Some(message);
        self.is_master = false;
        self.restarted = None;
        self.unread = None;
        self.term = None;
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Its handler has finished.
    Handled,
    /// Its handler never will: the actor is dead, or was restarted, or the handler's future panicked outside of it.
    Lost,
}

/// What has become of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The actor stopped or panicked, and never comes back.
    Dead,
    /// The actor lives, but not what it had under way since it was told this.
    Restarted(MessageId),
}

impl RoleActors {
    /// Adds a role; `None` if that actor plays one already, and so says that it was restarted.
    pub(super) fn add(&mut self, role: AddRole) -> Option<RoleId> {
        let AddRole { master, standby } = role;
        if let Some((_, known)) = self.roles.iter_mut().find(|(_, known)| known.standby == standby) {
            known.restarted = Some(0);
            return None;
        }
        self.last += 1;
        let role = RoleActor {
            master,
            standby,
            told: None,
            is_master: false,
            unread: None,
            term: None,
            restarted: None,
            losses: 0,
        };
        self.roles.push((RoleId(self.last), role));
        Some(RoleId(self.last))
    }

    pub(super) fn remove(&mut self, id: RoleId) {
        self.roles.retain(|(other, _)| *other != id);
    }

    /// Looks at all roles; returns whether there is a failure.
    pub(super) fn look(&mut self) -> bool {
        self.roles.iter_mut().any(|(_, role)| {
            role.look();
            role.failure().is_some()
        })
    }

    /// What was found, each restart once. actix tells nobody, so somebody has to look.
    pub(super) fn failures(&mut self) -> Vec<(RoleId, Failure)> {
        let mut found = Vec::new();
        for (id, role) in &mut self.roles {
            if let Some(failure) = role.failure() {
                role.restarted = None;
                found.push((*id, failure));
            }
        }
        found
    }

    fn role(&mut self, id: RoleId) -> Option<&mut RoleActor> {
        self.roles.iter_mut().find(|(other, _)| *other == id).map(|(_, role)| role)
    }

    /// It has handled a `BecameStandby`.
    pub(super) fn handled(&mut self, id: RoleId) {
        if let Some(role) = self.role(id) {
            role.losses = 0;
        }
    }

    /// This message was lost; returns what is known of the role by that.
    ///
    /// A message that is lost with its actor may be heard of before the actor's mailbox closes, so that this looks like a
    /// restart at first. The next look tells which it was.
    pub(super) fn lost(&mut self, id: RoleId, message: MessageId) -> Option<Failure> {
        let role = self.role(id)?;
        if role.is_dead() {
            return Some(Failure::Dead);
        }
        if role.told == Some(message) {
            role.lost();
        }
        None
    }

    /// Sends `BecameMaster`. The message is in the mailbox at once, however full that is.
    ///
    /// By a recipient of its own, as any message here: one that has met a full mailbox may refuse the next message.
    pub(super) fn notify_master(&mut self, id: RoleId, message: MessageId, news: BecameMaster) {
        if let Some(role) = self.role(id) {
            role.notify(message);
            role.is_master = true;
            role.term = Some(Arc::clone(&news.lease.term));
            role.unread = Some(Box::pin(role.master.clone().send(news)));
        }
    }

    /// Sends `BecameStandby`, after taking back a `BecameMaster` that the role has not begun to handle. It reaches
    /// the role whatever becomes of the future, which says what came of it.
    pub(super) fn notify_standby(
        &mut self,
        id: RoleId,
        message: MessageId,
        news: BecameStandby,
    ) -> Option<impl Future<Output = Delivery> + 'static> {
        let role = self.role(id)?;
        role.notify(message);
        let mut request = Lasting(Some(Box::pin(role.standby.clone().send(news))));
        Some(std::future::poll_fn(move |cx| request.poll(cx)))
    }
}

impl RoleActors {
    /// Sends `BecameStandby` to whoever was told last that it is master. Nobody waits for its handling.
    pub(super) fn abandon(&mut self, news: &BecameStandby) {
        for (_, role) in self.roles.iter_mut().filter(|(_, role)| role.is_master) {
            role.is_master = false;
            // Takes the other message back, if it was not handled.
            role.unread = None;
            role.standby.do_send(news.clone());
        }
    }
}

/// A message that stays in the mailbox even if nobody waits for its handling any more.
struct Lasting(Option<Pin<Box<RecipientRequest<BecameStandby>>>>);

impl Lasting {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        let Some(request) = &mut self.0 else { return Poll::Pending };
        let polled = request.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled.map(outcome)
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        // To drop the request is to take the message back, and actix knows no other way to let go of it. This
        // happens at most once for each role of an election that ends.
        std::mem::forget(self.0.take());
    }
}

fn outcome(result: Result<(), MailboxError>) -> Delivery {
    match result {
        Ok(()) => Delivery::Handled,
        Err(_) => Delivery::Lost,
    }
}
