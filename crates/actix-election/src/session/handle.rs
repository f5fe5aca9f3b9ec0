//! What users hold of a session.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix::{Addr, Message, Recipient};
use actix_election_core::SessionState;
use futures::{Stream, StreamExt as _};
use tokio::sync::oneshot;

use super::SessionBuilder;
use super::actor::{Close, SessionActor, Subscribe};
use super::board::SessionBoard;
use super::ending::{self, Held, ThreadEnd};
use crate::Problem;

/// A ZooKeeper session: shared by any number of elections of this process.
///
/// This is a handle: cheap to clone, and usable from any thread and runtime. The session has a thread of its own, and its
/// elections run on another one, so code that blocks a thread of yours costs neither the session nor a lease.
///
/// The session lives as long as a handle to it or to one of its elections exists. When the last one is dropped without
/// [`close`](Self::close), the session is closed all the same, and the log says so. It is also closed if the actix system that
/// it was started in is stopped; then the elections end without waiting for roles, because role actors end with the system.
///
/// When the thread that started the session ends, it waits for up to 5 s for a session that is being closed: a process that
/// drops its handles and returns from `main` leaves no lock behind. (Where the C library drops the main thread's thread-local
/// values, as glibc does and musl does not: elsewhere [`close`](Self::close) the session.) `std::process::exit` on another thread, `abort` and
/// unhandled signals do not wait.
#[derive(Clone)]
#[must_use = "the session is closed when the last handle of it and of its elections is dropped"]
pub struct Session {
    pub(crate) address: Addr<SessionActor>,
    pub(crate) board: Arc<SessionBoard>,
    pub(super) end: Arc<ThreadEnd>,
    pub(crate) held: Held,
}

impl Session {
    pub(super) fn new(address: Addr<SessionActor>, board: Arc<SessionBoard>, end: Arc<ThreadEnd>) -> Self {
        Session { address, board, end, held: Held::default() }
    }

    /// At its end, this thread will wait for the session if that is being closed then.
    pub(super) fn wait_at_exit(&self) {
        ending::wait_at_exit(&self.held, &self.board, &self.end);
    }

    /// Settings for a session at the ensemble `connect`: `host[:port],host[:port],.../chroot`.
    ///
    /// Every path is relative to the chroot. A candidate creates the chroot if it is missing.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), actix_election::StartError> {
    /// use std::time::Duration;
    /// use actix_election::Session;
    ///
    /// let session = Session::builder("zk1:2181,zk2:2181,zk3:2181/payments")
    ///     .session_timeout(Duration::from_secs(6))
    ///     .auth("digest", "payments:secret")
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(connect: &str) -> SessionBuilder {
        SessionBuilder::new(connect)
    }

    /// Hands over every election of the session in order, then closes the session.
    ///
    /// Returns when the session is closed, which releases all locks at once, or immediately if it is closed already. Roles get
    /// their step-down timeout; if one is slow, the locks of other elections are released meanwhile. If no server
    /// can be reached, the session is given up after 2 s and ends at the ensemble when it expires.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the future takes effect even if it is dropped.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.address.do_send(Close(done));
        if closed.await.is_err() {
            // The actor is gone, closed before or with the actix system: then the thread closes the session by itself.
            self.end.come().await;
        }
    }

    /// The state of the session now. Returns at once.
    pub fn state(&self) -> SessionState {
        self.board.read().value.state
    }

    /// The state of the session, now and on every change. A slow reader misses intermediate states, but never the last one.
    ///
    /// The stream ends once the session is closed, and does not keep the session open.
    pub fn changes(&self) -> SessionChanges {
        let board = Arc::clone(&self.board);
        let seen: Option<u64> = None;
        let states = futures::stream::unfold((board, seen), async |(board, seen)| {
            let shown = match seen {
                None => board.read(),
                Some(version) => board.after(version).await?,
            };
            Some((shown.value.state, (board, Some(shown.version))))
        });
        // What was attached, and where, is shown as well.
        let mut last = None;
        SessionChanges(Box::pin(
            states.filter(move |state| std::future::ready(last.replace(*state) != Some(*state))),
        ))
    }

    /// Sends [`SessionChanged`] to this recipient, now and on every change, until its actor is gone.
    pub fn report_changes(&self, recipient: Recipient<SessionChanged>) {
        self.address.do_send(Subscribe(recipient));
    }

    /// Sends [`Problem`] to this recipient: whatever keeps the session from being attached to a server, and if one of its elections
    /// has ended unexpectedly. The first is sent at once if there is a problem already; this ends when the recipient's actor is gone.
    pub fn report_problems(&self, recipient: Recipient<Problem>) {
        self.address.do_send(Subscribe(recipient));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.board.read().value;
        let mut shown = f.debug_struct("Session");
        shown.field("state", &facts.state);
        if let Some(attached) = facts.attached {
            shown.field("session", &attached.session).field("server", &attached.server);
        }
        shown.finish_non_exhaustive()
    }
}

/// The state of a session has changed.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[rtype(result = "()")]
#[non_exhaustive]
pub struct SessionChanged {
    /// The new state.
    pub state: SessionState,
}

impl SessionChanged {
    /// For tests of code that receives it.
    pub fn new(state: SessionState) -> Self {
        SessionChanged { state }
    }
}

/// The states of a session: see [`Session::changes`].
#[must_use = "streams do nothing unless polled"]
pub struct SessionChanges(Pin<Box<dyn Stream<Item = SessionState> + Send>>);

impl Stream for SessionChanges {
    type Item = SessionState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SessionState>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for SessionChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionChanges").finish_non_exhaustive()
    }
}
