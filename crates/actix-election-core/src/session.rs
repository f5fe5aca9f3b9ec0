//! The life of one ZooKeeper session, seen from its client.

use std::collections::VecDeque;

use crate::{LeaseClock, SessionTimeout, Timestamp};

/// What is known of the session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SessionState {
    /// No session yet: looking for a server that grants one.
    Connecting,
    /// Attached to a server, and a probe has come back through the quorum.
    Connected,
    /// Cut off. The session lives on at the ensemble at least until `until`, the end of its lease; for how
    /// much longer, only the ensemble knows.
    Suspended {
        /// The end of the lease. The moment of the cut if there was no lease.
        until: Timestamp,
    },
    /// Over: the ensemble said so, or it was silent for T/2 beyond the lease. A new session follows.
    Lost,
    /// Closed by its owner. Nothing follows.
    Closed,
}

impl SessionState {
    /// The name used in logs, in metrics and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SessionState::Connecting => "connecting",
            SessionState::Connected => "connected",
            SessionState::Suspended { .. } => "suspended",
            SessionState::Lost => "lost",
            SessionState::Closed => "closed",
        }
    }
}

/// What happens to a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionInput {
    /// A server answered the handshake. `sent` is when the ConnectRequest was written.
    Attached {
        /// When the ConnectRequest was written.
        sent: Timestamp,
        /// The timeout that this server granted, which may differ from the last one.
        timeout: SessionTimeout,
    },
    /// Authentication is through: probes may be sent on this connection.
    Ready,
    /// Bytes arrived from the server.
    Received,
    /// A probe, sent at `sent`, came back with just the expected error.
    ProbeAnswered {
        /// When the probe was sent.
        sent: Timestamp,
    },
    /// The connection is gone, for whatever reason.
    Detached,
    /// The server said that there is no such session.
    Expired,
    /// So many elections of this process are candidates; probes are sent while there is one.
    Candidates(usize),
    /// The time that [`SessionMonitor::next_timer`] gave has come.
    Timer,
}

/// What the driver of a [`SessionMonitor`] has to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SessionOutput {
    /// Send a write that is known to fail.
    SendProbe,
    /// Send a ping.
    SendPing,
    /// Drop the connection and attach the session to another server. The connection counts as gone from here on;
    /// a [`SessionInput::Detached`] that follows changes nothing.
    LeaveServer,
    /// The lease now ends at this moment. Never earlier than before, unless a server granted less.
    LeaseUntil(Timestamp),
    /// Tell whoever listens. [`SessionState::Lost`] also means: drop everything that belongs to this session,
    /// and start another with a monitor of its own.
    State(SessionState),
}

/// Why a [`SessionMonitor`] wants to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SessionTimer {
    /// The next probe or ping is due.
    KeepAlive,
    /// The server has been silent for T/5.
    Silence,
    /// The session has not been heard of until T/2 after its lease.
    PresumeLost,
}

/// Follows one session: when to probe, when to leave a server, when to give up, and until when the lease runs.
///
/// A pure state machine with the driver contract of this crate: call [`handle`](Self::handle) with a reading of
/// the clock, carry out every [`SessionOutput`] that [`next_output`](Self::next_output) yields, in order, then
/// arm one timer for [`next_timer`](Self::next_timer). Hand over what has arrived before a timer that is due at
/// the same time.
///
/// ```
/// use std::time::Duration;
/// use actix_election_core::{SessionInput, SessionMonitor, SessionOutput, SessionState, SessionTimeout, Timestamp};
///
/// let t0 = Timestamp::from_nanos(1);
/// let mut monitor = SessionMonitor::new();
/// monitor.handle(t0, SessionInput::Candidates(1));
/// monitor.handle(t0, SessionInput::Attached { sent: t0, timeout: SessionTimeout::new(Duration::from_secs(10)) });
/// monitor.handle(t0, SessionInput::Ready);
/// assert_eq!(monitor.next_output(), Some(SessionOutput::SendProbe));
/// monitor.handle(t0, SessionInput::ProbeAnswered { sent: t0 });
/// assert_eq!(monitor.next_output(), Some(SessionOutput::LeaseUntil(t0 + Duration::from_millis(9_800))));
/// assert_eq!(monitor.next_output(), Some(SessionOutput::State(SessionState::Connected)));
/// assert_eq!(monitor.next_output(), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct SessionMonitor {
    lease: LeaseClock,
    link: Link,
    timeout: Option<SessionTimeout>,
    candidates: usize,
    connected: bool,
    lost: bool,
    /// When the session was opened, or last heard of while no probes were sent: without probes there is no lease
    /// that moves on, and answered pings are the only sign of life.
    heard: Timestamp,
    outputs: VecDeque<SessionOutput>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Link {
    #[default]
    Down,
    /// Attached; authentication is under way.
    Greeting { quiet_since: Timestamp },
    /// Requests may be sent.
    Up { quiet_since: Timestamp, kept_alive: Timestamp, proven: bool },
}

