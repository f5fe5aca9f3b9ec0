//! Who is told of which change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::path::{lineage, watched_parent};
use super::{Change, ChangeKind, Identity, Tree, acl};
use crate::wire::{Acl, WatcherEvent};

/// Whoever watches; a connection, in the server.
pub type WatcherId = u64;

/// What a watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WatchKind {
    /// The node itself: created, deleted, data changed. Left by `exists` and `getData`.
    Data,
    /// The names of its children, and its end. Left by `getChildren`.
    Children,
}

/// The watches of one who comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// The newest transaction that it has seen.
    pub since: i64,
    /// Nodes that were there, watched for changes of themselves.
    pub data: Vec<String>,
    /// Nodes that were not there, watched for their creation.
    pub exist: Vec<String>,
    /// Nodes watched for changes of their children.
    pub children: Vec<String>,
    /// Nodes watched for everything, for good.
    pub persistent: Vec<String>,
    /// The same with all that is below them.
    pub recursive: Vec<String>,
}

/// A watch that has fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Whose it was.
    pub watcher: WatcherId,
    /// What there is to tell.
    pub event: WatcherEvent,
    acl: Arc<[Acl]>,
}

impl Fired {
    /// Whether the watcher, being all of these, may be told: only if it may read the node. If not, the watch is gone all
    /// the same. Versions before 3.8.4 and 3.9.2 tell everybody, unless the fix has been put into them since.
    pub fn may_be_told(&self, identities: &[Identity]) -> bool {
        acl::check(&self.acl, acl::READ, identities).is_ok()
    }
}

/// How long a watch lasts, and how far it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WatchMode {
    /// It fires once. Left by reads.
    Once,
    /// It fires until it is taken back. Left by `addWatch`.
    Persistent,
    /// As `Persistent`, for the node and all that is or will be below it. It says nothing of changes of the children, since
    /// the children speak for themselves.
    Recursive,
}

/// A watcher has one watch on a path here, whatever its mode: the latest replaces the one before it. That is so in
/// ZooKeeper before 3.9; since then they exist side by side.
#[derive(Debug, Clone, Default)]
struct Table(BTreeMap<String, BTreeMap<WatcherId, WatchMode>>);

impl Table {
    fn add(&mut self, mode: WatchMode, path: &str, watcher: WatcherId) {
        self.0.entry(path.to_owned()).or_default().insert(watcher, mode);
    }

    fn remove(&mut self, path: &str, watcher: WatcherId) -> bool {
        let Some(watchers) = self.0.get_mut(path) else { return false };
        let removed = watchers.remove(&watcher).is_some();
        if watchers.is_empty() {
            self.0.remove(path);
        }
        removed
    }

    fn forget(&mut self, watcher: WatcherId) {
        self.0.retain(|_, watchers| {
            watchers.remove(&watcher);
            !watchers.is_empty()
        });
    }

    /// Whom an event of this kind concerns, each once. Watches that fire once are gone then.
    fn fire(&mut self, kind: i32, path: &str) -> BTreeSet<WatcherId> {
        let mut told = BTreeSet::new();
        for watched in lineage(path) {
            let Some(watchers) = self.0.get_mut(watched) else { continue };
            watchers.retain(|watcher, mode| {
                let concerned = match mode {
                    WatchMode::Recursive => kind != CHILDREN_CHANGED,
                    WatchMode::Once | WatchMode::Persistent => watched == path,
                };
                if concerned {
                    told.insert(*watcher);
                }
                !concerned || *mode != WatchMode::Once
            });
            if watchers.is_empty() {
                self.0.remove(watched);
            }
        }
        told
    }
}

/// The watches at one server.
#[derive(Debug, Clone, Default)]
pub struct Watches {
    data: Table,
    children: Table,
}

impl Watches {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves a watch that fires once. There is no harm in leaving it twice.
    pub fn add(&mut self, kind: WatchKind, path: &str, watcher: WatcherId) {
        self.table_mut(kind).add(WatchMode::Once, path, watcher);
    }

    /// Leaves a watch for everything, of this mode.
    pub fn add_all(&mut self, mode: WatchMode, path: &str, watcher: WatcherId) {
        self.data.add(mode, path, watcher);
        self.children.add(mode, path, watcher);
    }

    /// Takes a watch back, whatever its mode, and says whether there was one.
    pub fn remove(&mut self, kind: WatchKind, path: &str, watcher: WatcherId) -> bool {
        self.table_mut(kind).remove(path, watcher)
    }

    /// Whether there is such a watch.
    pub fn contains(&self, kind: WatchKind, path: &str, watcher: WatcherId) -> bool {
        self.table(kind).0.get(path).is_some_and(|watchers| watchers.contains_key(&watcher))
    }

