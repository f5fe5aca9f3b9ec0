//! What a server is started with.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::TestServer;
use super::tree::Timing;

/// What ZooKeeper takes for `jute.maxbuffer` unless told otherwise.
const MAX_FRAME: usize = 0xf_ffff;

/// Few clients let as much lie unless they have stopped reading.
const MAX_QUEUED: usize = 1 << 20;

/// Takes a moment to be read at a start.
const SNAPSHOT_AFTER: u64 = 16 << 20;

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) timing: Timing,
    pub(super) sync_limit: u32,
    pub(super) max_client_connections: usize,
    pub(super) max_frame: usize,
    pub(super) max_queued: usize,
    pub(super) container_interval: Duration,
    pub(super) handshake_limit: Duration,
    pub(super) expiry_delay: Duration,
    pub(super) name_order: u64,
    /// `None` is later than all before.
    pub(super) first_zxid: Option<i64>,
    /// `None` is all of them.
    pub(super) words: Option<Vec<String>>,
}

impl Settings {
    /// How long a member that is cut off goes on serving.
    pub(super) fn sync_limit(&self) -> Duration {
        self.timing.tick.saturating_mul(self.sync_limit)
    }
}

/// Settings of a [`TestServer`], from [`TestServer::builder`].
///
/// The defaults: one member on a free loopback port, a tick of 500 ms (so session timeouts from 1 s to 10 s),
/// syncLimit 10; and, as in ZooKeeper, 60 connections per address, frames of less than 1 MiB, 10 s for a handshake,
/// a sweep for empty containers every 60 s. Every four-letter word is allowed, and sessions end as soon as they are due.
#[derive(Debug, Clone)]
#[must_use = "a builder starts nothing until `start`"]
pub struct TestServerBuilder {
    pub(super) members: usize,
    pub(super) listen: Option<SocketAddr>,
    pub(super) settings: Settings,
    pub(super) place: Option<PathBuf>,
    pub(super) snapshot_after: u64,
    min_session_timeout: Option<Duration>,
    max_session_timeout: Option<Duration>,
}

