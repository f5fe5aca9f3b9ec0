//! What can be wrong with a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::shared::Shared;
use super::state::ConnectionId;
use crate::faults::{FaultId, ReplyFilter, TimedOut};
use crate::wire::ErrorCode;

/// The place of a server in its ensemble, from 0. A server that stands alone is member 0.
pub type MemberId = usize;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerFaultKind {
    /// New connections to this member are refused; present ones live.
    Refuse(MemberId),
    /// New connections to this member are accepted and closed.
    AcceptAndClose(MemberId),
    /// New connections to this member are accepted and hear nothing.
    AcceptAndSayNothing(MemberId),
    /// Every member stands still.
    Pause,
    /// Followers answer, but there is nobody to write through, and nobody to expire sessions.
    PauseLeader,
    /// This member is cut off from the others.
    Isolate(MemberId),
    /// Such requests are answered with an error and not carried out.
    AnswerError(ReplyFilter, ErrorCode),
    /// Such replies come later, and all behind them on their connections.
    DelayReply(ReplyFilter, Duration),
    /// The first such reply is swallowed.
    SwallowReply(ReplyFilter),
    /// The first such reply and all behind it on its connection are kept, and delivered at the end.
    HoldReply(ReplyFilter),
    /// The connection is closed in place of the first such reply.
    CutBeforeReply(ReplyFilter),
}

impl ServerFaultKind {
    /// The reply that the fault waits for, if it is one of those that strike once.
    pub(super) fn reply(&self) -> Option<&ReplyFilter> {
        match self {
            Self::SwallowReply(filter) | Self::HoldReply(filter) | Self::CutBeforeReply(filter) => {
                Some(filter)
            }
            _ => None,
        }
    }
}

impl fmt::Display for ServerFaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(member) => write!(formatter, "member {member} refuses connections"),
            Self::AcceptAndClose(member) => {
                write!(formatter, "member {member} accepts connections and closes them")
            }
            Self::AcceptAndSayNothing(member) => {
                write!(formatter, "member {member} accepts connections and says nothing")
            }
            Self::Pause => formatter.write_str("everything is paused"),
            Self::PauseLeader => formatter.write_str("the leader is paused"),
            Self::Isolate(member) => write!(formatter, "member {member} is cut off from its ensemble"),
            Self::AnswerError(filter, error) => write!(formatter, "answer {filter} with {error}"),
            Self::DelayReply(filter, by) => write!(formatter, "delay replies to {filter} by {by:?}"),
            Self::SwallowReply(filter) => write!(formatter, "swallow the next reply to {filter}"),
            Self::HoldReply(filter) => write!(formatter, "hold the next reply to {filter}"),
            Self::CutBeforeReply(filter) => write!(formatter, "cut before the next reply to {filter}"),
        }
    }
}

/// A fault that is in force until this value is dropped.
#[must_use = "a fault ends when its value is dropped"]
pub struct ServerFault {
    id: FaultId,
    kind: ServerFaultKind,
    shared: Arc<Shared>,
    runtime: Handle,
}

impl ServerFault {
    pub(super) fn new(kind: ServerFaultKind, shared: Arc<Shared>, runtime: Handle) -> Self {
        let id = shared.begin(kind.clone());
        Self { id, kind, shared, runtime }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ServerFaultKind {
        &self.kind
    }

    /// The first connection that a fault on replies or requests has struck, if it has. `None` for other kinds.
    pub fn met(&self) -> Option<ConnectionId> {
        self.shared.met(self.id)
    }

    /// Returns once a fault on replies or requests has struck for the first time. Where it is a reply that is lost, held
    /// or replaced, the request has been carried out by then.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] after `deadline` of real time, and always so for other kinds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_until_met(&self, deadline: Duration) -> Result<ConnectionId, TimedOut> {
        self.shared.wait(&self.runtime, deadline, || self.met()).await
    }

    /// Ends the fault. The same as dropping it.
    pub fn end(self) {}
}

impl Drop for ServerFault {
    fn drop(&mut self) {
        self.shared.end(self.id, &self.kind);
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)
    }
}

impl fmt::Debug for ServerFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServerFault({})", self.kind)
    }
}
