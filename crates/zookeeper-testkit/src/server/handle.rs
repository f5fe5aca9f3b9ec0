//! What a test tells the server, and asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::faults::{MemberId, ServerFault, ServerFaultKind};
use super::shared::Shared;
use super::state::State;
use super::storage::DataError;
use crate::faults::{ReplyFilter, TimedOut};
use crate::guard;
use crate::wire::ErrorCode;

/// Controls a [`TestServer`](super::TestServer). Cheap to clone; of no effect once the server has gone.
///
/// A fault is in force when its method returns: requests not yet answered, and replies not yet sent by then, are subject
/// to it.
#[derive(Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
    runtime: Handle,
}

/// What the server knows at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerView {
    /// The last transaction.
    pub zxid: i64,
    /// The living sessions with the timeouts granted to them.
    pub sessions: BTreeMap<i64, Duration>,
    /// Those of them that have a connection.
    pub connected: BTreeSet<i64>,
    /// Those of them that were due, and have been taken out of the leader's queue to be ended. Until they end they are
    /// served as any other, and whatever is heard of them does not save them. See
    /// [`hold_expiry`](ServerHandle::hold_expiry).
    pub condemned: BTreeSet<i64>,
    /// The ephemeral nodes of each session that has any.
    pub ephemerals: BTreeMap<i64, BTreeSet<String>>,
    /// How many connections are open, with a session or without.
    pub connections: usize,
    /// How many watches there are. One that lasts counts twice: for the node and for its children.
    pub watches: usize,
    /// How many requests wait for a leader, or behind one that did for their client to take what it was answered.
    pub waiting: usize,
    /// How many bytes of replies and watch events wait for their clients to take them.
    pub queued: usize,
    /// How many nodes there are, ZooKeeper's own four included.
    pub nodes: usize,
}

impl ServerView {
    /// The session that owns this ephemeral node: with a lock, whoever holds it.
    pub fn owner(&self, path: &str) -> Option<i64> {
        self.ephemerals.iter().find(|(_, paths)| paths.contains(path)).map(|(session, _)| *session)
    }

    fn of(state: &State) -> Self {
        Self {
            zxid: state.machine.last_zxid(),
            sessions: state.machine.sessions().map(|(id, timeout, _)| (id, timeout)).collect(),
            connected: state.owners.keys().copied().collect(),
            condemned: state.machine.condemned().collect(),
            ephemerals: state.machine.tree().ephemerals().clone(),
            connections: state.clients.len(),
            watches: state.members.iter().map(|member| member.watches.len()).sum(),
            waiting: state.clients.values().map(|client| client.blocked.len()).sum(),
            queued: state.clients.values().map(|client| client.queued).sum(),
            nodes: state.machine.tree().len(),
        }
    }
}

impl ServerHandle {
    pub(super) fn new(shared: Arc<Shared>, runtime: Handle) -> Self {
        Self { shared, runtime }
    }

    /// Where clients of the first member connect.
    pub fn address(&self) -> SocketAddr {
        self.shared.addresses[0]
    }

