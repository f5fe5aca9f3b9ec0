//! Asking the master of an election, wherever it is, to resign.

use actix::prelude::*;
use actix_election_core::{
    ElectionPath, FencingToken, Invalid, OpId, Operation, Refusal, Reply, resign_request_path,
};
use tokio::sync::mpsc;

use crate::Session;
use crate::session::OpenLink;
use crate::session::link::{ConnectionId, Notice, Request, SessionLink};

/// What came of [`ask_to_resign`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The master of this term has given up the lock.
    Resigned(FencingToken),
    /// There was no master.
    NoMaster,
}

/// Why the master could not be asked to resign.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The path cannot be used.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// What stands at the election path is not a lock.
    #[error("{0} is not ephemeral, so it is no lock and nobody holds it")]
    NoLock(ElectionPath),
    /// The request could not be made: it needs permission to create znodes beside the election path.
    #[error("cannot create the request {path}: {refusal}")]
    Refused {
        /// Where the request would stand.
        path: String,
        /// What the ensemble said.
        refusal: Refusal,
    },
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// Asks the master of the election to step down in order, and waits until its lock is gone.
///
/// The request is an ephemeral znode beside the election path, named after the master's term, so that it can mean
/// no other. It needs permission to create znodes there, and goes with this session at the latest.
///
/// # Errors
///
/// See [`AskError`]. A master that does not react is waited for without limit: put a time limit around it.
///
/// # Cancel safety
///
/// If the future is dropped, the request stands until the session is closed or expires.
pub async fn ask_to_resign(session: &Addr<Session>, path: &str) -> Result<Asked, AskError> {
    let path = ElectionPath::new(path)?;
    let opened = session.send(OpenLink).await.map_err(|_| AskError::SessionClosed)?;
    let asker = Asker { link: opened.0, notices: opened.1, connection: None, last_op: 0 };
    asker.ask(path).await
}

struct Asker {
    link: SessionLink,
    notices: mpsc::UnboundedReceiver<Notice>,
    /// The connection that requests can be made on.
    connection: Option<ConnectionId>,
    last_op: u64,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.link.part();
    }
}

impl Asker {
    async fn ask(mut self, path: ElectionPath) -> Result<Asked, AskError> {
        let mut asked = None;
        loop {
            let read = Operation::Read { path: path.as_str().to_owned(), watch: true };
            let (watch, reply) = self.request(Request::Election(read)).await?;
            let present = match reply {
                Reply::Found(znode) if znode.stat.ephemeral_owner == 0 => return Err(AskError::NoLock(path)),
                Reply::Found(znode) => Some(FencingToken::new(znode.stat.czxid)),
                Reply::Missing => None,
                Reply::Refused(refusal) => {
                    return Err(AskError::Refused { path: path.as_str().to_owned(), refusal });
                }
                _ => continue,
            };
            match (asked, present) {
                (None, None) => return Ok(Asked::NoMaster),
                (Some(term), present) if present != Some(term) => {
                    self.take_back(&path, term).await?;
                    return Ok(Asked::Resigned(term));
                }
                (_, Some(term)) => {
                    asked = Some(term);
                    self.place_request(resign_request_path(&path, term)).await?;
                }
                (Some(_), None) => {}
            }
            self.wait_for_watch(watch).await?;
        }
    }

    /// Creates the request, unless it stands already: ours from before a reconnect, or somebody else's.
    async fn place_request(&mut self, path: String) -> Result<(), AskError> {
        loop {
            match self.request(Request::AskToResign { path: path.clone() }).await?.1 {
                Reply::Created(_) => return Ok(()),
                Reply::Refused(Refusal::NodeExists) => return Ok(()),
                Reply::Refused(refusal) => return Err(AskError::Refused { path, refusal }),
                _ => {}
            }
        }
    }

    /// The request has served its purpose. Where it cannot be deleted it goes with the session.
    async fn take_back(&mut self, path: &ElectionPath, term: FencingToken) -> Result<(), AskError> {
        let delete = Operation::Delete { path: resign_request_path(path, term) };
        self.request(Request::Election(delete)).await.map(|_| ())
    }

    /// Makes a request once there is a connection. `Unknown` if the connection is lost before the answer.
    async fn request(&mut self, request: Request) -> Result<(OpId, Reply), AskError> {
        let connection = loop {
            match self.connection {
                Some(connection) => break connection,
                None => self.notice().await.map(|_| ())?,
            }
        };
        self.last_op += 1;
        let op = OpId(self.last_op);
        self.link.request(connection, op, request);
        loop {
            match self.notice().await? {
                Notice::Answered(answered, reply) if answered == op => return Ok((op, reply)),
                Notice::Disconnected | Notice::SessionLost => return Ok((op, Reply::Unknown)),
                _ => {}
            }
        }
    }

    /// Waits until the watch fires, or dies with its connection.
    async fn wait_for_watch(&mut self, armed: OpId) -> Result<(), AskError> {
        while self.connection.is_some() {
            if matches!(self.notice().await?, Notice::WatchFired(op, _) if op == armed) {
                break;
            }
        }
        Ok(())
    }

    async fn notice(&mut self) -> Result<Notice, AskError> {
        let notice = self.notices.recv().await.ok_or(AskError::SessionClosed)?;
        match &notice {
            Notice::Connected { connection, .. } => self.connection = Some(*connection),
            Notice::Disconnected | Notice::SessionLost => self.connection = None,
            _ => {}
        }
        Ok(notice)
    }
}
