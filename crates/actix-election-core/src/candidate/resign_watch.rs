//! Watches for a request, made by another process, that this master resign.

use super::Output;
use crate::{
    ElectionPath, FencingToken, OpId, Operation, Reply, SessionId, Timestamp, is_resign_request,
    resign_request_path,
};

/// Looks for the request that is meant for the present term.
///
/// The terms of a session share one watch: it stands on when a term ends, and speaks to the next one.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct ResignWatch {
    armed: Option<OpId>,
    /// The request under way, and whether it reads what the watch found.
    pending: Option<(OpId, bool)>,
    /// Something stands there that has not been read yet.
    unread: bool,
    /// The watch has fired: whoever did that waits for us.
    fired: bool,
    /// It may not be read. A server may then keep what becomes of it to itself as well, though the watch is spent: it is
    /// read again at this moment.
    hidden_until: Option<Timestamp>,
}

impl ResignWatch {
    /// The connection is gone, or another one is there: nothing that was asked before counts.
    pub(super) fn reset(&mut self) {
        *self = ResignWatch::default();
    }

    /// What to ask, and how, for a term that runs in this session.
    pub(super) fn next_request(
        &mut self,
        path: &ElectionPath,
        session: SessionId,
        op: OpId,
    ) -> Option<Output> {
        let read = self.armed.is_some() || self.hidden_until.is_some();
        if self.pending.is_some() || read && !self.unread {
            return None;
        }
        self.pending = Some((op, read));
        let path = resign_request_path(path, session);
        Some(if read {
            Output::Request(op, Operation::Read { path, watch: false })
        } else if std::mem::take(&mut self.fired) {
            Output::Request(op, Operation::Exists { path })
        } else {
            // Where thousands of terms begin at once, their roles come first.
            Output::RequestWhenQuiet(op, Operation::Exists { path })
        })
    }

    /// Whether this request is under way.
    pub(super) fn awaits(&self, op: OpId) -> bool {
        self.pending.is_some_and(|(pending, _)| pending == op)
    }

    /// Whether the watch that this request armed stands.
    pub(super) fn is_armed(&self, op: OpId) -> bool {
        self.armed == Some(op)
    }

    /// Takes in an answer; returns whether it is a request that this term end. What may not be read is read again at `retry`.
    pub(super) fn answered(
        &mut self,
        op: OpId,
        reply: &Reply,
        term: Option<FencingToken>,
        retry: Timestamp,
    ) -> bool {
        let Some((_, read)) = self.pending.take_if(|(pending, _)| *pending == op) else { return false };
        self.unread = false;
        match reply {
            Reply::Refused(_) => self.hidden_until = Some(retry),
            Reply::Unknown => {}
            // Whether the watch still stands is not known.
            _ if self.hidden_until.take().is_some() => self.armed = None,
            Reply::Found(_) if !read => {
                self.armed = Some(op);
                self.unread = true;
            }
            Reply::Missing if !read => self.armed = Some(op),
            _ => {}
        }
        let Reply::Found(znode) = reply else { return false };
        read && term.is_some_and(|term| is_resign_request(znode, term))
    }

    /// When to read what may not be read again.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.hidden_until.filter(|_| !self.unread && self.pending.is_none())
    }

    pub(super) fn pass_time(&mut self, now: Timestamp) {
        self.unread |= self.retry_at().is_some_and(|at| now >= at);
    }

    pub(super) fn watch_fired(&mut self, op: OpId) {
        if self.armed.take_if(|armed| *armed == op).is_some() {
            self.fired = true;
            self.hidden_until = None;
        }
    }
}
