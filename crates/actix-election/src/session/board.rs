//! What a session shows to every thread.

use std::net::SocketAddr;

use actix_election_core::{SessionId, SessionState, SessionTimeout};

use crate::board::Board;

/// What is known of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SessionFacts {
    pub(crate) state: SessionState,
    pub(crate) attached: Option<Attached>,
}

/// What was attached last, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attached {
    pub(crate) session: SessionId,
    pub(crate) timeout: SessionTimeout,
    pub(crate) server: SocketAddr,
}

/// Written by the session's actor.
pub(crate) type SessionBoard = Board<SessionFacts>;

impl SessionBoard {
    pub(crate) fn of_new_session() -> Self {
        Board::new(SessionFacts { state: SessionState::Connecting, attached: None })
    }

    /// The session is closed, and nothing follows.
    pub(super) fn close(&self) {
        let facts = self.read().value;
        self.show(SessionFacts { state: SessionState::Closed, ..facts }, true);
    }
}
