//! The end of an election's actor, asked for or not: what it leaves behind, and who lets go of that.
//!
//! An actor may panic, in a message of the application's own that was sent to it, say, or be stopped by one. Its session goes
//! on if others use it, and with that the lock would stand for as long, held by nobody.

use std::rc::Rc;
use std::time::Duration;

use actix::WeakAddr;
use actix::prelude::*;
use actix_election_core::{Candidate, CandidateConfig, ElectionPath, SessionState, StandbyReason};

use super::sweep::Sweep;
use super::{BecameStandby, Election, ElectionSettings};
use crate::clock::Clock;
use crate::session::ElectionEnded;
use crate::session::link::{Notices, SessionLink};
use crate::{Session, StartError};

/// What an election has left behind.
pub(crate) enum Remains {
    /// Nothing: it has left, or its session is over.
    Nothing,
    /// It has ended unasked; with who is to let go of what it held, if it ever competed.
    Heir(Option<Box<Candidate>>),
    /// The same, and it was an heir itself: there is no end to that.
    Uncertain,
}

impl Drop for Election {
    /// At its end, or torn down: by a panic, by somebody who has stopped it, or with its thread. The lease goes first, then the
    /// roles are told, and then the lock goes. The watchdog is not disarmed unless the roles have handled their
    /// `BecameStandby`.
    fn drop(&mut self) {
        if let Some(term) = &self.term {
            term.end();
        }
        // A panic may have come while they were looked at, and another one would end the process.
        if let Ok(mut roles) = self.watched.roles.try_borrow_mut() {
            let path = self.path.clone();
            roles.abandon(&BecameStandby { path, reason: StandbyReason::Resigned, master: None });
        }
        if let Some(session) = &self.session {
            session.do_send(ElectionEnded { path: self.path.clone(), remains: self.remains() });
        }
    }
}

impl Election {
    fn remains(&self) -> Remains {
        if self.has_left || self.session_state == SessionState::Closed {
            Remains::Nothing
        } else if self.is_heir {
            Remains::Uncertain
        } else {
            Remains::Heir(self.candidate.heir().map(Box::new))
        }
    }

    /// Starts an election on this thread's arbiter that lets go of what another one has left, and ends by itself: nobody holds
    /// its address.
    pub(crate) fn open_heir(
        heir: Candidate,
        path: ElectionPath,
        session_timeout: Duration,
        session: Addr<Session>,
        link: SessionLink,
        notices: Notices,
        sweep: Rc<Sweep>,
    ) -> Result<WeakAddr<Election>, StartError> {
        let config = CandidateConfig::new(path);
        let settings = ElectionSettings { config, roles: Vec::new(), watchdog: false, campaign: false };
        let mut election =
            Election::new(settings, session_timeout, Clock::Boot, Some(session), link, notices, sweep)?;
        election.candidate = heir;
        election.is_heir = true;
        Ok(election.start().downgrade())
    }
}
