//! What an ensemble agrees on.

use std::sync::Arc;
use std::time::Duration;

use super::node::{Lifetime, Node};
use super::sessions::Sessions;
use super::{Author, Change, ChangeKind, Done, Op, Outcome, Timing, Transaction, Tree, acl, path};
use crate::wire::{Acl, ErrorCode};

const PERSISTENT_TTL: i32 = 5;
const SEQUENTIAL_TTL: i32 = 6;

/// Nodes, sessions, and the last zxid, as all servers of an ensemble come to agree on them.
///
/// Time is what has passed since the machine was made; it must not go back.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(super) tree: Tree,
    pub(super) sessions: Sessions,
    pub(super) zxid: i64,
    /// The wall clock, in milliseconds since 1970, when the machine was made.
    epoch: i64,
}

impl Machine {
    /// An empty one. `epoch` is the wall clock at its time zero, in milliseconds since 1970, for `ctime` and `mtime`.
    pub fn new(timing: Timing, epoch: i64) -> Self {
        Self { tree: Tree::new(), sessions: Sessions::new(timing), zxid: 0, epoch }
    }

    /// The nodes.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The number of the last transaction, 0 before the first.
    pub fn last_zxid(&self) -> i64 {
        self.zxid
    }

    /// The tick, and the session timeouts it admits.
    pub fn timing(&self) -> Timing {
        self.sessions.timing()
    }

    // Sessions.

    /// Whether this session lives.
    pub fn has_session(&self, id: i64) -> bool {
        self.sessions.contains(id)
    }

    /// Whether this session lives and has this password.
    pub fn has_password(&self, id: i64, password: &[u8]) -> bool {
        self.sessions.has_password(id, password)
    }

    /// Id, timeout and expiry of all living sessions, by id.
    pub fn sessions(&self) -> impl Iterator<Item = (i64, Duration, Duration)> {
        self.sessions.iter()
    }

    /// Postpones a session's expiry to its timeout from `now`, unless it is [condemned](Self::condemn). Says whether it
    /// lives, which one that is condemned does.
    pub fn touch(&mut self, now: Duration, id: i64) -> bool {
        self.sessions.touch(now, id)
    }

    /// As [`touch`](Self::touch), with another timeout from now on: a client has attached itself. Takes no zxid.
    pub fn attach(&mut self, now: Duration, id: i64, timeout: Duration) -> bool {
        self.sessions.set_timeout(id, timeout);
        self.sessions.touch(now, id)
    }

    /// All sessions get their whole timeout anew, that which they were opened with, condemned or not: the server has
    /// started again, or another one leads, and starts with a queue of its own.
    pub fn restart(&mut self, now: Duration) {
        self.sessions.restart(now);
    }

    /// Goes on counting zxids from `zxid`, which must not be before the last one.
    pub fn begin_at(&mut self, zxid: i64) {
        self.zxid = zxid;
    }

    /// Goes on counting zxids from `epoch` << 32, as under a new leader.
    pub fn begin_epoch(&mut self, epoch: i32) {
        self.zxid = i64::from(epoch) << 32;
    }

