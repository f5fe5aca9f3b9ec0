//! What every server of an ensemble holds: znodes and sessions, changed by one sequence of transactions.
//!
//! What a strategy needs of ZooKeeper is here and nowhere else. The worlds of `tests/worlds` and `tests/model` are built on it.
#![allow(dead_code, reason = "neither of them needs all of it")]

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
    /// Sets the ACLs so that nobody may create, list or read what stands in the election, or back.
    Deny(bool),
}

/// What a watch is on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Watched {
    Znode(String),
    ChildrenOf(String),
}

impl Watched {
    /// The watch that a read arms which is answered like this, if it arms one: `getData` sets none on what is not there.
    pub(crate) fn armed_by(operation: &Operation, reply: &Reply) -> Option<Self> {
        match (operation, reply) {
            (Operation::Read { path, watch: true }, Reply::Found(_)) | (Operation::Exists { path }, _) => {
                Some(Watched::Znode(path.clone()))
            }
            (Operation::Children { path, watch: true }, Reply::Children(_)) => {
                Some(Watched::ChildrenOf(path.clone()))
            }
            _ => None,
        }
    }
}

/// A change for which watches fire.
pub(crate) type Change = (Watched, WatchEvent);

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) znodes: BTreeMap<String, Znode>,
    /// Each with its timeout.
    pub(crate) sessions: BTreeMap<i64, u64>,
    /// The last transaction that was applied.
    pub(crate) zxid: i64,
    /// Whether nobody may create, list or read what stands in the election.
    pub(crate) denied: bool,
    /// How many znodes were created below the election path since that was. ZooKeeper counts so below every znode.
    joined: u32,
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
                    let (stat, changes) = self.put(path, data, session);
                    (Reply::Created(stat), changes)
                }
            },
            Operation::CreateSequential { path, data } => match self.cannot_create(path) {
                Some(refusal) => refused(refusal),
                None => {
                    let path = format!("{path}{:010}", self.joined);
                    let name = path[path.rfind('/').map_or(0, |end| end + 1)..].to_owned();
                    let (stat, changes) = self.put(&path, data, session);
                    (Reply::CreatedSequential { name, stat }, changes)
                }
            },
            Operation::CreateParents { path } => {
                let mut changes = Vec::new();
                for (end, _) in path.match_indices('/').filter(|(end, _)| *end > 0) {
                    let ancestor = &path[..end];
                    if !self.znodes.contains_key(ancestor) {
                        changes.extend(self.put(ancestor, b"", 0).1);
                    }
                }
                (Reply::Done, changes)
            }
            Operation::Delete { path } if !self.znodes.contains_key(path) => (Reply::Missing, Vec::new()),
            Operation::Delete { path } if self.has_children(path) => refused(NOT_EMPTY),
            Operation::Delete { path } => (Reply::Done, self.remove(path)),
            reading => (self.read(reading), Vec::new()),
        }
    }

    /// What a server answers from its own copy.
    pub(crate) fn read(&self, operation: &Operation) -> Reply {
        let (path, with_data) = match operation {
            Operation::Children { path, .. } => return self.list(path),
            Operation::Read { path, .. } | Operation::Confirm { path } => (path, true),
            Operation::Exists { path } => (path, false),
            write => panic!("{write:?} is no read"),
        };
        match self.znodes.get(path) {
            None => Reply::Missing,
            Some(_) if with_data && self.denies(path) => Reply::Refused(Refusal::NoAuth),
            Some(znode) if with_data => Reply::Found(znode.clone()),
            Some(znode) => Reply::Found(Znode { data: Vec::new(), stat: znode.stat }),
        }
    }

    fn list(&self, path: &str) -> Reply {
        match self.znodes.get(path) {
            None => Reply::Missing,
            Some(_) if self.denies(path) => Reply::Refused(Refusal::NoAuth),
            Some(_) => Reply::Children(self.children(path)),
        }
    }

    fn children(&self, path: &str) -> Vec<String> {
        let below = format!("{path}/");
        let names = self.znodes.keys().filter_map(|name| name.strip_prefix(&below));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }

    fn has_children(&self, path: &str) -> bool {
        !self.children(path).is_empty()
    }

    /// What stands in the election, in its order: the first is the master's. A lock stands alone.
    pub(crate) fn standing(&self) -> Vec<(String, Stat)> {
        match self.znodes.get(PATH) {
            None => Vec::new(),
            Some(lock) if lock.stat.ephemeral_owner != 0 => vec![(PATH.to_owned(), lock.stat)],
            Some(_) => {
                let names = self.children(PATH);
                let paths = queue_order(&names).into_iter().map(|name| format!("{PATH}/{name}"));
                paths.map(|path| (path.clone(), self.znodes[&path].stat)).collect()
            }
        }
    }

    pub(crate) fn head(&self) -> Option<Stat> {
        self.standing().first().map(|(_, stat)| *stat)
    }

    fn denies(&self, path: &str) -> bool {
        self.denied && (path == PATH || parent(path) == PATH)
    }

    fn cannot_create(&self, path: &str) -> Option<Refusal> {
        let parent = parent(path);
        match self.znodes.get(parent) {
            None if !parent.is_empty() => Some(Refusal::NoParent),
            Some(parent) if parent.stat.ephemeral_owner != 0 => Some(Refusal::EphemeralParent),
            _ if self.denies(path) => Some(Refusal::NoAuth),
            _ => self.znodes.contains_key(path).then_some(Refusal::NodeExists),
        }
    }

    fn by_hand(&mut self, hand: &Hand) -> Vec<Change> {
        match hand {
            Hand::Create { path, .. } if self.znodes.contains_key(path) => Vec::new(),
            Hand::Create { path, data, owner } => self.put(path, data, *owner).1,
            Hand::Overwrite(path) => match self.znodes.get_mut(path) {
                None => Vec::new(),
                Some(znode) => {
                    znode.data = b"overwritten".into();
                    vec![(Watched::Znode(path.clone()), WatchEvent::Changed)]
                }
            },
            Hand::Delete(path) if self.has_children(path) => Vec::new(),
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

    fn put(&mut self, path: &str, data: &[u8], owner: i64) -> (Stat, Vec<Change>) {
        let stat = Stat { czxid: self.zxid, ephemeral_owner: owner };
        self.znodes.insert(path.into(), Znode { data: data.into(), stat });
        let parent = parent(path);
        self.joined += u32::from(parent == PATH);
        let changes = vec![
            (Watched::Znode(path.into()), WatchEvent::Created),
            (Watched::ChildrenOf(parent.into()), WatchEvent::Changed),
        ];
        (stat, changes)
    }

    /// `DataTree.deleteNode`: the events come in this order.
    fn remove(&mut self, path: &str) -> Vec<Change> {
        if self.znodes.remove(path).is_none() {
            return Vec::new();
        }
        if path == PATH {
            self.joined = 0;
        }
        vec![
            (Watched::Znode(path.into()), WatchEvent::Deleted),
            (Watched::ChildrenOf(path.into()), WatchEvent::Deleted),
            (Watched::ChildrenOf(parent(path).into()), WatchEvent::Changed),
        ]
    }
}

fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |end| &path[..end])
}

/// ZooKeeper's error code for a znode that has children.
const NOT_EMPTY: Refusal = Refusal::Other { code: -111, meaning: "the znode has children" };
