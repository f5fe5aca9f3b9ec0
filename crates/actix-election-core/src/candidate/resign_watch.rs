//! Watches for a request, made by another process, that this master resign.

use super::Output;
use crate::{
    ElectionPath, FencingToken, OpId, Operation, Reply, SessionId, is_resign_request, resign_request_path,
};

/// Looks for the request that is meant for the present term.
///
/// The terms of a session share one watch: it stands on when a term ends, and speaks to the next one.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct ResignWatch {
    /// The session that we are connected in.
    session: Option<SessionId>,
    /// The term that may be asked to end.
    term: Option<FencingToken>,
    armed: Option<OpId>,
    /// The request under way, and whether it reads what the watch found.
    pending: Option<(OpId, bool)>,
    /// Something stands there that has not been read yet.
    unread: bool,
    /// The watch has fired: whoever did that waits for us.
    fired: bool,
    /// To look was refused: there is nothing to do before the next connection.
    refused: bool,
}

impl ResignWatch {
    pub(super) fn begin(&mut self, term: FencingToken) {
        self.term = Some(term);
    }

    pub(super) fn end(&mut self) {
        self.term = None;
    }

    pub(super) fn connection(&mut self, session: Option<SessionId>) {
        *self = ResignWatch { session, term: self.term, ..ResignWatch::default() };
    }

    /// What to ask, and how.
    pub(super) fn next_request(&mut self, path: &ElectionPath, op: OpId) -> Option<Output> {
        let path = resign_request_path(
            path,
            self.session.filter(|_| self.term.is_some() && self.pending.is_none())?,
        );
        if self.armed.is_none() && !self.refused {
            self.pending = Some((op, false));
            let exists = Operation::Exists { path };
            // Where thousands of terms begin at once, their roles come first.
            let hurry = std::mem::take(&mut self.fired);
            Some(if hurry { Output::Request(op, exists) } else { Output::RequestWhenQuiet(op, exists) })
        } else if self.unread {
            self.pending = Some((op, true));
            Some(Output::Request(op, Operation::Read { path, watch: false }))
        } else {
            None
        }
    }

    /// Takes in an answer; returns whether it is a request to resign.
    pub(super) fn answered(&mut self, op: OpId, reply: &Reply) -> bool {
        let Some((_, read)) = self.pending.take_if(|(pending, _)| *pending == op) else { return false };
        self.unread = false;
        match reply {
            Reply::Found(znode) if read => {
                return self.term.is_some_and(|term| is_resign_request(znode, term));
            }
            Reply::Found(_) => {
                self.armed = Some(op);
                self.unread = true;
            }
            Reply::Missing if !read => self.armed = Some(op),
            // Asking again at once would ask for ever.
            Reply::Refused(_) if !read => self.refused = true,
            _ => {}
        }
        false
    }

    pub(super) fn watch_fired(&mut self, op: OpId) {
        self.fired |= self.armed.take_if(|armed| *armed == op).is_some();
    }
}
