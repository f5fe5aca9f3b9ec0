//! What a test tells the proxy, and asks it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::fault::{Direction, Fault, FaultKind};
use super::record::{Handshake, Record, Reply, Request};
use super::shared::Shared;
use crate::faults::{ReplyFilter, TimedOut};
use crate::guard;

/// Controls a [`FaultProxy`](super::FaultProxy). Cheap to clone; of no effect once the proxy has gone.
///
/// A fault is in force when its method returns: frames not yet passed on by then are subject to it.
#[derive(Clone)]
pub struct ProxyHandle {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl ProxyHandle {
    pub(super) fn new(shared: Arc<Shared>, runtime: Handle) -> Self {
        Self { shared, runtime }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The server behind it.
    pub fn upstream(&self) -> SocketAddr {
        self.shared.upstream
    }

    /// [`address`](Self::address) as clients want it: `127.0.0.1:1`.
    pub fn connect_string(&self) -> String {
        self.address().to_string()
    }

    // Faults.

    /// Resets (RST) all present connections, both sides; what was under way is lost. Returns once they are closed.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// New connections are refused, as where no server listens; present ones live.
    pub fn refuse(&self) -> Fault {
        self.fault(FaultKind::Refuse)
    }

    /// New connections are accepted and closed at once, as by a server without quorum; present ones live.
    pub fn accept_and_close(&self) -> Fault {
        self.fault(FaultKind::AcceptAndClose)
    }

    /// New connections are accepted and hear nothing, as from a frozen server; present ones live. At the end of the fault
    /// the silenced connections are reset.
    pub fn accept_and_say_nothing(&self) -> Fault {
        self.fault(FaultKind::AcceptAndSayNothing)
    }

    /// A black hole that keeps what goes in: frames and ends of connections arrive when the fault ends, as after a
    /// short partition. New connections are accepted, and what they send is kept as well.
    pub fn hold(&self, direction: Direction) -> Fault {
        self.fault(FaultKind::Hold(direction))
    }

    /// A black hole: whole frames vanish, and are then [`Lost`](super::Fate::Lost) in the record. Ends of connections arrive when the fault ends.
    pub fn swallow(&self, direction: Direction) -> Fault {
        self.fault(FaultKind::Swallow(direction))
    }

    /// Every frame arrives `by` later; the order stays. Delays in force at once add up.
    pub fn delay(&self, direction: Direction, by: Duration) -> Fault {
        self.fault(FaultKind::Delay(direction, by))
    }

    /// Frames arrive in segments of one byte each.
    pub fn single_bytes(&self, direction: Direction) -> Fault {
        self.fault(FaultKind::SingleBytes(direction))
    }

    /// The first matching reply is lost, and the connection goes on without it.
    pub fn swallow_reply(&self, reply: impl Into<ReplyFilter>) -> Fault {
        self.fault(FaultKind::SwallowReply(reply.into()))
    }

    /// The first matching reply is kept until the fault ends; and so is all that follows it on its connection, since
    /// nothing can overtake there.
    pub fn hold_reply(&self, reply: impl Into<ReplyFilter>) -> Fault {
        self.fault(FaultKind::HoldReply(reply.into()))
    }

    /// The request is carried out, and in place of the first matching reply the connection is reset.
    pub fn cut_before_reply(&self, reply: impl Into<ReplyFilter>) -> Fault {
        self.fault(FaultKind::CutBeforeReply(reply.into()))
    }

    /// The faults in force, in the order of their beginnings.
    pub fn faults(&self) -> Vec<FaultKind> {
        self.shared.faults()
    }

    // What was seen.

    /// A copy of everything recorded.
    pub fn record(&self) -> Record {
        self.shared.read(Record::clone)
    }

    /// The handshakes recorded.
    pub fn handshakes(&self) -> Vec<Handshake> {
        self.shared.read(|record| record.handshakes.clone())
    }

    /// The requests recorded.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.read(|record| record.requests.clone())
    }

    /// The replies and watch events recorded.
    pub fn replies(&self) -> Vec<Reply> {
        self.shared.read(|record| record.replies.clone())
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.shared.read(|record| record.open)
    }

    /// Forgets handshakes, requests and replies; the counts of connections stay.
    pub fn forget(&self) {
        self.shared.forget();
    }

    /// Returns once `condition` holds of the record; it is asked now and after every change.
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
        mut condition: impl FnMut(&Record) -> bool,
    ) -> Result<(), TimedOut> {
        let check = || self.shared.read(&mut condition).then_some(());
        guard::wait(&*self.shared, &self.runtime, deadline, check).await
    }

    /// Any fault, by its kind.
    pub fn fault(&self, kind: FaultKind) -> Fault {
        Fault::begin(kind, Arc::clone(&self.shared) as _, self.runtime.clone())
    }
}

impl fmt::Debug for ProxyHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "proxy at {} for {} (", self.address(), self.upstream())?;
        for (index, fault) in self.faults().iter().enumerate() {
            write!(formatter, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        formatter.write_str(")")
    }
}
