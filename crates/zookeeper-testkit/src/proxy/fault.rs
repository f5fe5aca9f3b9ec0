//! What can be wrong between a client and its server.

use std::fmt;
use std::time::Duration;

use crate::faults::ReplyFilter;
use crate::guard::FaultGuard;

/// Which way frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
    /// Both ways.
    Both,
}

impl Direction {
    pub(super) fn covers(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ToServer => "to the server",
            Self::ToClient => "to the client",
            Self::Both => "both ways",
        })
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// New connections are refused; present ones live.
    Refuse,
    /// New connections are accepted and closed.
    AcceptAndClose,
    /// New connections are accepted and hear nothing.
    AcceptAndSayNothing,
    /// Frames are kept, and delivered at the end.
    Hold(Direction),
    /// Frames are swallowed.
    Swallow(Direction),
    /// Frames are delivered later, in order.
    Delay(Direction, Duration),
    /// Frames are delivered in segments of one byte.
    SingleBytes(Direction),
    /// The first such reply is swallowed.
    SwallowReply(ReplyFilter),
    /// The first such reply and all behind it on its connection are kept, and delivered at the end.
    HoldReply(ReplyFilter),
    /// The connection is reset in place of the first such reply.
    CutBeforeReply(ReplyFilter),
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => formatter.write_str("refuse connections"),
            Self::AcceptAndClose => formatter.write_str("accept connections and close them"),
            Self::AcceptAndSayNothing => formatter.write_str("accept connections and say nothing"),
            Self::Hold(direction) => write!(formatter, "hold frames {direction}"),
            Self::Swallow(direction) => write!(formatter, "swallow frames {direction}"),
            Self::Delay(direction, by) => write!(formatter, "delay frames {direction} by {by:?}"),
            Self::SingleBytes(direction) => write!(formatter, "single bytes {direction}"),
            Self::SwallowReply(filter) => write!(formatter, "swallow the next reply to {filter}"),
            Self::HoldReply(filter) => write!(formatter, "hold the next reply to {filter}"),
            Self::CutBeforeReply(filter) => write!(formatter, "cut before the next reply to {filter}"),
        }
    }
}

impl FaultKind {
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

/// A fault of the proxy that is in force until this value is dropped. What it kept is delivered then.
pub type Fault = FaultGuard<FaultKind>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OpCode;

    #[test]
    fn every_fault_prints_itself() {
        use Direction::*;
        use FaultKind::*;
        let filter = || ReplyFilter::to(OpCode::Create).on("/a");
        for (kind, printed) in [
            (Refuse, "refuse connections"),
            (AcceptAndClose, "accept connections and close them"),
            (AcceptAndSayNothing, "accept connections and say nothing"),
            (Hold(Both), "hold frames both ways"),
            (Swallow(ToServer), "swallow frames to the server"),
            (Delay(ToClient, Duration::from_millis(5)), "delay frames to the client by 5ms"),
            (SingleBytes(ToServer), "single bytes to the server"),
            (SwallowReply(filter()), "swallow the next reply to Create on /a"),
            (HoldReply(filter()), "hold the next reply to Create on /a"),
            (CutBeforeReply(filter()), "cut before the next reply to Create on /a"),
        ] {
            assert_eq!(kind.to_string(), printed);
        }
    }
}
