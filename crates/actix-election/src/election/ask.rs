//! Asking the master of an election, wherever it is, to resign.

use actix::prelude::*;
use actix_election_core::{
    ElectionPath, FencingToken, Invalid, OpId, Operation, Refusal, Reply, SessionId, Stat, queue_order,
    resign_request_data, resign_request_path,
};

use super::inquiry::Inquiry;
use crate::Session;
use crate::session::link::Request;

/// What came of [`ask_to_resign`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The master of this term has given up the lock.
    Resigned(FencingToken),
    /// There was no master.
    NoMaster,
}

/// Why something could not be asked of the ensemble.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The path cannot be used.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// What stands at the election path is neither a lock nor the parent of a queue.
    #[error("{0} is not ephemeral, so it is no lock, and nothing below it stands in a queue")]
    NoElection(ElectionPath),
    /// The election may not be looked at.
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
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// Asks the master of the election to step down in order, and waits until its lock is gone.
///
/// The request is an ephemeral znode beside the election path, which names the master's term, so that it can mean no
/// other. It needs permission to create znodes there, and goes with this session at the latest.
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
    let mut inquiry = Inquiry::start(session).await?;
    let mut asked: Option<Term> = None;
    loop {
        inquiry.pace().await;
        match (asked, present(&mut inquiry, &path).await?) {
            (None, None) => return Ok(Asked::NoMaster),
            (Some(term), present) if present.is_none_or(|(now, _)| now.token != term.token) => {
                take_back(&mut inquiry, &path, term).await?;
                return Ok(Asked::Resigned(term.token));
            }
            (_, Some((term, changed))) => {
                asked = Some(term);
                let request_changed = place_request(&mut inquiry, &path, term).await?;
                inquiry.wait_for_watch(&[Some(changed), request_changed]).await?;
            }
            (Some(_), None) => {}
        }
    }
}

/// A mastership.
#[derive(Clone, Copy)]
struct Term {
    token: FencingToken,
    session: SessionId,
}

impl Term {
    fn of(stat: Stat) -> Self {
        Term { token: FencingToken::new(stat.czxid), session: SessionId(stat.ephemeral_owner) }
    }
}

/// The present term, if there is a master, and the watch that tells when that changes.
async fn present(inquiry: &mut Inquiry, path: &ElectionPath) -> Result<Option<(Term, OpId)>, AskError> {
    loop {
        inquiry.pace().await;
        let read = Operation::Read { path: path.as_str().to_owned(), watch: true };
        let (watch, reply) = inquiry.request(Request::Election(read)).await?;
        let parent = match reply {
            Reply::Found(znode) if znode.stat.ephemeral_owner == 0 => znode,
            Reply::Found(znode) => return Ok(Some((Term::of(znode.stat), watch))),
            Reply::Missing => return Ok(None),
            Reply::Refused(refusal) => return Err(unreadable(path.as_str(), refusal)),
            _ => continue,
        };
        let names =
            match inquiry.ask(Operation::Children { path: path.as_str().to_owned(), watch: false }).await? {
                Reply::Children(names) => names,
                Reply::Refused(refusal) => return Err(unreadable(path.as_str(), refusal)),
                _ => continue,
            };
        let Some(head) = queue_order(&names).first().map(|head| format!("{path}/{head}")) else {
            let empty_queue = names.is_empty() && parent.data.is_empty();
            return if empty_queue { Ok(None) } else { Err(AskError::NoElection(path.clone())) };
        };
        match watch_head(inquiry, head).await? {
            (watch, Reply::Found(znode)) => return Ok(Some((Term::of(znode.stat), watch))),
            (_, Reply::Refused(refusal)) => return Err(unreadable(path.as_str(), refusal)),
            _ => {}
        }
    }
}

/// Where the head may be read no watch is left on its name if it has gone: that never comes again.
async fn watch_head(inquiry: &mut Inquiry, path: String) -> Result<(OpId, Reply), AskError> {
    let read = Operation::Read { path: path.clone(), watch: true };
    match inquiry.request(Request::Election(read)).await? {
        (_, Reply::Refused(Refusal::NoAuth)) => {
            inquiry.request(Request::Election(Operation::Exists { path })).await
        }
        answer => Ok(answer),
    }
}

pub(super) fn unreadable(path: &str, refusal: Refusal) -> AskError {
    AskError::Unreadable { path: path.to_owned(), refusal }
}

/// Creates the request, unless it stands already: ours from before a reconnect, or somebody else's. Where a request to an
/// earlier term is in its place, the watch is returned that tells when that one goes.
async fn place_request(
    inquiry: &mut Inquiry,
    path: &ElectionPath,
    term: Term,
) -> Result<Option<OpId>, AskError> {
    let (path, data) = (resign_request_path(path, term.session), resign_request_data(term.token));
    loop {
        inquiry.pace().await;
        match inquiry.request(Request::AskToResign { path: path.clone(), data: data.clone() }).await?.1 {
            Reply::Created(_) => return Ok(None),
            Reply::Refused(Refusal::NodeExists) => {}
            Reply::Refused(refusal) => return Err(AskError::Refused { path, refusal }),
            _ => continue,
        }
        let read = Operation::Read { path: path.clone(), watch: true };
        match inquiry.request(Request::Election(read)).await? {
            (_, Reply::Found(znode)) if znode.data == data => return Ok(None),
            (goes, Reply::Found(_)) => return Ok(Some(goes)),
            (_, Reply::Refused(refusal)) => return Err(unreadable(&path, refusal)),
            _ => {}
        }
    }
}

/// The request has served its purpose, if it is ours. Where it cannot be deleted it goes with the session.
async fn take_back(inquiry: &mut Inquiry, path: &ElectionPath, term: Term) -> Result<(), AskError> {
    let path = resign_request_path(path, term.session);
    let read = Operation::Read { path: path.clone(), watch: false };
    if let Reply::Found(znode) = inquiry.ask(read).await?
        && Some(SessionId(znode.stat.ephemeral_owner)) == inquiry.session()
    {
        inquiry.ask(Operation::Delete { path }).await?;
    }
    Ok(())
}
