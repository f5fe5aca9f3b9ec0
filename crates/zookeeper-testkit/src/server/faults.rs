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
    /// Sessions that are due are condemned, and do not end.
    HoldExpiry,
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
            Self::HoldExpiry => formatter.write_str("sessions that are due do not end"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OpCode;

    #[test]
    fn every_fault_prints_itself() {
        use ServerFaultKind::*;
        let filter = || ReplyFilter::to(OpCode::Create).on("/a");
        for (kind, printed) in [
            (Refuse(0), "member 0 refuses connections"),
            (AcceptAndClose(1), "member 1 accepts connections and closes them"),
            (AcceptAndSayNothing(2), "member 2 accepts connections and says nothing"),
            (Pause, "everything is paused"),
            (PauseLeader, "the leader is paused"),
            (Isolate(1), "member 1 is cut off from its ensemble"),
            (HoldExpiry, "sessions that are due do not end"),
            (AnswerError(filter(), ErrorCode::NoAuth), "answer Create on /a with NoAuth"),
            (DelayReply(filter(), Duration::from_millis(5)), "delay replies to Create on /a by 5ms"),
            (SwallowReply(filter().of(0xab)), "swallow the next reply to Create on /a of session 0xab"),
            (HoldReply(ReplyFilter::any()), "hold the next reply to anything"),
            (CutBeforeReply(filter()), "cut before the next reply to Create on /a"),
        ] {
            assert_eq!(kind.to_string(), printed);
        }
    }
}
