//! The life of one ZooKeeper session, seen from its client.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::{LeaseClock, SessionTimeout, Timestamp};

/// The state of a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(into = "&'static str"))]
#[non_exhaustive]
pub enum SessionState {
    /// No session yet: looking for a server that grants one.
    Connecting,
    /// Attached to a server, and a probe has come back through the quorum.
    Connected,
    /// Cut off. The session lives on at the ensemble at least until `until`, the end of its lease. If it is attached to a
    /// server and proven again before that, nothing is lost.
    Suspended {
        /// The end of the lease.
        until: Timestamp,
    },
    /// Over: the ensemble said so, or its lease has ended. A new session follows.
    Lost,
    /// Closed by its owner, or its thread has died, which has the same effect. No new session follows.
    Closed,
}

impl SessionState {
    /// The name used in logs, in metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionState::Connecting => "connecting",
            SessionState::Connected => "connected",
            SessionState::Suspended { .. } => "suspended",
            SessionState::Lost => "lost",
            SessionState::Closed => "closed",
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<SessionState> for &'static str {
    fn from(state: SessionState) -> Self {
        state.as_str()
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
    /// The wall clock has gained so much on the clock since it was last looked at.
    WallClockGained(Duration),
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
    /// close it at the ensemble, unless that has said that it is over, and start another with a monitor of its own. It must
    /// not be attached for anything but the close: that alone would keep it, and what it holds, for another T.
    State(SessionState),
}

/// Why a [`SessionMonitor`] wants to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SessionTimer {
    /// The next probe or ping is due.
    KeepAlive,
    /// The server has been silent for T/5.
    Silence,
    /// The lease ends, and with it the session; without candidates, the session has not been heard of for T.
    Lost,
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
/// assert_eq!(monitor.next_output(), Some(SessionOutput::LeaseUntil(t0 + Duration::from_millis(9_800))));
/// monitor.handle(t0, SessionInput::Ready);
/// assert_eq!(monitor.next_output(), Some(SessionOutput::SendProbe));
/// monitor.handle(t0, SessionInput::ProbeAnswered { sent: t0 });
/// assert_eq!(monitor.next_output(), Some(SessionOutput::State(SessionState::Connected)));
/// assert_eq!(monitor.next_output(), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct SessionMonitor {
    /// Once there is a session.
    lease: Option<LeaseClock>,
    link: Link,
    candidates: usize,
    connected: bool,
    lost: bool,
    /// When the session was created, or something last came from a server.
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
        // Before anything else: after a stop of the whole process, what is overdue comes first.
        if self.lost_at().is_some_and(|at| now >= at) {
            return self.lose();
        }
        match input {
            SessionInput::Attached { sent, timeout } => self.attached(now, sent, timeout),
            SessionInput::WallClockGained(gained) => self.wall_clock_gained(now, gained),
            SessionInput::Ready => {
                if let Link::Greeting { quiet_since } = self.link {
                    self.link = Link::Up { quiet_since, kept_alive: now, proven: false };
                    self.outputs.push_back(SessionOutput::SendProbe);
                }
            }
            SessionInput::Received => self.received(now),
            SessionInput::ProbeAnswered { sent } => self.probe_answered(now, sent),
            SessionInput::Detached => self.detached(),
            SessionInput::Expired => self.lose(),
            SessionInput::Candidates(candidates) => self.count_candidates(now, candidates),
            SessionInput::Timer => self.timer(now),
        }
    }

    /// The next thing to do; `None` once everything is done.
    pub fn next_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// When to call with [`SessionInput::Timer`], and why.
    pub fn next_timer(&self) -> Option<(Timestamp, SessionTimer)> {
        let timeout = self.timeout().filter(|_| !self.lost)?;
        let lost = self.lost_at().map(|at| (at, SessionTimer::Lost));
        let quiet_since = match self.link {
            Link::Down => None,
            Link::Greeting { quiet_since } | Link::Up { quiet_since, .. } => Some(quiet_since),
        };
        let silence = quiet_since.map(|since| (since + timeout.silence(), SessionTimer::Silence));
        let keep_alive = match self.link {
            Link::Up { kept_alive, .. } => {
                Some((kept_alive + timeout.probe_interval(), SessionTimer::KeepAlive))
            }
            _ => None,
        };
        [lost, silence, keep_alive].into_iter().flatten().min()
    }

    /// The end of the lease; `None` before there is a session. It may have passed: then nothing brings it back.
    pub fn lease_until(&self) -> Option<Timestamp> {
        self.lease.as_ref().map(LeaseClock::end)
    }

    /// T: the smallest timeout that was granted to the session; `None` before there is one.
    pub fn timeout(&self) -> Option<SessionTimeout> {
        self.lease.as_ref().map(LeaseClock::timeout)
    }

    /// When the session is given up unless something happens before. Where nobody competes there is no lease to keep up,
    /// and answered pings are the only sign of life.
    fn lost_at(&self) -> Option<Timestamp> {
        let lease = self.lease.as_ref()?;
        Some(if self.candidates > 0 { lease.end() } else { self.heard + lease.timeout().span() })
    }

    fn attached(&mut self, now: Timestamp, sent: Timestamp, timeout: SessionTimeout) {
        let before = self.lease_until();
        match &mut self.lease {
            Some(lease) => lease.attached(sent, timeout),
            None => {
                self.heard = sent;
                self.lease = Some(LeaseClock::created(sent, timeout));
            }
        }
        // A shorter timeout may end the lease earlier, and whoever relies on it must hear of that now.
        self.pass_on_lease(before);
        self.link = Link::Greeting { quiet_since: now };
    }

    /// Where a hypervisor stopped the machine, the clock that counts suspend goes on from where it stood, but the wall
    /// clock is set sooner or later. Whoever sets it forward for another reason costs a lease, and nothing worse.
    fn wall_clock_gained(&mut self, now: Timestamp, gained: Duration) {
        let Some(lease) = self.lease.as_mut().filter(|lease| gained > lease.timeout().margin()) else {
            return;
        };
        lease.forfeit(now);
        if self.candidates > 0 {
            self.lose();
        }
    }

    fn received(&mut self, now: Timestamp) {
        match &mut self.link {
            Link::Down => return,
            Link::Greeting { quiet_since } | Link::Up { quiet_since, .. } => *quiet_since = now,
        }
        self.heard = now;
    }

    fn probe_answered(&mut self, now: Timestamp, sent: Timestamp) {
        let (Link::Up { proven, .. }, Some(lease)) = (&mut self.link, &mut self.lease) else { return };
        *proven = true;
        let before = Some(lease.end());
        lease.probe_answered(sent, now);
        self.pass_on_lease(before);
        if !self.connected {
            self.connected = true;
            self.outputs.push_back(SessionOutput::State(SessionState::Connected));
        }
    }

    fn pass_on_lease(&mut self, before: Option<Timestamp>) {
        let end = self.lease_until();
        self.outputs.extend(end.filter(|_| end != before).map(SessionOutput::LeaseUntil));
    }

    fn detached(&mut self) {
        self.link = Link::Down;
        let Some(lease) = &mut self.lease else { return };
        lease.detached();
        if std::mem::take(&mut self.connected) {
            let until = lease.end();
            self.outputs.push_back(SessionOutput::State(SessionState::Suspended { until }));
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.connected = false;
        self.link = Link::Down;
        // What was proven a moment ago is of no use any more.
        self.outputs.retain(|output| !matches!(output, SessionOutput::LeaseUntil(_)));
        self.outputs.push_back(SessionOutput::State(SessionState::Lost));
    }

    fn count_candidates(&mut self, now: Timestamp, candidates: usize) {
        let first = self.candidates == 0 && candidates > 0;
        self.candidates = candidates;
        if !first {
            return;
        }
        // Without candidates the lease was not kept up. What is left of it may not last until the first proof, which takes
        // T/2 on a slow network; and nobody has anything yet that would go with the session.
        let short = |lease: &LeaseClock| lease.end().since(now) < lease.timeout().first_proof();
        if self.lease.as_ref().is_some_and(short) {
            return self.lose();
        }
        self.keep_alive(now);
    }

    fn timer(&mut self, now: Timestamp) {
        let Some(timeout) = self.timeout() else { return };
        let (Link::Greeting { quiet_since } | Link::Up { quiet_since, .. }) = &mut self.link else {
            return;
        };
        let silent_at = *quiet_since + timeout.silence();
        if now >= silent_at {
            if now.since(silent_at) < timeout.probe_interval() / 2 {
                self.outputs.push_back(SessionOutput::LeaveServer);
                // Not only once the driver has let go: until then this timer would be due again and again.
                return self.detached();
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
}
