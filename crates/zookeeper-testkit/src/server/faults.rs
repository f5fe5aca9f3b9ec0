//! What can be wrong with a server.

use std::fmt;
use std::time::Duration;

use crate::faults::ReplyFilter;
use crate::guard::FaultGuard;
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

/// A fault of the in-process server that is in force until this value is dropped.
pub type ServerFault = FaultGuard<ServerFaultKind>;
