//! The nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::acl::{self, Identity};
use super::path;
use crate::wire::{Acl, ErrorCode, Stat};

/// The data of a node; `None` is null, which is not the same as empty.
pub type Data = Option<Arc<[u8]>>;

/// How long a node lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    Persistent,
    /// As long as this session.
    Ephemeral(i64),
    /// Until a sweep finds it empty.
    Container,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) data: Data,
    pub(super) acl: Arc<[Acl]>,
    pub(super) lifetime: Lifetime,
    pub(super) czxid: i64,
    pub(super) mzxid: i64,
    pub(super) pzxid: i64,
    pub(super) ctime: i64,
    pub(super) mtime: i64,
    pub(super) version: i32,
    pub(super) aversion: i32,
    /// How many children were ever created: the next sequential one's number.
    pub(super) creates: i32,
    pub(super) children: BTreeSet<String>,
}

impl Node {
    fn initial(acl: Vec<Acl>, aversion: i32, children: &[&str]) -> Self {
        Self {
            data: Some(Arc::new([])),
            acl: acl.into(),
            lifetime: Lifetime::Persistent,
            czxid: 0,
            mzxid: 0,
            pzxid: 0,
            ctime: 0,
            mtime: 0,
            version: 0,
            aversion,
            creates: 0,
            children: children.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    pub(super) fn stat(&self) -> Stat {
        let length = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            // ZooKeeper counts creates only, and works out from them what clients are shown.
            cversion: self.creates.wrapping_mul(2).wrapping_sub(length(self.children.len())),
            aversion: self.aversion,
            ephemeral_owner: match self.lifetime {
                Lifetime::Ephemeral(session) => session,
                Lifetime::Persistent | Lifetime::Container => 0,
            },
            data_length: self.data.as_ref().map_or(0, |data| length(data.len())),
            children: length(self.children.len()),
            pzxid: self.pzxid,
        }
    }
}

/// The nodes, and the answers to reads. Cloning copies the structure and shares the data.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(super) nodes: BTreeMap<String, Node>,
    ephemerals: BTreeMap<i64, BTreeSet<String>>,
    /// What was there before, while several writes stand or fall together.
    journal: Option<Vec<(String, Option<Node>)>>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let nodes = [
            ("/", Node::initial(Acl::open(), 0, &["zookeeper"])),
            ("/zookeeper", Node::initial(Acl::open(), 0, &["config", "quota"])),
            ("/zookeeper/config", Node::initial(Acl::read_only(), -1, &[])),
            ("/zookeeper/quota", Node::initial(Acl::open(), 0, &[])),
        ];
        let nodes = nodes.into_iter().map(|(path, node)| (path.to_owned(), node)).collect();
        Self { nodes, ephemerals: BTreeMap::new(), journal: None }
    }

    /// Without a node.
    pub(super) fn bare() -> Self {
        Self { nodes: BTreeMap::new(), ephemerals: BTreeMap::new(), journal: None }
    }

    /// Puts a node where it was, without a trace at its parent but that it is one of its children. Says whether there is a
    /// parent; the root needs none.
    pub(super) fn put_back(&mut self, path: &str, node: Node) -> bool {
        let known = path == "/"
            || match path::parent(path).map(|parent| if parent.is_empty() { "/" } else { parent }) {
                Ok(parent) => self
                    .nodes
                    .get_mut(parent)
                    .is_some_and(|parent| parent.children.insert(path::name(path).to_owned())),
                Err(_) => false,
            };
        self.replace(path, Some(node));
        known
    }

    // Reads. Each fails with `NoNode` or, where it says so, `NoAuth`.

    /// The stat of a node. No ACL denies it.
    pub fn stat(&self, path: &str) -> Result<Stat, ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        self.node(path).map(Node::stat)
    }

    /// The data, which may be null, and stat of a node. Needs READ.
    pub fn data(&self, path: &str, identities: &[Identity]) -> Result<(Data, Stat), ErrorCode> {
        let node = self.readable(path, identities)?;
        Ok((node.data.clone(), node.stat()))
    }

    /// The names of a node's children in order, and its stat. Needs READ.
    pub fn children(&self, path: &str, identities: &[Identity]) -> Result<(Vec<String>, Stat), ErrorCode> {
        let node = self.readable(path, identities)?;
        Ok((node.children.iter().cloned().collect(), node.stat()))
    }

    /// How many nodes there are below a node, at any depth. Needs READ on the node, and nothing on those below.
    pub fn count_below(&self, path: &str, identities: &[Identity]) -> Result<usize, ErrorCode> {
        self.readable(path, identities)?;
        if path == "/" {
            return Ok(self.nodes.len() - 1);
        }
        // Below "", which is the root as well, that is one more.
        let inside = format!("{path}/");
        Ok(self.nodes.range(inside.clone()..).take_while(|(path, _)| path.starts_with(&inside)).count())
    }

    /// The ACL and stat of a node. Needs READ or ADMIN; hashes are shown with ADMIN only.
    pub fn acl(&self, path: &str, identities: &[Identity]) -> Result<(Vec<Acl>, Stat), ErrorCode> {
        let node = self.node(path)?;
        acl::check(&node.acl, acl::READ | acl::ADMIN, identities)?;
        let shown = match acl::check(&node.acl, acl::ADMIN, identities) {
            Ok(()) => node.acl.to_vec(),
            Err(_) => acl::masked(&node.acl),
        };
        Ok((shown, node.stat()))
    }

    /// The ephemeral nodes of each session that has any.
    pub fn ephemerals(&self) -> &BTreeMap<i64, BTreeSet<String>> {
        &self.ephemerals
    }

    /// How many nodes there are, the server's own included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is always the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The bytes of all paths and data.
    pub fn data_size(&self) -> usize {
        self.nodes
            .iter()
            .map(|(path, node)| path.len() + node.data.as_ref().map_or(0, |data| data.len()))
            .sum()
    }

    /// The containers that are empty and have not always been so.
    pub fn idle_containers(&self) -> Vec<String> {
        let idle = |node: &Node| {
            node.lifetime == Lifetime::Container && node.creates > 0 && node.children.is_empty()
        };
        self.nodes.iter().filter(|(_, node)| idle(node)).map(|(path, _)| path.clone()).collect()
    }

    pub(super) fn node(&self, path: &str) -> Result<&Node, ErrorCode> {
        // The parent of the nodes below the root is written "".
        self.nodes.get(if path.is_empty() { "/" } else { path }).ok_or(ErrorCode::NoNode)
    }

    fn readable(&self, path: &str, identities: &[Identity]) -> Result<&Node, ErrorCode> {
        let node = self.node(path)?;
        acl::check(&node.acl, acl::READ, identities)?;
        Ok(node)
    }

    // Changes. They decide nothing, and touch what exists only.

    /// Puts `node` at `path`, and enters it with its parent.
    pub(super) fn insert(&mut self, path: &str, node: Node) {
        let zxid = node.czxid;
        if let Some(parent) = path::parent(path).ok().and_then(|parent| self.edit(parent)) {
            parent.children.insert(path::name(path).to_owned());
            parent.creates = parent.creates.wrapping_add(1);
            parent.pzxid = zxid;
        }
        self.replace(path, Some(node));
    }

    /// Takes the node at `path` away, and out of its parent's children.
    pub(super) fn remove(&mut self, path: &str, zxid: i64) {
        if let Some(parent) = path::parent(path).ok().and_then(|parent| self.edit(parent)) {
            parent.children.remove(path::name(path));
            parent.pzxid = zxid;
        }
        self.replace(path, None);
    }

    /// The node, to be changed in place.
    pub(super) fn edit(&mut self, path: &str) -> Option<&mut Node> {
        let path = if path.is_empty() { "/" } else { path };
        let node = self.nodes.get_mut(path)?;
        if let Some(journal) = &mut self.journal {
            journal.push((path.to_owned(), Some(node.clone())));
        }
        Some(node)
    }

    fn replace(&mut self, path: &str, node: Option<Node>) {
        if let Some(Lifetime::Ephemeral(session)) = node.as_ref().map(|node| node.lifetime) {
            self.ephemerals.entry(session).or_default().insert(path.to_owned());
        }
        let before = match node {
            Some(node) => self.nodes.insert(path.to_owned(), node),
            None => self.nodes.remove(path),
        };
        if let Some(Lifetime::Ephemeral(session)) = before.as_ref().map(|node| node.lifetime)
            && !self.nodes.contains_key(path)
            && let Some(paths) = self.ephemerals.get_mut(&session)
        {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&session);
            }
        }
        if let Some(journal) = &mut self.journal {
            journal.push((path.to_owned(), before));
        }
    }

    /// From here on, [`roll_back`](Self::roll_back) undoes everything, until [`keep`](Self::keep).
    pub(super) fn begin(&mut self) {
        self.journal = Some(Vec::new());
    }

    pub(super) fn keep(&mut self) {
        self.journal = None;
    }

    pub(super) fn roll_back(&mut self) {
        for (path, before) in self.journal.take().into_iter().flatten().rev() {
            self.replace(&path, before);
        }
    }
}
