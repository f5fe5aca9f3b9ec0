//! Delivers messages to role actors, and notices when they are handled and when a role is dead.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix::dev::RecipientRequest;
use actix::prelude::{MailboxError, Recipient};
use actix_election_core::RoleId;
use futures::future::{AbortHandle, abortable};

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
    /// The `BecameMaster` that may not have been handled yet.
    unread: Option<Unread>,
}

impl RoleActor {
    /// Both recipients are of the same actor, and so of the same mailbox.
    fn is_dead(&self) -> bool {
        !self.standby.connected()
    }
}

/// A request that may be taken back from elsewhere than where it is awaited.
type SharedRequest = Rc<RefCell<Option<Pin<Box<RecipientRequest<BecameMaster>>>>>>;

/// A message whose handling is awaited. Dropping it takes the message out of the mailbox, if it is still there.
struct Unread {
    request: SharedRequest,
    waiting: AbortHandle,
}

impl Drop for Unread {
    fn drop(&mut self) {
        // At once, not when the waiting task next runs: the role's thread may come to it in between.
        self.request.borrow_mut().take();
        self.waiting.abort();
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Its handler has finished.
    Handled,
    /// It was taken back.
    TakenBack,
    /// The actor stopped or panicked, and never comes back; or the future of its handler panicked, and nobody
    /// knows what state that leaves it in.
    RoleDead,
}

impl RoleActors {
    pub(super) fn add(&mut self, role: AddRole) -> RoleId {
        self.last += 1;
        let AddRole { master, standby } = role;
        self.roles.push((RoleId(self.last), RoleActor { master, standby, unread: None }));
        RoleId(self.last)
    }

    pub(super) fn remove(&mut self, id: RoleId) {
        self.roles.retain(|(other, _)| *other != id);
    }

    /// A last `BecameStandby` to a role that is given up though its actor may live: a panic in the future of a
    /// handler ends that future alone. Nobody waits for this message to be handled.
    pub(super) fn farewell(&self, id: RoleId, message: BecameStandby) {
        if let Some((_, role)) = self.roles.iter().find(|(other, _)| *other == id) {
            role.standby.do_send(message);
        }
    }

    /// The roles whose mailbox is closed. actix tells nobody, so somebody has to look.
    pub(super) fn dead(&self) -> Vec<RoleId> {
        self.roles.iter().filter(|(_, role)| role.is_dead()).map(|(id, _)| *id).collect()
    }

    pub(super) fn any_dead(&self) -> bool {
        self.roles.iter().any(|(_, role)| role.is_dead())
    }

    fn role(&mut self, id: RoleId) -> Option<&mut RoleActor> {
        self.roles.iter_mut().find(|(other, _)| *other == id).map(|(_, role)| role)
    }

    /// Sends `BecameMaster`; the future says what came of it.
    ///
    /// By a recipient of its own, as any message here: one that has met a full mailbox may refuse the next message.
    pub(super) fn tell_master(
        &mut self,
        id: RoleId,
        message: BecameMaster,
    ) -> Option<impl Future<Output = Delivery> + 'static> {
        let role = self.role(id)?;
        let request: SharedRequest = Rc::new(RefCell::new(Some(Box::pin(role.master.clone().send(message)))));
        let polled = Rc::clone(&request);
        let handled = std::future::poll_fn(move |cx| match polled.borrow_mut().as_mut() {
            Some(request) => request.as_mut().poll(cx).map(outcome),
            None => Poll::Ready(Delivery::TakenBack),
        });
        let (handled, waiting) = abortable(handled);
        role.unread = Some(Unread { request, waiting });
        Some(async move { handled.await.unwrap_or(Delivery::TakenBack) })
    }

    /// Sends `BecameStandby`, after taking back a `BecameMaster` that the role has not begun to handle. It reaches
    /// the role whatever becomes of the future.
    pub(super) fn tell_standby(
        &mut self,
        id: RoleId,
        message: BecameStandby,
    ) -> Option<impl Future<Output = Delivery> + 'static> {
        let role = self.role(id)?;
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
