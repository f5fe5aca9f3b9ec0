//! What passes between the session's thread and those who use the session.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_election_core::{OpId, Operation, Reply, SessionId, SessionState, SessionTimeout, WatchEvent};
use futures::channel::mpsc as small;
use tokio::sync::{mpsc, oneshot};

use crate::lease::SessionLease;

/// Names one user of a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LinkId(pub(crate) u64);

/// Numbers the connections of one session thread; a request made for one connection is never sent on another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Where a user of a session is told of what happens. A channel of tokio's has room for 32 notices from the start, which
/// is most of what an idle election would occupy; this one has room for those that are there.
pub(crate) type NoticeSender = small::UnboundedSender<Notice>;

/// What a user of a session is told.
pub(crate) type Notices = small::UnboundedReceiver<Notice>;

/// A channel for notices.
pub(crate) fn notice_channel() -> (NoticeSender, Notices) {
    small::unbounded()
}

/// What is asked of the ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// What an election asks.
    Election(Operation),
    /// The same, but all others go first.
    WhenQuiet(Operation),
    /// Create the request that a master resign: an ephemeral znode that every master can read.
    AskToResign { path: String, data: Vec<u8> },
}

/// What the session's thread is told.
pub(crate) enum Command {
    /// Somebody uses the session from now on, and is told of everything on this channel.
    Join(LinkId, NoticeSender),
    /// And no longer.
    Part(LinkId),
    /// Whether this user needs a lease.
    Candidate(LinkId, bool),
    /// Carry out this request on this connection.
    Request(LinkId, ConnectionId, OpId, Request),
    /// Close the session. The reply comes when it is closed, or when nothing more can be done about it.
    Close(oneshot::Sender<()>),
}

/// What the session's thread tells one user, in the order in which it happened.
#[derive(Clone)]
pub(crate) enum Notice {
    /// The session is attached and proven on this connection.
    Connected {
        connection: ConnectionId,
        session: SessionId,
        timeout: SessionTimeout,
        lease: Arc<SessionLease>,
    },
    /// That connection is gone, and with it every request and watch.
    Disconnected,
    /// The session is over; its lease has ended.
    SessionLost,
    /// A request was answered.
    Answered(OpId, Reply),
    /// The watch that this request armed has fired.
    WatchFired(OpId, WatchEvent),
}

/// What the session's thread tells the session actor.
#[derive(Debug)]
pub(crate) enum SessionNotice {
    /// A server has attached the session, or opened it. It is not proven yet.
    Attached { session: SessionId, timeout: SessionTimeout, server: SocketAddr },
    /// The session's state has changed.
    State(SessionState),
    /// What somebody has to put right.
    Problem(String),
    /// Something for the logs of whoever looks into a problem. The session's thread logs nothing itself.
    Detail(String),
}

/// Tells the session actor.
#[derive(Clone)]
pub(super) struct Reporter(mpsc::UnboundedSender<SessionNotice>);

impl Reporter {
    pub(super) fn new(notices: mpsc::UnboundedSender<SessionNotice>) -> Self {
        Reporter(notices)
    }

    pub(super) fn state(&self, state: SessionState) {
        self.send(SessionNotice::State(state));
    }

    pub(super) fn attached(&self, session: SessionId, timeout: SessionTimeout, server: SocketAddr) {
        self.send(SessionNotice::Attached { session, timeout, server });
    }

    /// What somebody has to put right.
    pub(super) fn problem(&self, text: String) {
        self.send(SessionNotice::Problem(text));
    }

    /// For the log alone, which nobody writes to from the session's thread.
    pub(super) fn detail(&self, text: String) {
        self.send(SessionNotice::Detail(text));
    }

    fn send(&self, notice: SessionNotice) {
        // If nobody listens, nobody needs to know.
        let _ = self.0.send(notice);
    }
}

/// One user's end of a session. It parts when it is dropped, wherever that is: with an answer that nobody waits for any more,
/// or by a panic.
pub(crate) struct SessionLink {
    pub(crate) id: LinkId,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
}

impl Drop for SessionLink {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Part(self.id));
    }
}

impl SessionLink {
    pub(crate) fn request(&self, connection: ConnectionId, op: OpId, request: Request) {
        // If the thread is gone, the session is, and a notice of that is on its way.
        let _ = self.commands.send(Command::Request(self.id, connection, op, request));
    }

    pub(crate) fn candidate(&self, candidate: bool) {
        let _ = self.commands.send(Command::Candidate(self.id, candidate));
    }
}

impl fmt::Debug for SessionLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLink").field(&self.id).finish()
    }
}
