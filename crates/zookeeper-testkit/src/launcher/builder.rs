//! What an ensemble is started with.

use std::path::PathBuf;
use std::time::Duration;

use super::config::{Settings, defaults};
use super::{Ensemble, LaunchError};

/// Settings of an [`Ensemble`], from [`Ensemble::builder`].
///
/// The defaults: one server, a tick of 500 ms (so session timeouts from 1 s to 10 s), initLimit 20, syncLimit 10;
/// no limit on connections, every four-letter word allowed, no admin server, no reconfiguration. The transaction log
/// is **not** synced to disk ([`force_sync`](Self::force_sync)), which is what makes tests fast; data still survives the
/// death of a server, though not that of the machine.
#[derive(Debug, Clone)]
#[must_use = "a builder starts nothing until `start`"]
pub struct EnsembleBuilder {
    pub(super) servers: usize,
    pub(super) settings: Settings,
    pub(super) home: Option<PathBuf>,
    pub(super) deadline: Duration,
    pub(super) links: bool,
    pub(super) jvm_flags: Vec<String>,
    pub(super) stoppable_log: bool,
}

impl EnsembleBuilder {
    pub(super) fn new() -> Self {
        Self {
            servers: 1,
            settings: defaults(),
            home: None,
            deadline: Duration::from_secs(60),
            links: false,
            jvm_flags: Vec::new(),
            stoppable_log: false,
        }
    }

    /// How many servers: an odd number. A single server runs standalone, without a quorum.
    pub fn servers(mut self, servers: usize) -> Self {
        self.servers = servers;
        self
    }

    /// The tick, in whole milliseconds. Unless set, session timeouts are granted from 2 to 20 ticks.
    pub fn tick(self, tick: Duration) -> Self {
        self.millis("tickTime", tick)
    }

    /// How many ticks a follower may take to find and catch up with its leader.
    pub fn init_limit(self, ticks: u32) -> Self {
        self.setting("initLimit", ticks)
    }

    /// After how many ticks of silence leader and follower give each other up.
    pub fn sync_limit(self, ticks: u32) -> Self {
        self.setting("syncLimit", ticks)
    }

    /// The shortest session timeout granted, in whole milliseconds.
    pub fn min_session_timeout(self, timeout: Duration) -> Self {
        self.millis("minSessionTimeout", timeout)
    }

    /// The longest session timeout granted, in whole milliseconds.
    pub fn max_session_timeout(self, timeout: Duration) -> Self {
        self.millis("maxSessionTimeout", timeout)
    }

    /// How many connections one address may have at each server; 0 is no limit.
    pub fn max_client_connections(self, connections: u32) -> Self {
        self.setting("maxClientCnxns", connections)
    }

    /// Whether every transaction is synced to disk before it counts.
    pub fn force_sync(self, force: bool) -> Self {
        self.setting("forceSync", if force { "yes" } else { "no" })
    }

    /// Any other line of `zoo.cfg`. Later calls replace earlier ones and the defaults.
    pub fn setting(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.settings.insert(name.into(), value.to_string());
        self
    }

    /// One more flag for each server's JVM, such as `-Xmx1g`. It overrules the launcher's own, which are for a JVM that
    /// starts fast and stays small.
    pub fn jvm_flag(mut self, flag: impl Into<String>) -> Self {
        self.jvm_flags.push(flag.into());
        self
    }

    /// The unpacked Apache distribution to use, instead of `ZOOKEEPER_HOME` or Debian's package.
    pub fn zookeeper_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// How long any waiting for these servers may take, now and later: 60 s by default. An ensemble of three is usually
    /// up in a few seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets the servers speak to each other through proxies, so that [`Ensemble::part`] can cut them off from each other.
    pub fn partable(mut self) -> Self {
        self.links = true;
        self
    }

    /// Lets the servers log through something that [`Server::stop_log_at`](super::Server::stop_log_at) can stop.
    pub fn stoppable_log(mut self) -> Self {
        self.stoppable_log = true;
        self
    }

    /// Starts the servers, and returns once each serves and there is a quorum.
    ///
    /// # Errors
    ///
    /// [`LaunchError::ZooKeeperMissing`] and [`LaunchError::JavaMissing`] say what to install. Errors about
    /// a server contain the end of its log.
    ///
    /// # Cancel safety
    ///
    /// If dropped, all servers started so far are killed.
    pub async fn start(self) -> Result<Ensemble, LaunchError> {
        Ensemble::start(self).await
    }

    fn millis(self, name: &str, duration: Duration) -> Self {
        self.setting(name, duration.as_millis())
    }
}
