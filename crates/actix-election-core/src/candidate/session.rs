//! The session as the driver knows it, and what its changes mean.

use super::{Candidate, StandbyReason};
use crate::{CandidateConfig, SessionId, SessionTimeout, Timestamp};

/// What is known of the session.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct KnownSession {
    id: Option<SessionId>,
    connected: bool,
    /// The timeout granted to the present session, or to the last one.
    timeout: SessionTimeout,
    /// The end of its lease.
    lease: Option<Timestamp>,
}

impl KnownSession {
    /// There is none yet.
    pub(super) fn none(config: &CandidateConfig) -> Self {
        let timeout = SessionTimeout::new(config.session_timeout);
        KnownSession { id: None, connected: false, timeout, lease: None }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// The session, while it is connected.
    pub(super) fn connected(&self) -> Option<SessionId> {
        self.id.filter(|_| self.connected)
    }

    pub(super) fn timeout(&self) -> SessionTimeout {
        self.timeout
    }

    pub(super) fn lease_until(&mut self, end: Timestamp) {
        self.lease = Some(end);
    }

    /// The end of the lease.
    pub(super) fn lease(&self) -> Option<Timestamp> {
        self.lease
    }

    /// When whoever leads has to be notified that the lease ends.
    pub(super) fn notice_at(&self) -> Option<Timestamp> {
        self.lease.map(|end| end - self.timeout.notice())
    }

    /// Whether enough of the lease remains to begin a term.
    pub(super) fn suffices_to_lead(&self, now: Timestamp) -> bool {
        self.lease.is_some_and(|end| end.since(now) >= self.timeout.least_to_lead())
    }
}

impl Candidate {
    pub(super) fn connect(&mut self, session: SessionId, timeout: SessionTimeout) {
        if self.session.id.is_some_and(|before| before != session) {
            self.lose_session();
        }
        self.session.id = Some(session);
        self.session.timeout = timeout;
        self.session.connected = true;
        self.pace.reset();
        self.contest.connected(session);
        self.resign_watch.reset();
    }

    pub(super) fn disconnect(&mut self) {
        self.session.connected = false;
        self.pace.reset();
        self.contest.disconnected();
        self.resign_watch.reset();
    }

    pub(super) fn lose_session(&mut self) {
        self.disconnect();
        self.session.id = None;
        self.session.lease = None;
        self.contest.session_lost();
        self.cut_term(StandbyReason::SessionLost);
    }
}
