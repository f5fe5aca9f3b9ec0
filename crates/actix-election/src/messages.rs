//! What sessions and elections have in common.

use std::fmt;

use actix::prelude::*;
use actix_election_core::{ElectionPath, Invalid};

/// Something that keeps a session or an election from doing its work, and that somebody has to fix.
///
/// The same problem is reported again once a minute while it lasts.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[rtype(result = "()")]
#[non_exhaustive]
pub struct Problem {
    /// The election that has it; `None` for the session itself.
    pub path: Option<ElectionPath>,
    /// What is wrong, for people.
    pub message: String,
}

impl Problem {
    /// For tests of code that receives it.
    pub fn new(path: Option<ElectionPath>, message: impl Into<String>) -> Self {
        Problem { path, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Why a session or an election could not be started. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Some settings cannot be used; every one of them is listed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Invalid>),
    /// There is no tokio runtime on this thread in which the futures of [`on_master`](crate::ElectionBuilder::on_master) could run.
    #[error("there is no tokio runtime on this thread: on_master needs one to run in")]
    NoRuntime,
    /// The operating system refused a thread: the session's, its elections', a watchdog's, or the one that logs.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A runtime could not be created on a thread. Usually the limit of open files is reached (`ulimit -n`).
    #[error("cannot create a runtime: {0}")]
    Runtime(std::io::Error),
    /// The sockets of one connection could not be created. Usually the limit of open files is reached (`ulimit -n`).
    #[error("cannot create the sockets of a connection: {0}")]
    Socket(std::io::Error),
    /// An election with this path runs on this session already: add a role to it, or use another session.
    #[error("an election for {0} runs on this session already: add the role to that one")]
    PathInUse(ElectionPath),
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// An election has ended, and nothing will change in it any more: its session was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the election has ended: its session was closed")]
pub struct Ended;