    /// When the next session expires unless it is touched. Those that are condemned do not count.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.sessions.next_expiry()
    }

    /// The sessions that are due at `now`, in the order of their ends, without those that are condemned. Each is to be
    /// closed by [`Transaction::CloseSession`].
    pub fn overdue(&self, now: Duration) -> Vec<i64> {
        self.sessions.overdue(now)
    }

    /// Takes the sessions of the first tick that is due at `now` out of the queue, for a driver that ends them later.
    /// Until then they live, and are served, and whatever is heard of them does not save them. Says whether there are
    /// any.
    ///
    /// This is ZooKeeper's `ExpiryQueue.poll`, which takes out the sessions of one tick; `SessionTrackerImpl.run` ends
    /// them before it asks for the next ones.
    pub fn condemn(&mut self, now: Duration) -> bool {
        self.sessions.condemn(now)
    }

    /// The living sessions that were taken out of the queue, by id. Each is to be closed by
    /// [`Transaction::CloseSession`].
    pub fn condemned(&self) -> impl Iterator<Item = i64> {
        self.sessions.condemned()
    }

    // For those who keep it on a disk.

    /// The wall clock at `now`, in milliseconds since 1970, as `ctime` and `mtime` have it.
    pub(in crate::server) fn wall(&self, now: Duration) -> i64 {
        self.epoch.saturating_add(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }

    /// Applies a transaction again, which had this number, at this time of the wall clock. What becomes of it is the same as
    /// then, but for when sessions end: [`restart`](Self::restart) is to follow.
    pub(in crate::server) fn replay(&mut self, zxid: i64, wall: i64, transaction: Transaction) -> Outcome {
        self.zxid = zxid.saturating_sub(1);
        self.apply_at(Duration::ZERO, wall, transaction)
    }

    /// The highest id that a session ever had here, 0 before the first.
    pub(in crate::server) fn highest_session(&self) -> i64 {
        self.sessions.highest
    }

    /// Forgets everything.
    pub(in crate::server) fn wipe(&mut self) {
        *self = Self::new(self.timing(), self.epoch);
    }

    // Writes.

    /// Applies a transaction at `now`. It takes the next zxid even where it fails.
    pub fn apply(&mut self, now: Duration, transaction: Transaction) -> Outcome {
        let wall = self.wall(now);
        self.apply_at(now, wall, transaction)
    }

    fn apply_at(&mut self, now: Duration, wall: i64, transaction: Transaction) -> Outcome {
        self.zxid += 1;
        let mut changes = Vec::new();
        let mut step = Step { tree: &mut self.tree, zxid: self.zxid, wall, changes: &mut changes };
        let result = match transaction {
            Transaction::OpenSession { id, password, timeout } => {
                self.sessions.open(now, id, password, timeout);
                Ok(Done::SessionOpened)
            }
            Transaction::CloseSession { id } => {
                self.sessions.close(id);
                for path in step.tree.ephemerals().get(&id).cloned().unwrap_or_default() {
                    step.remove(path);
                }
                Ok(Done::SessionClosed)
            }
            Transaction::Write(author, op) => step.write(self.sessions.contains(author.session), &author, op),
            Transaction::Multi(author, ops) => {
                Ok(step.multi(self.sessions.contains(author.session), &author, ops))
            }
            Transaction::Sweep { path } => step.sweep(path),
            Transaction::Failed(error) => Err(error),
        };
        Outcome { zxid: self.zxid, result, changes }
    }
}

/// One transaction being applied.
struct Step<'a> {
    tree: &'a mut Tree,
    zxid: i64,
    wall: i64,
    changes: &'a mut Vec<Change>,
}

