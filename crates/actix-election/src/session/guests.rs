//! Those who live on a session's arbiter, each under a path of its own: what a session has to know of them.
//!
//! A session knows no elections. Whoever moves in is given a link, and says how it is told that the session is about to be
//! closed, and, as its last word, what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use actix::WeakRecipient;
use actix::prelude::*;
use actix_election_core::ElectionPath;
use tokio::sync::mpsc;

use super::SessionActor;
use super::board::SessionBoard;
use super::link::{Notices, SessionLink};
use crate::StartError;

/// What a guest is given.
pub(crate) struct Admission {
    /// Keeps the session alive.
    pub(crate) session: Addr<SessionActor>,
    pub(crate) board: Arc<SessionBoard>,
    /// The session timeout that is asked for.
    pub(crate) timeout: Duration,
    pub(crate) link: SessionLink,
    pub(crate) notices: Notices,
}

/// How a guest takes part in the close of the session.
pub(crate) struct Guest {
    pub(crate) closing: WeakRecipient<CloseStep>,
    /// Called on the arbiter once the session is closed, before whoever waits for that is told.
    pub(crate) farewell: fn(),
}

/// What a guest is told when its session is about to be closed.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub(crate) enum CloseStep {
    /// Step down, and say so as soon as no lease is valid any more: locks go with the session, so nothing is to be asked of the
    /// ensemble until `ReleaseNow` comes. The sender is dropped after one message, or without one by a guest at its end.
    Prepare(mpsc::UnboundedSender<()>),
    /// The close has to wait for others: release the locks without it.
    ReleaseNow,
}

/// Makes a guest, on the session's arbiter.
type Arrival<T> = Box<dyn FnOnce(Admission) -> Result<(Guest, T), StartError> + Send>;

/// Lets somebody in under this path, which nobody else may use meanwhile.
#[derive(Message)]
#[rtype(result = "Result<T, StartError>")]
pub(crate) struct Admit<T: Send + 'static> {
    pub(crate) path: ElectionPath,
    pub(crate) arrival: Arrival<T>,
}

impl<T: Send + 'static> Handler<Admit<T>> for SessionActor {
    type Result = Result<T, StartError>;

    fn handle(&mut self, Admit { path, arrival }: Admit<T>, ctx: &mut Self::Context) -> Self::Result {
        // Nobody would see to it that whoever comes now steps down before the lock goes.
        if self.is_closing() {
            return Err(StartError::SessionClosed);
        }
        if self.guests.contains_key(&path) {
            return Err(StartError::PathInUse(path));
        }
        let (guest, arrived) = arrival(self.admission(ctx))?;
        self.enter(path, guest);
        Ok(arrived)
    }
}

/// What a guest has left behind.
pub(crate) enum Remains {
    /// Nothing: it has left, or its session is over.
    Nothing,
    /// It has ended unasked; with who is to let go of what it held, if it ever held anything.
    Heir(Option<Heir>),
    /// The same, and it was an heir itself: there is no end to that.
    Uncertain,
}

/// Lets go of what another one has left, under the same path.
pub(crate) type Heir = Box<dyn FnOnce(Admission) -> Result<Guest, StartError> + Send>;

/// A guest has ended: the last thing that it says, however it came to that.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GuestEnded {
    pub(crate) path: ElectionPath,
    pub(crate) remains: Remains,
}

impl Handler<GuestEnded> for SessionActor {
    type Result = ();

    fn handle(&mut self, GuestEnded { path, remains }: GuestEnded, ctx: &mut Self::Context) {
        let what_follows = match remains {
            Remains::Nothing => {
                self.guests.remove(&path);
                return;
            }
            Remains::Uncertain => "what it held in ZooKeeper is released when the session ends".to_owned(),
            Remains::Heir(None) => {
                self.guests.remove(&path);
                "it held nothing in ZooKeeper".to_owned()
            }
            // The path stays in use until that is done.
            Remains::Heir(Some(heir)) => match heir(self.admission(ctx)) {
                Ok(heir) => {
                    self.enter(path.clone(), heir);
                    "what it held in ZooKeeper is released".to_owned()
                }
                Err(error) => format!("what it held in ZooKeeper is released when the session ends: {error}"),
            },
        };
        self.lost_a_guest(path, &what_follows);
    }
}

/// Opens a link for somebody who lives elsewhere, and has no part in the close.
#[derive(Message)]
#[rtype(result = "OpenedLink")]
pub(crate) struct OpenLink;

/// A link, and what it is told.
#[derive(MessageResponse)]
pub(crate) struct OpenedLink(pub(crate) SessionLink, pub(crate) Notices);

impl Handler<OpenLink> for SessionActor {
    type Result = OpenedLink;

    fn handle(&mut self, _: OpenLink, _: &mut Self::Context) -> OpenedLink {
        let (link, notices) = self.link();
        OpenedLink(link, notices)
    }
}