    /// Whether anybody has such a watch, on this very path.
    pub fn is_watched(&self, kind: WatchKind, path: &str) -> bool {
        self.table(kind).0.contains_key(path)
    }

    /// Forgets everything of one watcher.
    pub fn forget(&mut self, watcher: WatcherId) {
        self.data.forget(watcher);
        self.children.forget(watcher);
    }

    /// Who is told what of `changes`, in order. Watches that fire once are taken out.
    pub fn fire(&mut self, changes: &[Change]) -> Vec<Fired> {
        let mut fired = Vec::new();
        for Change { kind, path, acl, parent_acl } in changes {
            let (kind, watchers) = match kind {
                ChangeKind::Created => (CREATED, self.data.fire(CREATED, path)),
                ChangeKind::DataChanged => (DATA_CHANGED, self.data.fire(DATA_CHANGED, path)),
                ChangeKind::Deleted => {
                    let mut watchers = self.data.fire(DELETED, path);
                    watchers.append(&mut self.children.fire(DELETED, path));
                    (DELETED, watchers)
                }
            };
            tell(&mut fired, watchers, kind, path, acl);
            if kind != DATA_CHANGED {
                let parent = watched_parent(path);
                let watchers = self.children.fire(CHILDREN_CHANGED, parent);
                tell(&mut fired, watchers, CHILDREN_CHANGED, parent, parent_acl);
            }
        }
        fired
    }

    /// A watcher is back from where it heard nothing: what it has missed, in order. The rest of its watches is armed.
    ///
    /// What was deleted and made again meanwhile shows as changed data only, and nothing of what was missed shows in
    /// watches that last.
    pub fn resume(&mut self, watcher: WatcherId, tree: &Tree, wanted: &Resume) -> Vec<WatcherEvent> {
        let mut events = Vec::new();
        let mut settle = |kind, path: &str, missed: Option<i32>| match missed {
            Some(missed) => events.push(event(missed, path)),
            None => self.add(kind, path, watcher),
        };
        for path in &wanted.data {
            let missed = match tree.stat(path) {
                Err(_) => Some(DELETED),
                Ok(stat) => (stat.mzxid > wanted.since).then_some(DATA_CHANGED),
            };
            settle(WatchKind::Data, path, missed);
        }
        for path in &wanted.exist {
            settle(WatchKind::Data, path, tree.stat(path).is_ok().then_some(CREATED));
        }
        for path in &wanted.children {
            let missed = match tree.stat(path) {
                Err(_) => Some(DELETED),
                Ok(stat) => (stat.pzxid > wanted.since).then_some(CHILDREN_CHANGED),
            };
            settle(WatchKind::Children, path, missed);
        }
        for path in &wanted.persistent {
            self.add_all(WatchMode::Persistent, path, watcher);
        }
        for path in &wanted.recursive {
            self.add_all(WatchMode::Recursive, path, watcher);
        }
        events
    }

    /// The watchers of each path that is watched for this.
    pub fn by_path(
        &self,
        kind: WatchKind,
    ) -> impl Iterator<Item = (&str, impl Iterator<Item = WatcherId> + '_)> {
        self.table(kind).0.iter().map(|(path, watchers)| (path.as_str(), watchers.keys().copied()))
    }

    /// How many watches there are. One for everything counts twice.
    pub fn len(&self) -> usize {
        self.data.0.values().chain(self.children.0.values()).map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self, kind: WatchKind) -> &Table {
        match kind {
            WatchKind::Data => &self.data,
            WatchKind::Children => &self.children,
        }
    }

    fn table_mut(&mut self, kind: WatchKind) -> &mut Table {
        match kind {
            WatchKind::Data => &mut self.data,
            WatchKind::Children => &mut self.children,
        }
    }
}

const CREATED: i32 = 1;
const DELETED: i32 = 2;
const DATA_CHANGED: i32 = 3;
const CHILDREN_CHANGED: i32 = 4;
/// The state of a connection in order.
const CONNECTED: i32 = 3;

fn event(kind: i32, path: &str) -> WatcherEvent {
    WatcherEvent { kind, state: CONNECTED, path: path.to_owned() }
}

fn tell(
    fired: &mut Vec<Fired>,
    watchers: impl IntoIterator<Item = WatcherId>,
    kind: i32,
    path: &str,
    acl: &Arc<[Acl]>,
) {
    let about = |watcher| Fired { watcher, event: event(kind, path), acl: Arc::clone(acl) };
    fired.extend(watchers.into_iter().map(about));
}