    /// Where clients of each member connect.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.shared.addresses
    }

    /// The addresses of all members, as clients want them: `127.0.0.1:1,127.0.0.1:2`.
    pub fn connect_string(&self) -> String {
        self.addresses().iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
    }

    /// What the server knows now.
    pub fn view(&self) -> ServerView {
        self.shared.read(ServerView::of)
    }

    /// Returns once `condition` holds of the view; it is asked now and after everything that happens.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] after `deadline` of real time, also where the caller's clock is paused.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_for(
        &self,
        deadline: Duration,
        mut condition: impl FnMut(&ServerView) -> bool,
    ) -> Result<(), TimedOut> {
        let check = || condition(&self.view()).then_some(());
        guard::wait(&*self.shared, &self.runtime, deadline, check).await
    }

    /// Returns once the server has ended because its [data](super::TestServerBuilder::data) could not be written, and says
    /// why; never where it has none, or ends in order.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn disk_failure(&self) -> Arc<DataError> {
        if let Some(mut progress) = self.shared.progress()
            && let Ok(progress) = progress.wait_for(|progress| progress.failed.is_some()).await
            && let Some(error) = &progress.failed
        {
            return Arc::clone(error);
        }
        std::future::pending().await
    }

    pub(super) fn end(&self) -> Result<(), Arc<DataError>> {
        self.shared.close()
    }

    // Faults that are over at once.

    /// Ends a session now, as its expiry would: its ephemeral nodes are gone when this returns, and its client sees its
    /// connection close; even while the server is paused. `false` where there is no such session.
    pub fn expire(&self, session: i64) -> bool {
        self.shared.change(|state, now| {
            let lives = state.machine.has_session(session);
            if lives {
                state.expire(now, session);
            }
            lives
        })
    }

    /// Closes all present connections. What they asked for by now has been carried out.
    pub fn cut(&self) {
        self.shared.change(|state, _| state.kick_all(None));
    }

    /// Closes all connections and starts again with nodes and sessions kept, each with its whole timeout. Watches live in
    /// clients and are gone here. It takes no time; where it should, hold [`refuse`](Self::refuse) meanwhile.
    pub fn restart(&self) {
        self.shared.restart(false);
    }

    /// Closes all connections and starts again with nothing: clients that have seen more are not served any longer.
    pub fn restart_wiped(&self) {
        self.shared.restart(true);
    }

    // Faults that last. A member that does not exist suffers nothing.

    /// New connections to `member` are refused, as where no server listens; present ones live.
    pub fn refuse(&self, member: MemberId) -> ServerFault {
        self.fault(ServerFaultKind::Refuse(member))
    }

    /// New connections to `member` are accepted and closed at once; present ones live.
    pub fn accept_and_close(&self, member: MemberId) -> ServerFault {
        self.fault(ServerFaultKind::AcceptAndClose(member))
    }

    /// New connections to `member` are accepted and hear nothing, as from a frozen server; present ones live. At the end
    /// of the fault the silenced connections are reset.
    pub fn accept_and_say_nothing(&self, member: MemberId) -> ServerFault {
        self.fault(ServerFaultKind::AcceptAndSayNothing(member))
    }

    /// The process stands still, as after SIGSTOP: the kernel accepts connections, and nothing is answered. Time goes on:
    /// at the end of the fault the sessions that are overdue expire, before anything that their clients have sent counts.
    pub fn pause(&self) -> ServerFault {
        self.fault(ServerFaultKind::Pause)
    }

    /// The ensemble's leader stands still, and its followers do not notice: pings and reads are answered; writes and
    /// handshakes hang, and all that comes after them on their connections. At the end of the fault the sessions expire
    /// that the leader has not heard of in time, those that went on pinging included; then what hangs goes on.
    ///
    /// The leader hears of clients of members other than the first every half tick: what it had not heard at the
    /// beginning of the fault does not count either.
    pub fn pause_leader(&self) -> ServerFault {
        self.fault(ServerFaultKind::PauseLeader)
    }

    /// `member` is cut off from the others, and its clients with it. Pings and reads are answered, from what it knew at
    /// that moment; writes and handshakes hang, and all that comes after them on their connections. The others do not
    /// hear of its clients: their sessions expire behind its back. After syncLimit ticks it notices, closes its connections
    /// and serves nobody. If the fault ends before that, it hears what it has missed, and what hangs goes on.
    ///
    /// The others have heard of clients of members other than the first every half tick: what they had not heard at the
    /// beginning of the fault does not count either.
    ///
    /// Which member leads makes no difference: the others always have a leader. With a single member there are no others
    /// to be seen, and the rest is the same.
    pub fn isolate(&self, member: MemberId) -> ServerFault {
        self.fault(ServerFaultKind::Isolate(member))
    }

    /// The leader is slow to end sessions. Those that are due are taken out of its queue, and are
    /// [condemned](ServerView::condemned): until the fault ends they are served as if they lived. Clients attach to them,
    /// are answered, and create ephemeral nodes, but none of that saves them; they end with the fault, unless their client
    /// closes them before, or the server is restarted.
    ///
    /// What is due at a later tick is not taken out before those have ended: whoever is heard of by then is saved.
    ///
    /// ZooKeeper's leader is like that for as long as it takes to end all sessions of a tick one after the other
    /// (`SessionTrackerImpl.run`). To have it so by the clock, there is
    /// [`expiry_delay`](super::TestServerBuilder::expiry_delay).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::time::Duration;
    /// use zookeeper_testkit::TestServer;
    /// use zookeeper_testkit::wire::RawClient;
    ///
    /// const LIMIT: Duration = Duration::from_secs(60);
    ///
    /// let server = TestServer::builder().tick(Duration::from_millis(50)).start().await?;
    /// let mut client = RawClient::connect(server.address(), Duration::from_millis(100), None).await?;
    /// let session = client.session_id();
    ///
    /// // It says nothing for too long, and is served nevertheless.
    /// let slow = server.hold_expiry();
    /// server.wait_for(LIMIT, |view| view.condemned.contains(&session)).await?;
    /// client.ping().await?;
    /// assert!(server.view().condemned.contains(&session));
    /// slow.end();
    /// assert!(!server.view().sessions.contains_key(&session));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hold_expiry(&self) -> ServerFault {
        self.fault(ServerFaultKind::HoldExpiry)
    }

    /// Matching requests are answered with `error` and not carried out. Writes take a zxid nevertheless. `auth` and
    /// handshakes are not requests in this sense.
    pub fn answer_error(&self, request: impl Into<ReplyFilter>, error: ErrorCode) -> ServerFault {
        self.fault(ServerFaultKind::AnswerError(request.into(), error))
    }

    /// Matching replies and watch events are sent `by` later, and so is all behind them on their connections.
    pub fn delay_reply(&self, reply: impl Into<ReplyFilter>, by: Duration) -> ServerFault {
        self.fault(ServerFaultKind::DelayReply(reply.into(), by))
    }

    /// The first matching reply or watch event is lost, and the connection goes on without it.
    pub fn swallow_reply(&self, reply: impl Into<ReplyFilter>) -> ServerFault {
        self.fault(ServerFaultKind::SwallowReply(reply.into()))
    }

    /// The first matching reply or watch event is kept until the fault ends; and so is all that follows it on its
    /// connection, since nothing can overtake there.
    pub fn hold_reply(&self, reply: impl Into<ReplyFilter>) -> ServerFault {
        self.fault(ServerFaultKind::HoldReply(reply.into()))
    }

    /// The request is carried out, and in place of the first matching reply the connection is reset.
    pub fn cut_before_reply(&self, reply: impl Into<ReplyFilter>) -> ServerFault {
        self.fault(ServerFaultKind::CutBeforeReply(reply.into()))
    }

    /// The faults in force, in the order of their beginnings.
    pub fn faults(&self) -> Vec<ServerFaultKind> {
        self.shared.read(|state| state.faults.kinds())
    }

    /// Any fault, by its kind.
    pub fn fault(&self, kind: ServerFaultKind) -> ServerFault {
        ServerFault::begin(kind, Arc::clone(&self.shared) as _, self.runtime.clone())
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "server at {} (", self.connect_string())?;
        for (index, fault) in self.faults().iter().enumerate() {
            write!(formatter, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        formatter.write_str(")")
    }
}
