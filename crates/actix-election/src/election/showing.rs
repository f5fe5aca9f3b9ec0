//! What an election's actor shows to every thread.

use actix_election_core::Master;

use super::Leadership;
use super::actor::ElectionActor;
use super::status::{Facts, Shown};

impl ElectionActor {
    /// Whether this is a mastership of this candidate, with a lease or without.
    pub(super) fn is_self(&self, master: Option<&Master>) -> bool {
        // An ensemble that was wiped gives the same tokens again, to others.
        let ours = |address: &str| address.is_empty() || address == self.address;
        master.is_some_and(|master| Some(master.token) == self.own && ours(&master.address))
    }

    /// Shows what has changed, if anything has.
    pub(super) fn publish(&self) {
        let status = self.candidate.status();
        let shown = self.board.board.read();
        let before = &shown.value.facts;
        let now = self.clock.now();
        let leadership = match status.master {
            Some(Some(master)) => Leadership::Held {
                is_self: self.is_self(Some(&master)),
                is_current: status.is_current,
                master,
            },
            Some(None) if status.is_current => Leadership::Vacant,
            Some(None) | None => Leadership::Unknown,
        };
        let facts = Facts {
            state: status.state,
            state_since: if status.state == before.state { before.state_since } else { now },
            place: status.place,
            leadership,
            token: status.token,
            term_since: status.token.map(|token| match before.term_since {
                Some(since) if before.token == Some(token) => since,
                _ => now,
            }),
            session: self.session.state,
            session_id: self.session.id,
            granted_timeout: self.session.granted_timeout,
            last_error: self.audience.last_error.clone(),
            next_retry: status.next_retry,
        };
        if facts != *before {
            let (term, session_lease) = (self.term.clone(), self.session.lease.clone());
            self.board.board.show(Shown { facts, term, session_lease }, false);
        }
    }
}