impl Step<'_> {
    fn multi(&mut self, session_lives: bool, author: &Author, ops: Vec<Op>) -> Done {
        self.tree.begin();
        let (count, mut done) = (ops.len(), Vec::new());
        for op in ops {
            match self.write(session_lives, author, op) {
                Ok(result) => done.push(result),
                Err(error) => {
                    self.tree.roll_back();
                    self.changes.clear();
                    let mut results = vec![None; done.len()];
                    results.push(Some(error));
                    results.resize(count, Some(ErrorCode::RuntimeInconsistency));
                    return Done::MultiFailed(results);
                }
            }
        }
        self.tree.keep();
        Done::Multi(done)
    }

    fn write(&mut self, session_lives: bool, author: &Author, op: Op) -> Result<Done, ErrorCode> {
        if !session_lives {
            return Err(ErrorCode::SessionExpired);
        }
        match op {
            Op::Create { path, data, acl, flags, container } => {
                self.create(author, path, data, &acl, flags, container)
            }
            Op::Delete { path, version } => self.delete(author, path, version),
            Op::SetData { path, data, version } => self.set_data(author, path, data, version),
            Op::SetAcl { path, acl, version } => self.set_acl(author, &path, &acl, version),
            Op::Check { path, version } => self.check(author, &path, version),
            Op::Unsupported => Err(ErrorCode::Unimplemented),
        }
    }

    /// The order of the checks is what decides between two errors.
    fn create(
        &mut self,
        author: &Author,
        mut path: String,
        data: Option<Vec<u8>>,
        acl: &[Acl],
        flags: i32,
        container: bool,
    ) -> Result<Done, ErrorCode> {
        let (ephemeral, sequential) = match flags {
            0..=4 => (flags == 1 || flags == 3, flags == 2 || flags == 3),
            PERSISTENT_TTL | SEQUENTIAL_TTL => return Err(ErrorCode::Unimplemented),
            _ => return Err(ErrorCode::BadArguments),
        };
        let parent_path = path::parent(&path)?;
        let acl = acl::settle(acl, &author.identities)?;
        let parent = self.tree.node(parent_path)?;
        acl::check(&parent.acl, acl::CREATE, &author.identities)?;
        let parent_is_ephemeral = matches!(parent.lifetime, Lifetime::Ephemeral(_));
        if sequential {
            path.push_str(&format!("{:010}", parent.creates));
        }
        path::validate(&path)?;
        if self.tree.node(&path).is_ok() {
            return Err(ErrorCode::NodeExists);
        }
        if parent_is_ephemeral {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        let lifetime = match (container, ephemeral) {
            (true, _) => Lifetime::Container,
            (false, true) => Lifetime::Ephemeral(author.session),
            (false, false) => Lifetime::Persistent,
        };
        let node = Node {
            data: data.map(Arc::from),
            acl: acl.into(),
            lifetime,
            czxid: self.zxid,
            mzxid: self.zxid,
            pzxid: self.zxid,
            ctime: self.wall,
            mtime: self.wall,
            version: 0,
            aversion: 0,
            creates: 0,
            children: Default::default(),
        };
        let stat = node.stat();
        self.tree.insert(&path, node);
        self.changed(ChangeKind::Created, &path);
        Ok(Done::Created { path, stat })
    }

    fn delete(&mut self, author: &Author, path: String, version: i32) -> Result<Done, ErrorCode> {
        let parent = path::parent(&path)?;
        if path::is_special(&path) {
            return Err(ErrorCode::BadArguments);
        }
        acl::check(&self.tree.node(parent)?.acl, acl::DELETE, &author.identities)?;
        let node = self.tree.node(&path)?;
        check_version(node.version, version)?;
        if !node.children.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        self.remove(path);
        Ok(Done::Deleted)
    }

    fn set_data(
        &mut self,
        author: &Author,
        path: String,
        data: Option<Vec<u8>>,
        version: i32,
    ) -> Result<Done, ErrorCode> {
        path::validate(&path)?;
        let node = self.tree.node(&path)?;
        acl::check(&node.acl, acl::WRITE, &author.identities)?;
        check_version(node.version, version)?;
        let node = self.tree.edit(&path).ok_or(ErrorCode::NoNode)?;
        node.data = data.map(Arc::from);
        node.version = node.version.wrapping_add(1);
        node.mzxid = self.zxid;
        node.mtime = self.wall;
        let stat = node.stat();
        self.changed(ChangeKind::DataChanged, &path);
        Ok(Done::DataSet(stat))
    }

    fn set_acl(&mut self, author: &Author, path: &str, acl: &[Acl], version: i32) -> Result<Done, ErrorCode> {
        path::validate(path)?;
        let acl = acl::settle(acl, &author.identities)?;
        let node = self.tree.node(path)?;
        acl::check(&node.acl, acl::ADMIN, &author.identities)?;
        check_version(node.aversion, version)?;
        let node = self.tree.edit(path).ok_or(ErrorCode::NoNode)?;
        node.acl = acl.into();
        node.aversion = node.aversion.wrapping_add(1);
        Ok(Done::AclSet(node.stat()))
    }

    fn check(&mut self, author: &Author, path: &str, version: i32) -> Result<Done, ErrorCode> {
        path::validate(path)?;
        let node = self.tree.node(path)?;
        acl::check(&node.acl, acl::READ, &author.identities)?;
        check_version(node.version, version)?;
        Ok(Done::Checked)
    }

    fn sweep(&mut self, path: String) -> Result<Done, ErrorCode> {
        let node = self.tree.node(&path)?;
        if !node.children.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        if node.lifetime != Lifetime::Container {
            return Err(ErrorCode::BadVersion);
        }
        self.remove(path);
        Ok(Done::Deleted)
    }

    fn remove(&mut self, path: String) {
        self.changed(ChangeKind::Deleted, &path);
        self.tree.remove(&path, self.zxid);
    }

    /// To be called while the node is there.
    fn changed(&mut self, kind: ChangeKind, path: &str) {
        let acl = |path: &str| self.tree.node(path).map(|node| Arc::clone(&node.acl)).unwrap_or_default();
        let parent_acl = path::parent(path).map(acl).unwrap_or_default();
        self.changes.push(Change { kind, path: path.to_owned(), acl: acl(path), parent_acl });
    }
}

fn check_version(is: i32, expected: i32) -> Result<(), ErrorCode> {
    if expected == -1 || expected == is { Ok(()) } else { Err(ErrorCode::BadVersion) }
}
