//! What a candidate asks of the ensemble, and what it may conclude from the answers.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

/// How often a list is asked for that was too long.
const LONG_LIST_RETRY: Duration = Duration::from_secs(60);

/// The id of a ZooKeeper session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct SessionId(pub i64);

/// As ZooKeeper's own tools show it.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The fencing token of a mastership: the `czxid` of its lock znode.
///
/// Within one election every later mastership has a greater token, across processes and restarts of the
/// ensemble. Hand it to the resource that you write to, and let the resource refuse a token that is smaller
/// than the greatest it has seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct FencingToken(i64);

impl FencingToken {
    /// The token of the znode that was created by the transaction `czxid`.
    pub const fn new(czxid: i64) -> Self {
        FencingToken(czxid)
    }

    /// The token as a number, to be sent to a resource.
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl From<FencingToken> for i64 {
    fn from(token: FencingToken) -> Self {
        token.0
    }
}

impl From<i64> for FencingToken {
    fn from(czxid: i64) -> Self {
        FencingToken(czxid)
    }
}

impl FromStr for FencingToken {
    type Err = ParseIntError;

    /// Reads what `Display` shows.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(FencingToken)
    }
}

impl fmt::Debug for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The part of a znode's `Stat` that decisions rest on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stat {
    /// The transaction that created the znode.
    pub czxid: i64,
    /// The session that owns the znode; 0 for one that is not ephemeral.
    pub ephemeral_owner: i64,
}

/// A znode as it was read.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Znode {
    /// Its data.
    pub data: Vec<u8>,
    /// Its stat, of the same moment.
    pub stat: Stat,
}

/// Names one request of a candidate. Never used twice by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

/// A request to the ensemble. Paths are those of the election, without a chroot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// Create an ephemeral znode (`create2`). Answers: [`Reply::Created`], [`Reply::Refused`].
    Create {
        /// Where.
        path: String,
        /// Its data.
        data: Vec<u8>,
    },
    /// Create an ephemeral znode whose name ends with a number that ZooKeeper counts (`create2`, sequential). Answers:
    /// [`Reply::CreatedSequential`], [`Reply::Refused`].
    CreateSequential {
        /// Where, without the number.
        path: String,
        /// Its data.
        data: Vec<u8>,
    },
    /// Create every missing ancestor of the path as a persistent znode. Answers: [`Reply::Done`],
    /// [`Reply::Refused`].
    CreateParents {
        /// The path whose ancestors are wanted.
        path: String,
    },
    /// Read data and stat (`getData`). With `watch`, a watch is armed if the znode is there; its event carries
    /// this request's [`OpId`]. Answers: [`Reply::Found`], [`Reply::Missing`], [`Reply::Refused`].
    Read {
        /// What.
        path: String,
        /// Whether to arm a watch.
        watch: bool,
    },
    /// Arm a watch on a znode whether it exists or not (`exists`). Where it does not, the server keeps the watch until it is
    /// created or the connection ends: right for a path that comes again, and not for a name that never does. Answers:
    /// [`Reply::Found`] without data, [`Reply::Missing`], [`Reply::Refused`].
    Exists {
        /// What.
        path: String,
    },
    /// List the names of a znode's children (`getChildren`). With `watch`, a watch is armed if the znode is there; its
    /// event carries this request's [`OpId`]. Answers: [`Reply::Children`], [`Reply::Missing`], [`Reply::Refused`].
    Children {
        /// Whose.
        path: String,
        /// Whether to arm a watch.
        watch: bool,
    },
    /// A probe, and behind it on the same connection a [`Read`](Operation::Read) without a watch: what it shows
    /// is not older than this request.
    Confirm {
        /// What.
        path: String,
    },
    /// Delete the znode, whatever its version. Answers: [`Reply::Done`], [`Reply::Missing`],
    /// [`Reply::Refused`].
    Delete {
        /// What.
        path: String,
    },
}

/// The answer to an [`Operation`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Reply {
    /// The znode was created, with this stat.
    Created(Stat),
    /// The znode was created, with this name (the last part of its path) and this stat.
    CreatedSequential {
        /// Its name, number and all.
        name: String,
        /// Its stat.
        stat: Stat,
    },
    /// The names of the children, in no order.
    Children(Vec<String>),
    /// It was done.
    Done,
    /// The znode exists.
    Found(Znode),
    /// The znode does not exist.
    Missing,
    /// The ensemble refused; nothing was changed.
    Refused(Refusal),
    /// The connection was lost before the answer: the ensemble may have done it or not.
    ///
    /// It will not do it later: by the time that the session is connected again, every request of the old
    /// connection was either carried out or has been discarded.
    ///
    /// Or the server answered on a connection that lives, and the answer says nothing: a candidate then asks again after a
    /// pause that grows.
    Unknown,
}

/// Why the ensemble refused a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The znode exists already.
    NodeExists,
    /// Its parent does not exist.
    NoParent,
    /// The ACL does not allow it.
    NoAuth,
    /// Its parent is ephemeral, and those have no children.
    EphemeralParent,
    /// There are more children than can be listed. They are listed again once a minute at most.
    TooManyChildren {
        /// How many, according to the server.
        children: i32,
        /// How long the list is, in bytes.
        bytes: i32,
    },
    /// Any other error code of ZooKeeper.
    Other {
        /// The code.
        code: i32,
        /// What it means, for people.
        meaning: &'static str,
    },
}

impl Refusal {
    /// When to ask again, if that is usually done after so long: to be refused may cost much.
    pub(crate) fn retry(self, usual: Duration) -> Duration {
        match self {
            Refusal::TooManyChildren { .. } => usual.max(LONG_LIST_RETRY),
            _ => usual,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NodeExists => write!(f, "the znode exists"),
            Refusal::NoParent => write!(f, "the parent does not exist"),
            Refusal::NoAuth => write!(f, "the ACL does not allow it"),
            Refusal::EphemeralParent => write!(f, "the parent is ephemeral and can have no children"),
            Refusal::TooManyChildren { children, bytes } => write!(
                f,
                "{children} children are more than can be listed ({bytes} bytes): delete what does not belong there, or raise \
                 max_frame_size"
            ),
            Refusal::Other { code, meaning } => write!(f, "{meaning} (ZooKeeper error {code})"),
        }
    }
}

/// What a watch reported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WatchEvent {
    /// The znode was created.
    Created,
    /// The znode was deleted.
    Deleted,
    /// Its data changed, or its children, where those are watched.
    Changed,
}
