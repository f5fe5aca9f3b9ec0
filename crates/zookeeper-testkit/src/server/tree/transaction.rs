//! What goes into the machine, and what comes out.

use std::sync::Arc;
use std::time::Duration;

use super::Identity;
use crate::wire::{Acl, ErrorCode, Stat};

/// Something that takes a zxid, whether it succeeds or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// Opens a session. Id and password are the caller's choice; the timeout is granted already.
    OpenSession {
        /// Its id, not 0 and new.
        id: i64,
        /// Its password, 16 bytes.
        password: Vec<u8>,
        /// Its timeout.
        timeout: Duration,
    },
    /// Ends a session and deletes its ephemeral nodes, all under one zxid. Expiry is the same.
    CloseSession {
        /// Its id; unknown ones do no harm.
        id: i64,
    },
    /// One write.
    Write(Author, Op),
    /// Several writes, all or none.
    Multi(Author, Vec<Op>),
    /// Deletes an empty container, as the server's own sweep does.
    Sweep {
        /// The container.
        path: String,
    },
    /// A write that failed before it was looked at, because it could not be read, say.
    Failed(ErrorCode),
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The session.
    pub session: i64,
    /// Whom ACLs take it for.
    pub identities: Vec<Identity>,
}

impl Author {
    /// A session that has shown no credentials.
    pub fn of(session: i64) -> Self {
        Self { session, identities: Vec::new() }
    }
}

/// One write. Versions are the expected ones; -1 is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Creates a node.
    Create {
        /// Where; ten digits are added where the flags say so.
        path: String,
        /// Its data, which may be null.
        data: Option<Vec<u8>>,
        /// Who may do what with it.
        acl: Vec<Acl>,
        /// 0 persistent, 1 ephemeral, 2 persistent and sequential, 3 ephemeral and sequential, 4 container.
        flags: i32,
        /// Whether it is a container, whatever the flags say.
        container: bool,
    },
    /// Deletes a node.
    Delete {
        /// Which.
        path: String,
        /// Its data's version.
        version: i32,
    },
    /// Replaces a node's data.
    SetData {
        /// Which.
        path: String,
        /// The new data, which may be null.
        data: Option<Vec<u8>>,
        /// Its data's version.
        version: i32,
    },
    /// Replaces a node's ACL.
    SetAcl {
        /// Which.
        path: String,
        /// The new one.
        acl: Vec<Acl>,
        /// Its ACL's version.
        version: i32,
    },
    /// Only looks at the version of a node's data.
    Check {
        /// Which.
        path: String,
        /// Its data's version.
        version: i32,
    },
    /// A kind of write that this server does not have.
    Unsupported,
}

/// What a transaction has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The session is open.
    SessionOpened,
    /// The session is closed, if there was one.
    SessionClosed,
    /// The node is there.
    Created {
        /// Its path, digits included.
        path: String,
        /// Its stat.
        stat: Stat,
    },
    /// The node is gone.
    Deleted,
    /// The data is replaced.
    DataSet(Stat),
    /// The ACL is replaced.
    AclSet(Stat),
    /// The version is as expected.
    Checked,
    /// Everything is done.
    Multi(Vec<Done>),
    /// Nothing is done: `None` for those before the culprit, its error, and
    /// [`ErrorCode::RuntimeInconsistency`] for those behind it.
    MultiFailed(Vec<Option<ErrorCode>>),
}

/// A change of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What has happened to the node.
    pub kind: ChangeKind,
    /// The node.
    pub path: String,
    /// Its ACL: who may not read it is not told.
    pub acl: Arc<[Acl]>,
    /// The ACL of the node above it, likewise for the change of its children.
    pub parent_acl: Arc<[Acl]>,
}

/// What has happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was created.
    Created,
    /// It was deleted.
    Deleted,
    /// Its data was replaced.
    DataChanged,
}

/// What came of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its number.
    pub zxid: i64,
    /// What it did, or why it did nothing.
    pub result: Result<Done, ErrorCode>,
    /// What others may see of it, in the order of its happening.
    pub changes: Vec<Change>,
}
