//! Who is told of which change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::path::watched_parent;
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

type Table = BTreeMap<String, BTreeSet<WatcherId>>;

/// The watches at one server. Each is there once per watcher, kind and path, and fires once.
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

    /// Leaves a watch. There is no harm in leaving it twice.
    pub fn add(&mut self, kind: WatchKind, path: &str, watcher: WatcherId) {
        self.table(kind).entry(path.to_owned()).or_default().insert(watcher);
    }

    /// Takes a watch back, and says whether there was one.
    pub fn remove(&mut self, kind: WatchKind, path: &str, watcher: WatcherId) -> bool {
        let table = self.table(kind);
        let Some(watchers) = table.get_mut(path) else { return false };
        let removed = watchers.remove(&watcher);
        if watchers.is_empty() {
            table.remove(path);
        }
        removed
    }

    /// Whether there is such a watch.
    pub fn contains(&self, kind: WatchKind, path: &str, watcher: WatcherId) -> bool {
        let table = if kind == WatchKind::Data { &self.data } else { &self.children };
        table.get(path).is_some_and(|watchers| watchers.contains(&watcher))
    }

    /// Whether anybody has such a watch.
    pub fn is_watched(&self, kind: WatchKind, path: &str) -> bool {
        let table = if kind == WatchKind::Data { &self.data } else { &self.children };
        table.contains_key(path)
    }

    /// Forgets everything of one watcher.
    pub fn forget(&mut self, watcher: WatcherId) {
        for table in [&mut self.data, &mut self.children] {
            table.retain(|_, watchers| {
                watchers.remove(&watcher);
                !watchers.is_empty()
            });
        }
    }

    /// Takes out the watches that `changes` fire: who is told what, in order.
    pub fn fire(&mut self, changes: &[Change]) -> Vec<Fired> {
        let mut fired = Vec::new();
        for Change { kind, path, acl, parent_acl } in changes {
            let mut watchers = self.data.remove(path).unwrap_or_default();
            let kind = match kind {
                ChangeKind::Created => CREATED,
                ChangeKind::Deleted => {
                    watchers.extend(self.children.remove(path).unwrap_or_default());
                    DELETED
                }
                ChangeKind::DataChanged => DATA_CHANGED,
            };
            tell(&mut fired, watchers, kind, path, acl);
            if kind != DATA_CHANGED {
                let parent = watched_parent(path);
                let watchers = self.children.remove(parent).unwrap_or_default();
                tell(&mut fired, watchers, CHILDREN_CHANGED, parent, parent_acl);
            }
        }
        fired
    }

    /// A watcher is back from where it heard nothing: what it has missed, in order. The rest of its watches is armed.
    ///
    /// What was deleted and made again meanwhile shows as changed data only.
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
        events
    }

    /// The watchers of each path that is watched for this.
    pub fn by_path(&self, kind: WatchKind) -> impl Iterator<Item = (&str, &BTreeSet<WatcherId>)> {
        let table = if kind == WatchKind::Data { &self.data } else { &self.children };
        table.iter().map(|(path, watchers)| (path.as_str(), watchers))
    }

    /// How many watches there are.
    pub fn len(&self) -> usize {
        self.data.values().chain(self.children.values()).map(BTreeSet::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.children.is_empty()
    }

    fn table(&mut self, kind: WatchKind) -> &mut Table {
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
