//! Who takes part in an election?

use std::time::Duration;

use actix_election_core::{
    Address, ElectionPath, FencingToken, Operation, Refusal, Reply, Znode, printable, queue_order,
};

use super::AskError;
use super::ask::unreadable;
use super::inquiry::Inquiry;
use crate::Session;
use crate::session::link::Request;

/// A candidate, as everybody sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CandidateEntry {
    /// The address that it gives: `host:port`, or empty. Also empty if it may not be read. Whoever may create a candidate's
    /// znode may write anything there, of any length: show [`printable_address`](Self::printable_address).
    pub address: String,
    /// The token that its term has, or will have.
    pub token: FencingToken,
}

impl CandidateEntry {
    /// A candidate with this address and token: mainly for tests.
    pub fn new(address: impl Into<String>, token: FencingToken) -> Self {
        CandidateEntry { address: address.into(), token }
    }

    /// The address for logs and people: see [`printable()`]. It is cut if it is longer than any [`Address`].
    pub fn printable_address(&self) -> String {
        printable(&self.address, Address::MAX_LEN)
    }
}

/// The candidates of an election in their order, the master first, whichever strategy they use. With the `Lock`
/// strategy, only the master can be seen. Takes at most `limit`.
///
/// # Errors
///
/// See [`AskError`].
///
/// # Cancel safety
///
/// Cancel safe: it only reads.
pub async fn candidates(
    session: &Session,
    path: &str,
    limit: Duration,
) -> Result<Vec<CandidateEntry>, AskError> {
    let path = ElectionPath::new(path)?;
    let mut inquiry = Inquiry::start(session).await?;
    let candidates = tokio::time::timeout(limit, read_candidates(&mut inquiry, &path)).await;
    candidates.unwrap_or(Err(AskError::NoAnswer { limit }))
}

async fn read_candidates(
    inquiry: &mut Inquiry,
    path: &ElectionPath,
) -> Result<Vec<CandidateEntry>, AskError> {
    loop {
        inquiry.pace().await;
        match look(inquiry, path.as_str()).await? {
            None => return Ok(Vec::new()),
            Some(Reply::Found(znode)) if znode.stat.ephemeral_owner != 0 => {
                return Ok(vec![candidate(&znode)]);
            }
            Some(Reply::Found(_)) => {}
            Some(_) => continue,
        }
        let list = Operation::Children { path: path.as_str().to_owned(), watch: false };
        let names = match inquiry.ask(list).await? {
            Reply::Children(names) => names,
            Reply::Refused(refusal) => return Err(unreadable(path.as_str(), refusal)),
            _ => continue,
        };
        let paths: Vec<_> = queue_order(&names).into_iter().map(|name| format!("{path}/{name}")).collect();
        if let Some(candidates) = read_all(inquiry, &paths).await? {
            return Ok(candidates);
        }
    }
}

/// Reads a znode, or at least its stat; `None` if it is not there.
async fn look(inquiry: &mut Inquiry, path: &str) -> Result<Option<Reply>, AskError> {
    let read = Operation::Read { path: path.to_owned(), watch: false };
    let reply = match inquiry.ask(read).await? {
        Reply::Refused(Refusal::NoAuth) => inquiry.ask(Operation::Exists { path: path.to_owned() }).await?,
        reply => reply,
    };
    match reply {
        Reply::Missing => Ok(None),
        Reply::Refused(refusal) => Err(unreadable(path, refusal)),
        reply => Ok(Some(reply)),
    }
}

/// Reads all of them at once; those that have gone are left out. `None` if the connection was lost meanwhile.
async fn read_all(inquiry: &mut Inquiry, paths: &[String]) -> Result<Option<Vec<CandidateEntry>>, AskError> {
    let reads = paths.iter().map(|path| Operation::Read { path: path.clone(), watch: false });
    let answers = inquiry.requests(reads.map(Request::Election)).await?;
    let mut candidates = Vec::new();
    for (path, (_, reply)) in paths.iter().zip(answers) {
        let reply = match reply {
            Reply::Refused(Refusal::NoAuth) => look(inquiry, path).await?,
            Reply::Refused(refusal) => return Err(unreadable(path, refusal)),
            Reply::Missing => None,
            reply => Some(reply),
        };
        match reply {
            // What is not ephemeral is no candidate, whatever it is called; and nobody behind it leads if it stands first.
            Some(Reply::Found(znode)) if znode.stat.ephemeral_owner == 0 && candidates.is_empty() => {
                return Ok(Some(candidates));
            }
            Some(Reply::Found(znode)) if znode.stat.ephemeral_owner == 0 => {}
            Some(Reply::Found(znode)) => candidates.push(candidate(&znode)),
            Some(_) => return Ok(None),
            None => {}
        }
    }
    Ok(Some(candidates))
}

fn candidate(znode: &Znode) -> CandidateEntry {
    CandidateEntry {
        address: String::from_utf8_lossy(&znode.data).into_owned(),
        token: FencingToken::new(znode.stat.czxid),
    }
}