impl TestServerBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings {
            timing: Timing::with_tick(Duration::from_millis(500)),
            sync_limit: 10,
            max_client_connections: 60,
            max_frame: MAX_FRAME,
            max_queued: MAX_QUEUED,
            container_interval: Duration::from_secs(60),
            handshake_limit: Duration::from_secs(10),
            expiry_delay: Duration::ZERO,
            name_order: 0,
            first_zxid: None,
            words: None,
        };
        Self {
            members: 1,
            listen: None,
            settings,
            place: None,
            snapshot_after: SNAPSHOT_AFTER,
            min_session_timeout: None,
            max_session_timeout: None,
        }
    }

    /// How many members, at least one. Each has an address of its own, and all serve the same nodes; the first one leads.
    /// There is no election and no quorum: for those, start an [`Ensemble`](crate::Ensemble).
    pub fn members(mut self, members: usize) -> Self {
        self.members = members.max(1);
        self
    }

    /// Where the first member listens, instead of a free port on loopback. Anybody who can reach it can do anything
    /// with the nodes.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// The tick, in whole milliseconds, at least one. Unless set, session timeouts are granted from 2 to 20 ticks.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.settings.timing = Timing::with_tick(tick);
        self
    }

    /// How many ticks a member that is cut off goes on serving its clients.
    pub fn sync_limit(mut self, ticks: u32) -> Self {
        self.settings.sync_limit = ticks;
        self
    }

    /// The shortest session timeout granted, in whole milliseconds.
    pub fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.min_session_timeout = Some(timeout);
        self
    }

    /// The longest session timeout granted, in whole milliseconds.
    pub fn max_session_timeout(mut self, timeout: Duration) -> Self {
        self.max_session_timeout = Some(timeout);
        self
    }

    /// How many connections one address may have at each member; 0 is no limit.
    pub fn max_client_connections(mut self, connections: usize) -> Self {
        self.settings.max_client_connections = connections;
        self
    }

    /// The longest frame accepted from a client, in bytes: ZooKeeper's `jute.maxbuffer`.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes;
        self
    }

    /// How many bytes of replies and watch events may wait for a client to read them, 1 MiB unless set. While more wait,
    /// nothing is read from that client, and eventually its own writes block: it cannot make the server keep more replies than
    /// this and the one reply that exceeded it. Nothing is ever dropped: watch events are still added to what waits.
    pub fn max_queued(mut self, bytes: usize) -> Self {
        self.settings.max_queued = bytes;
        self
    }

    /// How often empty containers are looked for.
    pub fn container_interval(mut self, interval: Duration) -> Self {
        self.settings.container_interval = interval;
        self
    }

    /// How long a connection may be without a session.
    pub fn handshake_limit(mut self, limit: Duration) -> Self {
        self.settings.handshake_limit = limit;
        self
    }

    /// For how long sessions that are due are still served before they end: not at all, unless set.
    ///
    /// ZooKeeper's leader takes all sessions that are due at a tick out of its queue at once, and then ends them one after
    /// the other (`SessionTrackerImpl.run`), which takes time if there are many, or if its log is slow. This setting is the
    /// time between the two. Meanwhile the sessions are [condemned](super::ServerView::condemned): clients attach
    /// to them, are answered, and create ephemeral nodes, but only a restart can save them. Until they have ended, no
    /// other sessions are taken out.
    ///
    /// To control from a test when they end, use [`hold_expiry`](super::ServerHandle::hold_expiry).
    pub fn expiry_delay(mut self, delay: Duration) -> Self {
        self.settings.expiry_delay = delay;
        self
    }

    /// Where zxids start: the first transaction takes the next one. Unless set, this is the number of microseconds since 1970,
    /// so that every start is later than those before it. A server that starts at 0, like a real one that has lost its data,
    /// silently closes the connections of clients that have seen higher zxids.
    pub fn first_zxid(mut self, zxid: i64) -> Self {
        self.settings.first_zxid = Some(zxid);
        self
    }

    /// Keeps everything in this folder, which is created if it is missing: a server that is started on it later continues
    /// from there, however this one ends. Unless set, everything is in memory, and lost when the server ends.
    ///
    /// A client learns of a change, by an answer, a watch or a read, only once it is on the disk. Sessions are kept, too: each
    /// has its whole timeout when the server starts, and can be attached to with its password, as with ZooKeeper. Zxids continue
    /// in a later epoch than any before, and later than [`first_zxid`](Self::first_zxid).
    ///
    /// Only one server at a time may use the folder. If its disk fails or is full, the server ends rather than answer
    /// ([`ServerHandle::disk_failure`](super::ServerHandle::disk_failure)).
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.place = Some(folder.into());
        self
    }

    /// How many bytes of changes are written to [`data`](Self::data) before a snapshot replaces them, 16 MiB unless set.
    /// A snapshot is also written when the server ends, and never while the last one is larger than the changes since.
    pub fn snapshot_after(mut self, bytes: u64) -> Self {
        self.snapshot_after = bytes;
        self
    }

    /// The seed of the order in which the names of children are listed, 0 unless set: the same seed and names give the same
    /// order, and never the sorted one. ZooKeeper's order comes from its hash sets, and a recipe that works with only one
    /// order is wrong: try it with several seeds.
    pub fn name_order(mut self, seed: u64) -> Self {
        self.settings.name_order = seed;
        self
    }

    /// The four-letter words that are answered: ZooKeeper's `4lw.commands.whitelist`, which is `srvr` unless set.
    pub fn four_letter_words<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.settings.words = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Starts the server; it serves when this returns. It needs neither the caller's runtime nor its clock.
    ///
    /// # Errors
    ///
    /// If the address, a thread or the folder for the data cannot be had; for the folder, the error's source is a
    /// [`DataError`](super::DataError).
    ///
    /// # Cancel safety
    ///
    /// It waits only for the disk, if data is kept, and blocks the thread meanwhile: once polled, it has started.
    pub async fn start(mut self) -> io::Result<TestServer> {
        let timing = &mut self.settings.timing;
        timing.min_session_timeout = self.min_session_timeout.unwrap_or(timing.min_session_timeout);
        timing.max_session_timeout = self.max_session_timeout.unwrap_or(timing.max_session_timeout);
        TestServer::launch(self)
    }
}
