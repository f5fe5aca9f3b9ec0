//! Delivers messages to role actors, and notices when they are handled and when a role is dead.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix::dev::RecipientRequest;
use actix::prelude::{MailboxError, Recipient};
use actix_election_core::RoleId;

use super::{AddRole, BecameMaster, BecameStandby};

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
    /// Whether `BecameMaster` was the last thing that it was told.
    is_master: bool,
    /// The `BecameMaster` that may not have been handled yet. Dropping it takes the message out of the mailbox, if it is
    /// still there.
    unread: Option<Pin<Box<RecipientRequest<BecameMaster>>>>,
    /// The future of a `BecameMaster` handler has panicked.
    has_failed: bool,
}

impl RoleActor {
    /// Both recipients are of the same actor, and so of the same mailbox.
    fn is_dead(&self) -> bool {
        self.has_failed || !self.standby.connected()
    }

    /// Looks what has come of a `BecameMaster`. Nothing waits for its handling, so that nobody need be woken by that.
    fn look(&mut self) {
        let Some(request) = &mut self.unread else { return };
        if let Poll::Ready(handled) = request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.unread = None;
            self.has_failed = outcome(handled) == Delivery::RoleDead;
        }
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Its handler has finished.
    Handled,
    /// The actor stopped or panicked, and never comes back; or the future of its handler panicked, and nobody
    /// knows what state that leaves it in.
    RoleDead,
}

impl RoleActors {
    pub(super) fn add(&mut self, role: AddRole) -> RoleId {
        self.last += 1;
        let AddRole { master, standby } = role;
        self.roles.push((
            RoleId(self.last),
            RoleActor { master, standby, is_master: false, unread: None, has_failed: false },
        ));
        RoleId(self.last)
    }

    pub(super) fn remove(&mut self, id: RoleId) {
        self.roles.retain(|(other, _)| *other != id);
    }

    /// A last `BecameStandby` to a master that is given up though its actor may live: a panic in the future of a handler
    /// ends that future alone. Nobody waits for this message to be handled.
    pub(super) fn farewell(&self, id: RoleId, message: BecameStandby) {
        if let Some((_, role)) = self.roles.iter().find(|(other, role)| *other == id && role.is_master) {
            role.standby.do_send(message);
        }
    }

    /// The roles whose mailbox is closed, or that failed as master. actix tells nobody, so somebody has to look.
    pub(super) fn dead(&self) -> Vec<RoleId> {
        self.roles.iter().filter(|(_, role)| role.is_dead()).map(|(id, _)| *id).collect()
    }

    /// Looks at all roles; returns whether one is dead.
    pub(super) fn any_dead(&mut self) -> bool {
        self.roles.iter_mut().any(|(_, role)| {
            role.look();
            role.is_dead()
        })
    }

    fn role(&mut self, id: RoleId) -> Option<&mut RoleActor> {
        self.roles.iter_mut().find(|(other, _)| *other == id).map(|(_, role)| role)
    }

    /// Sends `BecameMaster`. The message is in the mailbox at once, however full that is.
    ///
    /// By a recipient of its own, as any message here: one that has met a full mailbox may refuse the next message.
    pub(super) fn tell_master(&mut self, id: RoleId, message: BecameMaster) {
        if let Some(role) = self.role(id) {
            role.is_master = true;
            role.unread = Some(Box::pin(role.master.clone().send(message)));
        }
    }

    /// Sends `BecameStandby`, after taking back a `BecameMaster` that the role has not begun to handle. It reaches
    /// the role whatever becomes of the future, which says what came of it.
    pub(super) fn tell_standby(
        &mut self,
        id: RoleId,
        message: BecameStandby,
    ) -> Option<impl Future<Output = Delivery> + 'static> {
        let role = self.role(id)?;
        role.is_master = false;
        role.look();
        role.unread = None;
        let mut request = Lasting(Some(Box::pin(role.standby.clone().send(message))));
        Some(std::future::poll_fn(move |cx| request.poll(cx)))
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
        Err(_) => Delivery::RoleDead,
    }
}
