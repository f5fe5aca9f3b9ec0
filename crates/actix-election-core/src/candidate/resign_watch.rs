//! Watches for a request, made by another process, that this master resign.

use crate::{ElectionPath, FencingToken, OpId, Operation, Reply, is_resign_request, resign_request_path};

/// Looks for the request that is meant for one term. Made anew for every term.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct ResignWatch {
    path: String,
    token: FencingToken,
    connected: bool,
    armed: Option<OpId>,
    /// The request under way, and whether it reads what the watch found.
    pending: Option<(OpId, bool)>,
    /// Something stands there that has not been read yet.
    unread: bool,
    /// Reading was refused: there is nothing to do before the znode changes.
    asked: bool,
}

impl ResignWatch {
    pub(super) fn new(path: &ElectionPath, token: FencingToken, connected: bool) -> Self {
        ResignWatch {
            path: resign_request_path(path, token),
            token,
            connected,
            armed: None,
            pending: None,
            unread: false,
            asked: false,
        }
    }

    pub(super) fn connection(&mut self, connected: bool) {
        self.connected = connected;
        self.armed = None;
        self.pending = None;
        self.unread = false;
        self.asked = false;
    }

    pub(super) fn next_operation(&mut self, op: OpId) -> Option<Operation> {
        if !self.connected || self.pending.is_some() {
            return None;
        }
        let path = self.path.clone();
        if self.armed.is_none() && !self.asked {
            self.pending = Some((op, false));
            Some(Operation::Exists { path })
        } else if self.unread {
            self.pending = Some((op, true));
            Some(Operation::Read { path, watch: false })
        } else {
            None
        }
    }

    /// Takes in an answer; returns whether it is a request to resign.
    pub(super) fn answered(&mut self, op: OpId, reply: &Reply) -> bool {
        let Some((_, read)) = self.pending.take_if(|(pending, _)| *pending == op) else { return false };
        self.unread = false;
        match reply {
            Reply::Found(znode) if read => return is_resign_request(znode, self.token),
            Reply::Found(_) => {
                self.armed = Some(op);
                self.unread = true;
            }
            Reply::Missing if !read => self.armed = Some(op),
            // Refused: asking again at once would ask for ever. The next connection asks again.
            Reply::Refused(_) if !read => self.asked = true,
            _ => {}
        }
        false
    }

    pub(super) fn watch_fired(&mut self, op: OpId) {
        self.armed.take_if(|armed| *armed == op);
    }
}
