//! Asking the master of an election, wherever it is, to resign.

use std::fmt;
use std::time::Duration;

use actix_election_core::{
    ElectionPath, FencingToken, Invalid, OpId, Operation, Refusal, Reply, SessionId, Stat, is_resign_request,
    queue_order, resign_request_data, resign_request_path,
};

use super::inquiry::Inquiry;
use crate::Session;
use crate::session::link::Request;

/// The result of [`ask_to_resign`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Asked {
    /// The master of this term has given up the lock.
    Resigned(FencingToken),
    /// There was no master.
    NoMaster,
}

/// Why a request to the ensemble failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The path is invalid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The znode at the election path is neither a lock nor the parent of a queue.
    #[error("{0} is not ephemeral, so it is not a lock, and there is no queue below it")]
    NoElection(ElectionPath),
    /// An ACL does not allow reading the election, for example.
    #[error("cannot read {path}: {refusal}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// What the ensemble said.
        refusal: Refusal,
    },
    /// The request could not be made: it needs permission to create znodes beside the election path.
    #[error("cannot create the request {path}: {refusal}")]
    Refused {
        /// Where the request would stand.
        path: String,
        /// What the ensemble said.
        refusal: Refusal,
    },
    /// There was no answer in time: the session is not connected, perhaps.
    #[error("no answer from the ensemble within {limit:?}")]
    NoAnswer {
        /// How long it was waited for.
        limit: Duration,
    },
    /// The master was asked, or was about to be asked, and has not stepped down in time. The request was taken back.
    #[error("the master with token {token} has not stepped down within {limit:?}: {obstacle}")]
    NotResigned {
        /// The master's term.
        token: FencingToken,
        /// How long it was waited for.
        limit: Duration,
        /// What may have been in the way.
        obstacle: ResignObstacle,
    },
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// Why a master that was asked to resign may not have done so.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ResignObstacle {
    /// The request was made, and the master does not heed it: it is slow, cut off, or does not use this library.
    Unheeded {
        /// Where the request stood.
        request: String,
    },
    /// There is a znode where the request has to be that is not a request to resign.
    Occupied {
        /// Where the request would stand.
        request: String,
    },
    /// There is a znode where the request has to be that these credentials may not read.
    Hidden {
        /// Where the request would stand.
        request: String,
    },
}

impl fmt::Display for ResignObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResignObstacle::Unheeded { request } => {
                write!(
                    f,
                    "it is slow, is not permitted to read the request {request}, or does not know such requests"
                )
            }
            ResignObstacle::Occupied { request } => {
                write!(f, "{request} is in the way, and is not a request to resign: delete it, and ask again")
            }
            ResignObstacle::Hidden { request } => {
                write!(f, "{request} is in the way, and this process may not read it")
            }
        }
    }
}

/// How long taking a request back may take where time is up.
const TAKING_BACK: Duration = Duration::from_secs(1);

/// How long to wait for a watch before looking again: some servers keep from a client what becomes of what it may not read,
/// and the watch is spent all the same (since ZooKeeper 3.8.4 and 3.9.2, and in Debian's 3.8.0).
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Asks the master of the election to step down in order, and waits until its lock is gone, for `limit` at most.
///
/// The request is an ephemeral znode beside the election path that names the master's term, so it can affect no other
/// term. This needs permission to create znodes there. The request is deleted with this session at the latest.
///
/// # Errors
///
/// See [`AskError`]. After `limit`, it may take one more second to take the request back.
///
/// # Cancel safety
///
/// If the future is dropped, the request remains until the session is closed or expires.
pub async fn ask_to_resign(session: &Session, path: &str, limit: Duration) -> Result<Asked, AskError> {
    let path = ElectionPath::new(path)?;
    let mut asking = Asking { path, inquiry: Inquiry::start(session).await?, asked: None, obstacle: None };
    match tokio::time::timeout(limit, asking.until_resigned()).await {
        Ok(asked) => asked,
        Err(_) => Err(asking.give_up(limit).await),
    }
}

/// A request under way.
struct Asking {
    path: ElectionPath,
    inquiry: Inquiry,
    /// The term that is asked to end.
    asked: Option<MasterTerm>,
    /// What stands in the way of the request.
    obstacle: Option<ResignObstacle>,
}

impl Asking {
    async fn until_resigned(&mut self) -> Result<Asked, AskError> {
        loop {
            self.inquiry.pace().await;
            match (self.asked, self.present().await?) {
                (None, None) => return Ok(Asked::NoMaster),
                (Some(term), present) if present.is_none_or(|(now, _)| now.token != term.token) => {
                    self.take_back(term).await?;
                    return Ok(Asked::Resigned(term.token));
                }
                (_, Some((term, changed))) => {
                    self.asked = Some(term);
                    let request_changed = self.place(term).await?;
                    let changes = [Some(changed), request_changed];
                    let _ = tokio::time::timeout(LOOK_AGAIN, self.inquiry.wait_for_watch(&changes)).await;
                }
                (Some(_), None) => {}
            }
        }
    }

