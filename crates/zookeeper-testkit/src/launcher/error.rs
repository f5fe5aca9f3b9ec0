//! Why a server does not run as it should.

use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// How many lines of a server's log an error shows.
const TAIL: usize = 30;

/// Why an ensemble or a server did not start, or is not in the state that was waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// No ZooKeeper on this machine.
    #[error(
        "no ZooKeeper found: {searched}. Either `apt-get install zookeeper default-jre-headless`, or unpack an Apache \
         ZooKeeper distribution and set ZOOKEEPER_HOME to its folder"
    )]
    ZooKeeperMissing {
        /// Where it was looked for.
        searched: String,
    },
    /// No Java on this machine.
    #[error(
        "no Java found: {searched}. Either `apt-get install default-jre-headless`, or set JAVA_HOME to the folder of a \
         Java runtime"
    )]
    JavaMissing {
        /// Where it was looked for.
        searched: String,
    },
    /// Zero or an even number of servers: no such ensemble tolerates more failures than one with a server less.
    #[error("an ensemble has an odd number of servers, up to 253, not {0}")]
    BadSize(usize),
    /// A file or process could not be handled.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Another process took a server's port between its choice and its use.
    #[error("server {server} found its port taken; the end of its log:\n{log}")]
    PortTaken {
        /// The server's index.
        server: usize,
        /// The last lines of its log.
        log: String,
    },
    /// A server ended while it was waited for.
    #[error("server {server} ended ({status}); the end of its log:\n{log}")]
    Exited {
        /// The server's index.
        server: usize,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// A server is not running, so that there is nothing to wait for.
    #[error("server {server} is not running")]
    NotRunning {
        /// The server's index.
        server: usize,
    },
    /// A server did not serve in time.
    #[error("server {server} does not serve after {after:?} ({last}); the end of its log:\n{log}")]
    NotServing {
        /// The server's index.
        server: usize,
        /// How long it was given.
        after: Duration,
        /// Its last answer.
        last: String,
        /// The last lines of its log.
        log: String,
    },
    /// The ensemble has no quorum with one leader.
    #[error("no quorum after {after:?}; the servers, in order: {states}\n{logs}")]
    NoQuorum {
        /// How long it was given.
        after: Duration,
        /// What each server said last.
        states: String,
        /// The last lines of each server's log.
        logs: String,
    },
    /// The ensemble was dropped meanwhile.
    #[error("the ensemble was dropped")]
    Dropped,
}

impl LaunchError {
    pub(super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// The end of the log at `path`, or why there is none.
pub(super) fn log_tail(path: &Path) -> String {
    match read_lossy(path) {
        Ok(log) => {
            let lines: Vec<_> = log.lines().collect();
            lines[lines.len().saturating_sub(TAIL)..].join("\n")
        }
        Err(error) => format!("({}: {error})", path.display()),
    }
}

fn read_lossy(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}
