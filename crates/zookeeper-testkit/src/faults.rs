//! What the proxy's and the in-process server's faults have in common: they are in force from their beginning to their
//! end, and some strike one frame only.

use std::fmt;
use std::time::Duration;

use crate::wire::OpCode;

pub(crate) type FaultId = u64;
/// A connection, and the number of a frame on it.
pub(crate) type FrameId = (u64, u64);

/// Which reply: that to an operation, that on one node, that to one session, or any combination.
/// `OpCode::Notification` is a watch event. Operations convert into filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyFilter {
    /// `None` is every reply, but no watch event.
    op: Option<OpCode>,
    path: Option<String>,
    session: Option<i64>,
}

impl ReplyFilter {
    /// The reply to any request of this kind.
    pub fn to(op: OpCode) -> Self {
        Self { op: Some(op), path: None, session: None }
    }

    /// The reply to any request, pings included. Watch events are not replies.
    pub fn any() -> Self {
        Self { op: None, path: None, session: None }
    }

    /// Only where the request, or the watch event, is about this node.
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Only on connections of this session.
    pub fn of(mut self, session: i64) -> Self {
        self.session = Some(session);
        self
    }

    pub(crate) fn matches(&self, op: OpCode, path: Option<&str>, session: Option<i64>) -> bool {
        self.op.map_or(op != OpCode::Notification, |wanted| wanted == op)
            && (self.path.is_none() || self.path.as_deref() == path)
            && (self.session.is_none() || self.session == session)
    }
}

impl From<OpCode> for ReplyFilter {
    fn from(op: OpCode) -> Self {
        Self::to(op)
    }
}

impl fmt::Display for ReplyFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op {
            Some(op) => write!(formatter, "{op}")?,
            None => formatter.write_str("anything")?,
        }
        if let Some(path) = &self.path {
            write!(formatter, " on {path}")?;
        }
        match self.session {
            Some(session) => write!(formatter, " of session {session:#x}"),
            None => Ok(()),
        }
    }
}

/// What was waited for did not come in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not within {after:?}; seen was: {seen}")]
pub struct TimedOut {
    /// How long was waited.
    pub after: Duration,
    /// What was seen by then, in a line.
    pub seen: String,
}

/// A fault in force.
#[derive(Debug)]
pub(crate) struct Active<K> {
    id: FaultId,
    pub(crate) kind: K,
    /// The frame that it has struck.
    pub(crate) met: Option<FrameId>,
}

/// The faults in force, in the order of their beginnings.
#[derive(Debug)]
pub(crate) struct Faults<K> {
    active: Vec<Active<K>>,
    next: FaultId,
}

impl<K: Clone> Faults<K> {
    pub(crate) fn new() -> Self {
        Self { active: Vec::new(), next: 1 }
    }

    pub(crate) fn begin(&mut self, kind: K) -> FaultId {
        let id = self.next;
        self.next += 1;
        self.active.push(Active { id, kind, met: None });
        id
    }

    pub(crate) fn end(&mut self, id: FaultId) {
        self.active.retain(|fault| fault.id != id);
    }

    pub(crate) fn kinds(&self) -> Vec<K> {
        self.active.iter().map(|fault| fault.kind.clone()).collect()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.active.iter().map(|fault| &fault.kind)
    }

    /// The connection that a fault has struck.
    pub(crate) fn met(&self, id: FaultId) -> Option<u64> {
        self.active.iter().find(|fault| fault.id == id)?.met.map(|(connection, _)| connection)
    }

    /// The first fault that `strikes` for a frame, if it has not struck another one before; it is marked.
    /// One that `lasts` goes on striking the frame that it has struck.
    pub(crate) fn strike(
        &mut self,
        frame: FrameId,
        strikes: impl Fn(&K) -> bool,
        lasts: impl Fn(&K) -> bool,
    ) -> Option<&K> {
        let fault = self.active.iter_mut().find(|fault| match fault.met {
            Some(met) => met == frame && lasts(&fault.kind),
            None => strikes(&fault.kind),
        })?;
        fault.met = Some(frame);
        Some(&fault.kind)
    }

    /// The first fault that `strikes` for a frame, however often it does; the first of its frames is marked.
    pub(crate) fn strike_every(&mut self, frame: FrameId, strikes: impl Fn(&K) -> bool) -> Option<&K> {
        let fault = self.active.iter_mut().find(|fault| strikes(&fault.kind))?;
        fault.met.get_or_insert(frame);
        Some(&fault.kind)
    }
}
