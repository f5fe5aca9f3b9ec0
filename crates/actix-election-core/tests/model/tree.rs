//! What every server of the ensemble holds: znodes and sessions, changed by one sequence of transactions.
//!
//! A strategy that needs more of ZooKeeper than the present one adds its operations here and nowhere else.

use std::collections::BTreeMap;

use actix_election_core::*;

pub(crate) const PATH: &str = "/app/master";
pub(crate) const PARENT: &str = "/app";

/// A write, as it goes through the quorum.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Write {
    /// A delete below a parent that never exists.
    Probe,
    /// With the timeout that was granted.
    OpenSession(u64),
    CloseSession,
    Operation(Operation),
    ByHand(Hand),
}

/// What somebody does who is no candidate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Hand {
    Create {
        path: String,
        data: Vec<u8>,
        owner: i64,
    },
    Overwrite(String),
    Delete(String),
    /// Sets the ACL of the lock so that nobody may create or read it, or back.
    Deny(bool),
}

/// A change for which watches fire.
pub(crate) type Change = (String, WatchEvent);

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) znodes: BTreeMap<String, Znode>,
    /// Each with its timeout.
    pub(crate) sessions: BTreeMap<i64, u64>,
    /// The last transaction that was applied.
    pub(crate) zxid: i64,
    denied: bool,
}

impl Tree {
    /// One that is empty, but for the lock's parent if that is wanted.
    pub(crate) fn new(parent: bool) -> Self {
        let mut tree = Tree::default();
        if parent {
            tree.put(PARENT, b"", 0);
        }
        tree
    }

    /// Carries out one transaction. What failed has taken a zxid all the same.
    pub(crate) fn apply(&mut self, zxid: i64, session: i64, write: &Write) -> (Reply, Vec<Change>) {
        self.zxid = zxid;
        match write {
            Write::Probe => (Reply::Refused(Refusal::NoParent), Vec::new()),
            Write::OpenSession(timeout) => {
                self.sessions.insert(session, *timeout);
                (Reply::Done, Vec::new())
            }
            Write::CloseSession => (Reply::Done, self.close(session)),
            Write::Operation(operation) => self.operation(session, operation),
            Write::ByHand(hand) => (Reply::Done, self.by_hand(hand)),
        }
    }

    fn operation(&mut self, session: i64, operation: &Operation) -> (Reply, Vec<Change>) {
        let refused = |refusal| (Reply::Refused(refusal), Vec::new());
        match operation {
            Operation::Create { path, data } => match self.cannot_create(path) {
                Some(refusal) => refused(refusal),
                None => {
                    let stat = self.put(path, data, session);
                    (Reply::Created(stat), vec![(path.clone(), WatchEvent::Created)])
                }
            },
            Operation::CreateParents { path } => {
                let mut changes = Vec::new();
                for (end, _) in path.match_indices('/').filter(|(end, _)| *end > 0) {
                    let ancestor = &path[..end];
                    if !self.znodes.contains_key(ancestor) {
                        self.put(ancestor, b"", 0);
                        changes.push((ancestor.to_owned(), WatchEvent::Created));
                    }
                }
                (Reply::Done, changes)
            }
            Operation::Delete { path } if !self.znodes.contains_key(path) => (Reply::Missing, Vec::new()),
            Operation::Delete { path } if self.children(path).next().is_some() => {
                refused(Refusal::Other(NOT_EMPTY))
            }
            Operation::Delete { path } => (Reply::Done, self.remove(path)),
            reading => (self.read(reading), Vec::new()),
        }
    }

    /// What a server answers from its own copy.
    pub(crate) fn read(&self, operation: &Operation) -> Reply {
        let (path, with_data) = match operation {
            Operation::Read { path, .. } | Operation::Confirm { path } => (path, true),
            Operation::Exists { path } => (path, false),
            write => panic!("{write:?} is no read"),
        };
        match self.znodes.get(path) {
            None => Reply::Missing,
            Some(_) if with_data && self.denied && path == PATH => Reply::Refused(Refusal::NoAuth),
            Some(znode) if with_data => Reply::Found(znode.clone()),
            Some(znode) => Reply::Found(Znode { data: Vec::new(), stat: znode.stat }),
        }
    }

    pub(crate) fn children(&self, path: &str) -> impl Iterator<Item = &str> {
        let below = format!("{path}/");
        let names = self.znodes.keys().map(String::as_str);
        names.filter(move |name| name.strip_prefix(&below).is_some_and(|name| !name.contains('/')))
    }

    fn cannot_create(&self, path: &str) -> Option<Refusal> {
        let parent = path.rfind('/').map_or("", |end| &path[..end]);
        match self.znodes.get(parent) {
            None if !parent.is_empty() => Some(Refusal::NoParent),
            Some(parent) if parent.stat.ephemeral_owner != 0 => Some(Refusal::EphemeralParent),
            _ if self.denied && path == PATH => Some(Refusal::NoAuth),
            _ => self.znodes.contains_key(path).then_some(Refusal::NodeExists),
        }
    }

    fn by_hand(&mut self, hand: &Hand) -> Vec<Change> {
        match hand {
            Hand::Create { path, .. } if self.znodes.contains_key(path) => Vec::new(),
            Hand::Create { path, data, owner } => {
                self.put(path, data, *owner);
                vec![(path.clone(), WatchEvent::Created)]
            }
            Hand::Overwrite(path) => match self.znodes.get_mut(path) {
                None => Vec::new(),
                Some(znode) => {
                    znode.data = b"overwritten".into();
                    vec![(path.clone(), WatchEvent::Changed)]
                }
            },
            Hand::Delete(path) => self.remove(path),
            Hand::Deny(denied) => {
                self.denied = *denied;
                Vec::new()
            }
        }
    }

    fn close(&mut self, session: i64) -> Vec<Change> {
        self.sessions.remove(&session);
        let owned = self.znodes.iter().filter(|(_, znode)| znode.stat.ephemeral_owner == session);
        let paths: Vec<String> = owned.map(|(path, _)| path.clone()).collect();
        paths.iter().flat_map(|path| self.remove(path)).collect()
    }

    fn put(&mut self, path: &str, data: &[u8], owner: i64) -> Stat {
        let stat = Stat { czxid: self.zxid, ephemeral_owner: owner };
        self.znodes.insert(path.into(), Znode { data: data.into(), stat });
        stat
    }

    fn remove(&mut self, path: &str) -> Vec<Change> {
        let removed = self.znodes.remove(path);
        removed.map(|_| (path.to_owned(), WatchEvent::Deleted)).into_iter().collect()
    }
}

/// ZooKeeper's error code for a znode that has children.
const NOT_EMPTY: i32 = -111;
