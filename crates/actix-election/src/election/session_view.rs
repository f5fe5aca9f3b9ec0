//! What an election knows of its session.

use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{Input, SessionId, SessionState, SessionTimeout, Timestamp};

use crate::lease::SessionLease;
use crate::session::link::ConnectionId;

/// The session, as its notices have it.
pub(super) struct SessionView {
    pub(super) state: SessionState,
    pub(super) id: Option<SessionId>,
    pub(super) granted_timeout: Option<Duration>,
    pub(super) lease: Option<Arc<SessionLease>>,
    /// The one that requests are made for.
    pub(super) connection: ConnectionId,
    /// The end of the lease that the core knows of.
    lease_notified: Option<Timestamp>,
}

impl SessionView {
    pub(super) fn new() -> Self {
        SessionView {
            state: SessionState::Connecting,
            id: None,
            granted_timeout: None,
            lease: None,
            connection: ConnectionId::default(),
            lease_notified: None,
        }
    }

    pub(super) fn connected(
        &mut self,
        connection: ConnectionId,
        session: SessionId,
        timeout: SessionTimeout,
        lease: Arc<SessionLease>,
    ) {
        self.state = SessionState::Connected;
        self.connection = connection;
        self.id = Some(session);
        self.granted_timeout = Some(timeout.span());
        self.lease = Some(lease);
    }

    pub(super) fn disconnected(&mut self, now: Timestamp) {
        let until = self.lease_end().unwrap_or(now);
        self.state = SessionState::Suspended { until };
    }

    /// There is no session any more, and this is why.
    pub(super) fn over(&mut self, state: SessionState) {
        *self = SessionView { state, connection: self.connection, ..SessionView::new() };
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == SessionState::Closed
    }

    /// What the core has to hear of the lease before anything else.
    ///
    /// A lease that is gone says that the session is over, before the notice of that is here: what came in between must not
    /// begin a term.
    pub(super) fn lease_change(&mut self) -> Option<Input> {
        let until = self.lease_end();
        let changed = self.lease_notified != until;
        self.lease_notified = until;
        changed.then(|| until.map_or(Input::SessionLost, Input::Lease))
    }

    fn lease_end(&self) -> Option<Timestamp> {
        self.lease.as_ref().and_then(|lease| lease.until())
    }
}