    /// The present term, if there is a master, and the watch that tells when that changes.
    async fn present(&mut self) -> Result<Option<(MasterTerm, OpId)>, AskError> {
        let path = self.path.clone();
        loop {
            self.inquiry.pace().await;
            let read = Operation::Read { path: path.as_str().to_owned(), watch: true };
            let (watch, reply) = self.inquiry.request(Request::Election(read)).await?;
            let parent = match reply {
                Reply::Found(znode) if znode.stat.ephemeral_owner == 0 => znode,
                Reply::Found(znode) => return Ok(Some((MasterTerm::of(znode.stat), watch))),
                Reply::Missing => return Ok(None),
                // A lock that may not be read can be seen all the same, before ZooKeeper 3.9, and its term is what counts.
                Reply::Refused(refusal) => match self.exists(path.as_str()).await? {
                    (watch, Reply::Found(znode)) if znode.stat.ephemeral_owner != 0 => {
                        return Ok(Some((MasterTerm::of(znode.stat), watch)));
                    }
                    (_, Reply::Missing) => return Ok(None),
                    (_, Reply::Unknown) => continue,
                    _ => return Err(unreadable(path.as_str(), refusal)),
                },
                _ => continue,
            };
            let names = match self
                .inquiry
                .ask(Operation::Children { path: path.as_str().to_owned(), watch: false })
                .await?
            {
                Reply::Children(names) => names,
                Reply::Refused(refusal) => return Err(unreadable(path.as_str(), refusal)),
                _ => continue,
            };
            let Some(head) = queue_order(&names).first().map(|head| format!("{path}/{head}")) else {
                let empty_queue = names.is_empty() && parent.data.is_empty();
                return if empty_queue { Ok(None) } else { Err(AskError::NoElection(path)) };
            };
            match self.watch_head(&head).await? {
                (watch, Reply::Found(znode)) => return Ok(Some((MasterTerm::of(znode.stat), watch))),
                (_, Reply::Refused(refusal)) => return Err(unreadable(path.as_str(), refusal)),
                _ => {}
            }
        }
    }

    /// Where the head may be read no watch is left on its name if it has gone: that never comes again.
    async fn watch_head(&mut self, path: &str) -> Result<(OpId, Reply), AskError> {
        let read = Operation::Read { path: path.to_owned(), watch: true };
        match self.inquiry.request(Request::Election(read)).await? {
            (_, Reply::Refused(Refusal::NoAuth)) => self.exists(path).await,
            answer => Ok(answer),
        }
    }

    async fn exists(&mut self, path: &str) -> Result<(OpId, Reply), AskError> {
        self.inquiry.request(Request::Election(Operation::Exists { path: path.to_owned() })).await
    }

    /// Creates the request, unless it stands already: ours from before a reconnect, or somebody else's. Where something else
    /// is in its place, the watch is returned that tells when that changes.
    async fn place(&mut self, term: MasterTerm) -> Result<Option<OpId>, AskError> {
        let (path, data) = (resign_request_path(&self.path, term.session), resign_request_data(term.token));
        loop {
            self.inquiry.pace().await;
            self.obstacle = None;
            let create = Request::AskToResign { path: path.clone(), data: data.clone() };
            match self.inquiry.request(create).await?.1 {
                Reply::Created(_) => return Ok(None),
                Reply::Refused(Refusal::NodeExists) => {}
                Reply::Refused(refusal) => return Err(AskError::Refused { path, refusal }),
                _ => continue,
            }
            let read = Operation::Read { path: path.clone(), watch: true };
            match self.inquiry.request(Request::Election(read)).await? {
                (_, Reply::Found(znode)) if is_resign_request(&znode, term.token) => return Ok(None),
                (changes, Reply::Found(_)) => {
                    self.obstacle = Some(ResignObstacle::Occupied { request: path });
                    return Ok(Some(changes));
                }
                (_, Reply::Refused(_)) => {
                    self.obstacle = Some(ResignObstacle::Hidden { request: path.clone() });
                    match self.exists(&path).await? {
                        (_, Reply::Missing | Reply::Unknown) => {}
                        (changes, _) => return Ok(Some(changes)),
                    }
                }
                _ => {}
            }
        }
    }

    /// The request has served its purpose, if it is ours. Where it cannot be deleted it goes with the session.
    async fn take_back(&mut self, term: MasterTerm) -> Result<(), AskError> {
        let path = resign_request_path(&self.path, term.session);
        let read = Operation::Read { path: path.clone(), watch: false };
        if let Reply::Found(znode) = self.inquiry.ask(read).await?
            && Some(SessionId(znode.stat.ephemeral_owner)) == self.inquiry.session()
        {
            self.inquiry.ask(Operation::Delete { path }).await?;
        }
        Ok(())
    }

    /// Time is up.
    async fn give_up(mut self, limit: Duration) -> AskError {
        let Some(term) = self.asked else { return AskError::NoAnswer { limit } };
        // Without a connection it cannot be taken back, and goes with the session.
        let _ = tokio::time::timeout(TAKING_BACK, self.take_back(term)).await;
        let request = resign_request_path(&self.path, term.session);
        let obstacle = self.obstacle.unwrap_or(ResignObstacle::Unheeded { request });
        AskError::NotResigned { token: term.token, limit, obstacle }
    }
}

/// A mastership.
#[derive(Clone, Copy)]
struct MasterTerm {
    token: FencingToken,
    session: SessionId,
}

impl MasterTerm {
    fn of(stat: Stat) -> Self {
        MasterTerm { token: FencingToken::new(stat.czxid), session: SessionId(stat.ephemeral_owner) }
    }
}

pub(super) fn unreadable(path: &str, refusal: Refusal) -> AskError {
    AskError::Unreadable { path: path.to_owned(), refusal }
}
