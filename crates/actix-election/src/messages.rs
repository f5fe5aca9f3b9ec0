//! What sessions and elections have in common.

use actix::prelude::*;
use actix_election_core::{ElectionPath, Invalid};

/// Sends every `M` of this actor to the recipient from now on, until its actor is gone; and at once what holds
/// now: the state of the session, or the problem that there is.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Subscribe<M>(pub Recipient<M>)
where
    M: Message + Send + 'static,
    M::Result: Send;

/// Something that keeps a session or an election from doing its work, and that somebody has to put right.
///
/// The same problem is reported again once a minute while it lasts.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[rtype(result = "()")]
pub struct Problem {
    /// The election that has it; `None` for the session itself.
    pub path: Option<ElectionPath>,
    /// What is wrong, for people.
    pub message: String,
}

/// Why a session or an election could not be started. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Some settings cannot be used; every one of them is listed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Invalid>),
    /// There is no actix system on this thread: call it from `#[actix::main]` or an actor.
    #[error("there is no actix system on this thread: call it from #[actix::main] or from an actor")]
    NoSystem,
    /// The operating system gave no thread: the session's, its elections', a watchdog's, or the one that logs.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A thread has started, and cannot have a runtime. Mostly the limit of open files is reached (`ulimit -n`).
    #[error("cannot make a runtime: {0}")]
    Runtime(std::io::Error),
    /// The sockets of one connection cannot be made. Mostly the limit of open files is reached (`ulimit -n`).
    #[error("cannot make the sockets of a connection: {0}")]
    Socket(std::io::Error),
    /// An election with this path runs on this session already: add a role to it, or use another session.
    #[error("an election for {0} runs on this session already: add the role to that one")]
    PathInUse(String),
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
}
