//! What the proxy saw.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use crate::wire::{ConnectRequest, ConnectResponse, ErrorCode, OpCode};

/// The number of a connection through the proxy, in the order of their being accepted, from 1.
pub type ConnectionId = u64;

/// The first frame of each side of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The connection.
    pub connection: ConnectionId,
    /// When the request came.
    pub requested_at: Instant,
    /// The client's: timeout wished for, session and password, last zxid.
    pub request: ConnectRequest,
    /// When the response came, if one did.
    pub responded_at: Option<Instant>,
    /// The server's: timeout granted, session and password.
    pub response: Option<ConnectResponse>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits in the proxy: it has just come, or a fault holds it.
    UnderWay,
    /// It was passed on at this moment.
    Delivered(Instant),
    /// It was swallowed, or the connection was cut in its place, at this moment.
    Lost(Instant),
}

impl Fate {
    /// Whether it was passed on.
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Delivered(_))
    }

    /// Whether it was swallowed, or the connection was cut in its place.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

/// A request that came from a client, after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The connection.
    pub connection: ConnectionId,
    /// When it came to the proxy.
    pub at: Instant,
    /// What became of it.
    pub fate: Fate,
    /// The client's number for it.
    pub xid: i32,
    /// What it asks for.
    pub op: OpCode,
    /// The node it is about, where it is about one.
    pub path: Option<String>,
}

/// A reply or a watch event that came from the server, after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The connection.
    pub connection: ConnectionId,
    /// When it came to the proxy.
    pub at: Instant,
    /// What became of it.
    pub fate: Fate,
    /// The number of its request; -1 for a watch event.
    pub xid: i32,
    /// What the request asked for; [`OpCode::Notification`] for a watch event.
    pub op: OpCode,
    /// The node it is about: the request's, or the watch event's.
    pub path: Option<String>,
    /// Why the request was refused, if it was.
    pub error: Option<ErrorCode>,
}

/// Everything the proxy saw since its start, or since [`forget`](super::ProxyHandle::forget).
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// How many connections were accepted, the refused and silenced ones not counted.
    pub accepted: u64,
    /// How many connections are open now.
    pub open: usize,
    /// The handshakes in the order of their requests.
    pub handshakes: Vec<Handshake>,
    /// The requests as they came.
    pub requests: Vec<Request>,
    /// The replies and watch events as they came.
    pub replies: Vec<Reply>,
}

impl Record {
    /// How many requests of each kind came.
    pub fn counts(&self) -> BTreeMap<OpCode, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.requests {
            *counts.entry(request.op).or_default() += 1;
        }
        counts
    }

    /// How many requests of this kind came.
    pub fn count(&self, op: OpCode) -> usize {
        self.requests.iter().filter(|request| request.op == op).count()
    }

    /// The sessions in the order in which they were first granted.
    pub fn sessions(&self) -> Vec<i64> {
        let mut sessions = Vec::new();
        for response in self.handshakes.iter().filter_map(|handshake| handshake.response.as_ref()) {
            if !response.is_refused() && !sessions.contains(&response.session_id) {
                sessions.push(response.session_id);
            }
        }
        sessions
    }

    pub(super) fn forget(&mut self) {
        self.handshakes.clear();
        self.requests.clear();
        self.replies.clear();
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let responses = self.handshakes.iter().filter(|handshake| handshake.response.is_some()).count();
        write!(formatter, "{} connections accepted, {} open; ", self.accepted, self.open)?;
        write!(formatter, "{responses} of {} handshakes answered; requests:", self.handshakes.len())?;
        for (op, count) in self.counts() {
            write!(formatter, " {count} {op}")?;
        }
        write!(formatter, "; {} replies and events", self.replies.len())
    }
}