impl SessionMonitor {
    /// The monitor of a session that does not exist yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, now: Timestamp, input: SessionInput) {
        if self.lost {
            return;
        }
        match input {
            SessionInput::Attached { sent, timeout } => {
                if self.timeout.is_none() {
                    // The first word on this session. Later attaches are none: each of them keeps the session alive at
                    // the ensemble, and with it a lock that nobody leads by, so what comes of them has to count.
                    self.heard = sent;
                }
                self.timeout = Some(timeout);
                let before = self.lease.deadline();
                self.lease.attached(sent, timeout);
                // A shorter timeout may end the lease earlier, and whoever relies on it must hear of that now.
                self.pass_on_lease(before);
                self.link = Link::Greeting { quiet_since: now };
            }
            SessionInput::Ready => {
                if let Link::Greeting { quiet_since } = self.link {
                    self.link = Link::Up { quiet_since, kept_alive: now, proven: false };
                    self.outputs.push_back(SessionOutput::SendProbe);
                }
            }
            SessionInput::Received => self.received(now),
            SessionInput::ProbeAnswered { sent } => self.probe_answered(now, sent),
            SessionInput::Detached => self.detached(now),
            SessionInput::Expired => self.lose(),
            SessionInput::Candidates(candidates) => {
                let first = self.candidates == 0 && candidates > 0;
                self.candidates = candidates;
                if first {
                    self.keep_alive(now);
                }
            }
            SessionInput::Timer => self.timer(now),
        }
    }

    /// The next thing to do; `None` once everything is done.
    pub fn next_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// When to call with [`SessionInput::Timer`], and why.
    pub fn next_timer(&self) -> Option<(Timestamp, SessionTimer)> {
        let timeout = self.timeout.filter(|_| !self.lost)?;
        let mut due = vec![(self.presumed_lost_at(timeout), SessionTimer::PresumeLost)];
        match self.link {
            Link::Down => {}
            Link::Greeting { quiet_since } => {
                due.push((quiet_since + timeout.silence(), SessionTimer::Silence));
            }
            Link::Up { quiet_since, kept_alive, .. } => {
                due.push((quiet_since + timeout.silence(), SessionTimer::Silence));
                due.push((kept_alive + timeout.probe_interval(), SessionTimer::KeepAlive));
            }
        }
        due.into_iter().min()
    }

    /// The end of the lease, as far as it is proven.
    pub fn lease_until(&self) -> Option<Timestamp> {
        self.lease.deadline()
    }

    fn received(&mut self, now: Timestamp) {
        match &mut self.link {
            Link::Down => return,
            Link::Greeting { quiet_since } | Link::Up { quiet_since, .. } => *quiet_since = now,
        }
        if self.candidates == 0 {
            self.heard = now;
        }
    }

    fn probe_answered(&mut self, now: Timestamp, sent: Timestamp) {
        let Link::Up { proven, .. } = &mut self.link else { return };
        *proven = true;
        let before = self.lease.deadline();
        self.lease.probe_answered(sent, now);
        self.pass_on_lease(before);
        if !self.connected {
            self.connected = true;
            self.outputs.push_back(SessionOutput::State(SessionState::Connected));
        }
    }

    fn pass_on_lease(&mut self, before: Option<Timestamp>) {
        let deadline = self.lease.deadline();
        self.outputs.extend(deadline.filter(|_| deadline != before).map(SessionOutput::LeaseUntil));
    }

    fn detached(&mut self, now: Timestamp) {
        self.link = Link::Down;
        self.lease.detached();
        if self.connected {
            self.connected = false;
            let until = self.lease.deadline().unwrap_or(now);
            self.outputs.push_back(SessionOutput::State(SessionState::Suspended { until }));
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.connected = false;
        self.link = Link::Down;
        self.outputs.push_back(SessionOutput::State(SessionState::Lost));
    }

    fn timer(&mut self, now: Timestamp) {
        let Some(timeout) = self.timeout else { return };
        if now >= self.presumed_lost_at(timeout) {
            return self.lose();
        }
        let (Link::Greeting { quiet_since } | Link::Up { quiet_since, .. }) = &mut self.link else {
            return;
        };
        let silent_at = *quiet_since + timeout.silence();
        if now >= silent_at {
            if now.since(silent_at) < timeout.probe_interval() / 2 {
                self.outputs.push_back(SessionOutput::LeaveServer);
                // Not only once the driver has let go: until then this timer would be due again and again.
                return self.detached(now);
            }
            // It was this process that slept, not the server: what it sent may lie unread in the socket.
            *quiet_since = now - timeout.probe_interval();
        }
        if let Link::Up { kept_alive, .. } = self.link
            && now >= kept_alive + timeout.probe_interval()
        {
            self.keep_alive(now);
        }
    }

    fn keep_alive(&mut self, now: Timestamp) {
        let Link::Up { kept_alive, proven, .. } = &mut self.link else { return };
        *kept_alive = now;
        let probe = self.candidates > 0 || !*proven;
        self.outputs.push_back(if probe { SessionOutput::SendProbe } else { SessionOutput::SendPing });
    }

    fn presumed_lost_at(&self, timeout: SessionTimeout) -> Timestamp {
        let heard = self.heard + timeout.span();
        let alive_until = self.lease.deadline().map_or(heard, |lease| lease.max(heard));
        let at = alive_until + timeout.presume_lost();
        match self.link {
            // One that is attached just then has its chance.
            Link::Greeting { quiet_since } | Link::Up { quiet_since, proven: false, .. } => {
                at.max(quiet_since + timeout.silence())
            }
            _ => at,
        }
    }
}
