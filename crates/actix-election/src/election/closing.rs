//! The part of an election in the close of its session: it steps down, says so, and leaves its lock to the close.

use actix::prelude::*;
use actix_election_core::{Input, OpId};
use tokio::sync::mpsc;

use super::Election;
use crate::session::link::{ConnectionId, Request};

/// Steps down, and says so as soon as no lease is valid any more: the session is about to be closed, and the lock goes
/// with it. So nothing is asked of the ensemble until [`ReleaseNow`] comes.
///
/// The sender is dropped after one message, or without one if the election is at its end.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub(crate) struct PrepareToClose(pub(crate) mpsc::UnboundedSender<()>);

/// The close has to wait for others: release the lock without it.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub(crate) struct ReleaseNow;

/// Who waits for the election to step down, and what is not asked meanwhile.
#[derive(Default)]
pub(super) struct Closing {
    waiting: Vec<mpsc::UnboundedSender<()>>,
    withheld: Option<Vec<(ConnectionId, OpId, Request)>>,
}

impl Closing {
    /// Whether the close does what would be asked of the session.
    pub(super) fn withholds(&self) -> bool {
        self.withheld.is_some()
    }

    /// Takes a request if it is not to be made now, and gives it back otherwise.
    pub(super) fn withhold(
        &mut self,
        connection: ConnectionId,
        op: OpId,
        request: Request,
    ) -> Option<Request> {
        let Some(withheld) = &mut self.withheld else { return Some(request) };
        // Mostly it stays at one, and ten thousand elections withhold at once.
        withheld.reserve_exact(1);
        withheld.push((connection, op, request));
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

impl Handler<PrepareToClose> for Election {
    type Result = ();

    fn handle(&mut self, PrepareToClose(ready): PrepareToClose, ctx: &mut Self::Context) {
        self.closing.waiting.push(ready);
        self.closing.withheld.get_or_insert_default();
        self.feed(Input::Withdraw, ctx);
    }
}

impl Handler<ReleaseNow> for Election {
    type Result = ();

    fn handle(&mut self, _: ReleaseNow, _: &mut Self::Context) {
        for (connection, op, request) in self.closing.withheld.take().unwrap_or_default() {
            self.link.request(connection, op, request);
        }
    }
}
