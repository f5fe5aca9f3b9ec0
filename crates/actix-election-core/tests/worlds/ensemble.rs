//! A tiny model of the ensemble: the znodes of an election, sessions, one-shot watches.

use std::collections::{BTreeMap, BTreeSet};

use actix_election_core::*;

pub(crate) const PATH: &str = "/app/master";

/// A watch: who armed it (a process), and with which request.
type Watch = (usize, OpId);

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Ensemble {
    pub(crate) znodes: BTreeMap<String, Znode>,
    pub(crate) zxid: i64,
    /// Whether the lock's parent is there.
    pub(crate) parent: bool,
    /// Whether an ACL forbids to create and to read the lock.
    pub(crate) denied: bool,
    /// The sessions that the ensemble knows, each with the end of the last lease that its client worked out. It
    /// expires none before that: this is what the rule of the lease promises.
    pub(crate) sessions: BTreeMap<i64, Timestamp>,
    last_session: i64,
    /// Whether the election is a queue: the parent of its znodes is then the election path itself.
    pub(crate) queue: bool,
    /// How many sequential znodes have been created.
    sequence: u64,
    watches: BTreeMap<String, BTreeSet<Watch>>,
}

/// An event on its way to a process.
pub(crate) type Event = (usize, Input);

impl Ensemble {
    /// One that is empty but for the parent.
    pub(crate) fn new(queue: bool) -> Self {
        Ensemble { parent: true, queue, ..Ensemble::default() }
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
            return self.znodes.contains_key(PATH).then(|| PATH.to_owned()).into_iter().collect();
        }
        queue_order(&self.children()).into_iter().map(|name| format!("{PATH}/{name}")).collect()
    }

    fn children(&self) -> Vec<String> {
        let below = |path: &String| path.strip_prefix(PATH)?.strip_prefix('/').map(String::from);
        self.znodes.keys().filter_map(below).collect()
    }

    /// The znode that makes somebody master.
    pub(crate) fn lock(&self) -> Option<&Znode> {
        self.znodes.get(self.line().first()?)
    }

    /// What stands at a path, the parent of a queue included.
    fn find(&self, path: &str) -> Option<Znode> {
        let parent = self.queue && self.parent && path == PATH;
        let persistent = Znode { data: Vec::new(), stat: Stat { czxid: 0, ephemeral_owner: 0 } };
        self.znodes.get(path).cloned().or(parent.then_some(persistent))
    }

    /// Carries out a request of a process in its session: the events that it fires go out before the reply.
    pub(crate) fn serve(
        &mut self,
        process: usize,
        session: SessionId,
        op: OpId,
        operation: &Operation,
    ) -> (Vec<Event>, Reply) {
        let watch = (process, op);
        match operation {
            Operation::Create { path, data } => self.create(path, data, session.0),
            Operation::CreateSequential { path, data } => self.create_sequential(path, data, session.0),
            Operation::CreateParents { .. } => {
                let events = if self.parent { Vec::new() } else { self.fire(PATH, WatchEvent::Created) };
                self.parent = true;
                (events, Reply::Done)
            }
            Operation::Children { .. } if self.denied => (Vec::new(), Reply::Refused(Refusal::NoAuth)),
            Operation::Children { .. } if !self.parent => (Vec::new(), Reply::Missing),
            Operation::Children { path, watch: wanted } => {
                if *wanted {
                    self.watches.entry(format!("{path}/*")).or_default().insert(watch);
                }
                (Vec::new(), Reply::Children(self.children()))
            }
            Operation::Read { path, .. } | Operation::Confirm { path }
                if self.denied && path.starts_with(PATH) && !path.contains(".resign-") =>
            {
                (Vec::new(), Reply::Refused(Refusal::NoAuth))
            }
            Operation::Read { path, watch: wanted } => {
                let Some(znode) = self.find(path) else { return (Vec::new(), Reply::Missing) };
                if *wanted {
                    self.watches.entry(path.clone()).or_default().insert(watch);
                }
                (Vec::new(), Reply::Found(znode))
            }
            Operation::Exists { path } => {
                self.watches.entry(path.clone()).or_default().insert(watch);
                let found = self.find(path);
                let shown = found.map(|znode| Reply::Found(Znode { data: Vec::new(), stat: znode.stat }));
                (Vec::new(), shown.unwrap_or(Reply::Missing))
            }
            Operation::Confirm { path } => {
                let found = self.znodes.get(path).cloned();
                (Vec::new(), found.map_or(Reply::Missing, Reply::Found))
            }
            Operation::Delete { path } if self.znodes.contains_key(path) => (self.remove(path), Reply::Done),
            Operation::Delete { .. } => (Vec::new(), Reply::Missing),
        }
    }

    fn create(&mut self, path: &str, data: &[u8], owner: i64) -> (Vec<Event>, Reply) {
        let refusal = if !self.parent {
            Refusal::NoParent
        } else if self.denied {
            Refusal::NoAuth
        } else if self.znodes.contains_key(path) {
            Refusal::NodeExists
        } else {
            let stat = self.put(path, data, owner);
            return (self.fire(path, WatchEvent::Created), Reply::Created(stat));
        };
        (Vec::new(), Reply::Refused(refusal))
    }

    fn create_sequential(&mut self, path: &str, data: &[u8], owner: i64) -> (Vec<Event>, Reply) {
        let numbered = format!("{path}{:010}", self.sequence);
        let (mut events, reply) = self.create(&numbered, data, owner);
        let Reply::Created(stat) = reply else { return (events, reply) };
        self.sequence += 1;
        events.extend(self.fire(&format!("{PATH}/*"), WatchEvent::Changed));
        let name = numbered.rsplit('/').next().unwrap_or_default().to_owned();
        (events, Reply::CreatedSequential { name, stat })
    }

    /// Puts a znode there; its watches are yet to be fired.
    fn put(&mut self, path: &str, data: &[u8], owner: i64) -> Stat {
        self.zxid += 1;
        let stat = Stat { czxid: self.zxid, ephemeral_owner: owner };
        self.znodes.insert(path.into(), Znode { data: data.into(), stat });
        stat
    }

    /// Somebody outside all this creates a znode.
    pub(crate) fn create_by_hand(&mut self, path: &str, data: &[u8], owner: i64) -> Vec<Event> {
        self.put(path, data, owner);
        self.fire(path, WatchEvent::Created)
    }

    /// Overwrites the data of the master's znode.
    pub(crate) fn overwrite(&mut self) -> Vec<Event> {
        let Some(path) = self.line().into_iter().next() else { return Vec::new() };
        if let Some(znode) = self.znodes.get_mut(&path) {
            znode.data = b"overwritten".into();
        }
        self.fire(&path, WatchEvent::Changed)
    }

    pub(crate) fn remove(&mut self, path: &str) -> Vec<Event> {
        self.znodes.remove(path);
        let mut events = self.fire(path, WatchEvent::Deleted);
        if path.starts_with(&format!("{PATH}/")) {
            events.extend(self.fire(&format!("{PATH}/*"), WatchEvent::Changed));
        }
        events
    }

    /// Ends a session: what it owned goes.
    pub(crate) fn expire(&mut self, session: SessionId) -> Vec<Event> {
        self.sessions.remove(&session.0);
        let owned = self.znodes.iter().filter(|(_, znode)| znode.stat.ephemeral_owner == session.0);
        let paths: Vec<String> = owned.map(|(path, _)| path.clone()).collect();
        paths.iter().flat_map(|path| self.remove(path)).collect()
    }

    /// Watches die with their connection.
    pub(crate) fn disconnect(&mut self, process: usize) {
        for watches in self.watches.values_mut() {
            watches.retain(|(armed_by, _)| *armed_by != process);
        }
        self.watches.retain(|_, watches| !watches.is_empty());
    }

    fn fire(&mut self, path: &str, event: WatchEvent) -> Vec<Event> {
        let watches = self.watches.remove(path).unwrap_or_default();
        watches.into_iter().map(|(process, op)| (process, Input::WatchFired(op, event))).collect()
    }
}
