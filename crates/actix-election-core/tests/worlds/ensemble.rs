//! An ensemble that is as good as one server: its tree, its sessions, one-shot watches.

use std::collections::{BTreeMap, BTreeSet};

use actix_election_core::*;

use crate::tree::{Change, Hand, PATH, Tree, Watched, Write};

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Ensemble {
    pub(crate) tree: Tree,
    /// The sessions that the ensemble knows, each with the end of the last lease that its client worked out. It
    /// expires none before that: this is what the rule of the lease promises.
    pub(crate) sessions: BTreeMap<i64, Timestamp>,
    last_session: i64,
    /// Whether the election is a queue.
    pub(crate) queue: bool,
    /// Each with who armed it (a process), and with which request.
    watches: BTreeSet<(Watched, usize, OpId)>,
}

/// An event on its way to a process.
pub(crate) type Event = (usize, Input);

impl Ensemble {
    /// One that is empty but for the parents.
    pub(crate) fn new(queue: bool) -> Self {
        let mut ensemble = Ensemble { tree: Tree::new(true), queue, ..Ensemble::default() };
        if queue {
            ensemble.create_by_hand(PATH, b"", 0);
        }
        ensemble
    }

    pub(crate) fn new_session(&mut self, lease: Timestamp) -> SessionId {
        self.last_session += 1;
        // Far from the 0 and 1 of those who stand outside.
        let id = 100 + self.last_session;
        self.sessions.insert(id, lease);
        SessionId(id)
    }

    /// Forgets everything, the count of transactions included. Ids of sessions hold the time, so they never return.
    pub(crate) fn wipe(&mut self) {
        *self = Ensemble { last_session: self.last_session, queue: self.queue, ..Ensemble::default() };
    }

    /// The paths of the lock, or of the znodes in the queue, the master's first.
    pub(crate) fn line(&self) -> Vec<String> {
        if !self.queue {
            return self.tree.znodes.contains_key(PATH).then(|| PATH.to_owned()).into_iter().collect();
        }
        self.tree.standing().into_iter().map(|(path, _)| path).collect()
    }

    /// The znode that makes somebody master.
    pub(crate) fn lock(&self) -> Option<&Znode> {
        self.tree.znodes.get(self.line().first()?)
    }

    /// Carries out a request of a process in its session: the events that it fires go out before the reply.
    pub(crate) fn serve(
        &mut self,
        process: usize,
        session: SessionId,
        op: OpId,
        operation: &Operation,
    ) -> (Vec<Event>, Reply) {
        match operation {
            Operation::Create { .. }
            | Operation::CreateSequential { .. }
            | Operation::CreateParents { .. }
            | Operation::Delete { .. } => self.write(session.0, Write::Operation(operation.clone())),
            reading => {
                let reply = self.tree.read(reading);
                let watched = Watched::armed_by(reading, &reply);
                self.watches.extend(watched.map(|watched| (watched, process, op)));
                (Vec::new(), reply)
            }
        }
    }

    fn write(&mut self, session: i64, write: Write) -> (Vec<Event>, Reply) {
        let before = self.tree.zxid;
        let (reply, changes) = self.tree.apply(before + 1, session, &write);
        if !changes.iter().any(|(_, event)| *event == WatchEvent::Created) {
            // Nothing is seen of a zxid but that of a creation: without the others fewer worlds differ.
            self.tree.zxid = before;
        }
        (changes.into_iter().flat_map(|change| self.fire(change)).collect(), reply)
    }

    /// Somebody outside all this creates a znode.
    pub(crate) fn create_by_hand(&mut self, path: &str, data: &[u8], owner: i64) -> Vec<Event> {
        self.write(0, Write::ByHand(Hand::Create { path: path.into(), data: data.into(), owner })).0
    }

    /// Overwrites the data of the master's znode.
    pub(crate) fn overwrite(&mut self) -> Vec<Event> {
        let Some(path) = self.line().into_iter().next() else { return Vec::new() };
        self.write(0, Write::ByHand(Hand::Overwrite(path))).0
    }

    pub(crate) fn remove(&mut self, path: &str) -> Vec<Event> {
        self.write(0, Write::ByHand(Hand::Delete(path.into()))).0
    }

    /// Changes the ACLs, or changes them back.
    pub(crate) fn deny(&mut self, denied: bool) {
        self.write(0, Write::ByHand(Hand::Deny(denied)));
    }

    /// Ends a session: what it owned goes.
    pub(crate) fn expire(&mut self, session: SessionId) -> Vec<Event> {
        self.sessions.remove(&session.0);
        self.write(session.0, Write::CloseSession).0
    }

    /// Watches die with their connection.
    pub(crate) fn disconnect(&mut self, process: usize) {
        self.watches.retain(|(_, armed_by, _)| *armed_by != process);
    }

    fn fire(&mut self, (what, event): Change) -> Vec<Event> {
        let watches = std::mem::take(&mut self.watches);
        let (fired, kept) = watches.into_iter().partition(|(watched, ..)| *watched == what);
        self.watches = kept;
        fired.into_iter().map(|(_, process, op)| (process, Input::WatchFired(op, event))).collect()
    }
}
