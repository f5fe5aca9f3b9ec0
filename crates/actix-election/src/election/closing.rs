//! The part of an election in the close of its session: it steps down, says so, and leaves its lock to the close.

use actix::prelude::*;
use actix_election_core::{Input, OpId};
use tokio::sync::mpsc;

use super::actor::ElectionActor;
use crate::session::CloseStep;
use crate::session::link::{ConnectionId, Request};

/// Who waits for the election to step down, and what is not asked meanwhile.
#[derive(Default)]
pub(super) struct Closing {
    waiting: Vec<mpsc::UnboundedSender<()>>,
    deferred: Option<Vec<(ConnectionId, OpId, Request)>>,
    has_begun: bool,
}

impl Closing {
    /// Whether the session is about to be closed.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether the close does what would be asked of the session.
    pub(super) fn defers(&self) -> bool {
        self.deferred.is_some()
    }

    /// Takes a request if it is not to be made now, and gives it back otherwise.
    pub(super) fn defer(&mut self, connection: ConnectionId, op: OpId, request: Request) -> Option<Request> {
        let Some(deferred) = &mut self.deferred else { return Some(request) };
        // Mostly it stays at one, and ten thousand elections defer at once.
        deferred.reserve_exact(1);
        deferred.push((connection, op, request));
        None
    }

    /// No lease is valid any more.
    pub(super) fn stepped_down(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            // Whoever asked may have gone.
            let _ = waiting.send(());
        }
    }
}

impl Handler<CloseStep> for ElectionActor {
    type Result = ();

    fn handle(&mut self, step: CloseStep, ctx: &mut Self::Context) {
        match step {
            CloseStep::Prepare(ready) => {
                self.closing.waiting.push(ready);
                self.closing.deferred.get_or_insert_default();
                self.closing.has_begun = true;
                self.feed(Input::Withdraw, ctx);
            }
            CloseStep::ReleaseNow => {
                for (connection, op, request) in self.closing.deferred.take().unwrap_or_default() {
                    self.link.request(connection, op, request);
                }
            }
        }
    }
}
