//! The end of an election's actor, asked for or not: what it leaves behind, and who releases that.
//!
//! An actor may panic, by a mistake of ours. Its session goes on if others use it, and with that the lock would stand for as
//! long, held by nobody.

use actix::prelude::*;
use actix_election_core::{Candidate, CandidateConfig, ElectionPath, StandbyReason};

use super::actor::ElectionActor;
use super::sweep::Sweep;
use super::{BecameStandby, ElectionSettings};
use crate::StartError;
use crate::clock::Clock;
use crate::session::{Admission, Guest, GuestEnded, Heir, Remains};

impl Drop for ElectionActor {
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
            roles.abandon(&BecameStandby::new(path, StandbyReason::Resigned, None));
        }
        self.board.end();
        if let Some(session) = &self.host {
            session.do_send(GuestEnded { path: self.path.clone(), remains: self.remains() });
        }
    }
}

impl ElectionActor {
    fn remains(&self) -> Remains {
        if self.departure.is_final || self.session.is_closed() {
            return Remains::Nothing;
        }
        if self.departure.is_heir {
            return Remains::Uncertain;
        }
        let path = self.path.clone();
        let heir = self.candidate.heir().map(Box::new);
        Remains::Heir(
            heir.map(|heir| -> Heir { Box::new(move |admission| open_heir(*heir, path, admission)) }),
        )
    }
}

/// Starts an election on this thread's arbiter that releases what another one has left, and ends by itself: nobody holds
/// its address.
fn open_heir(heir: Candidate, path: ElectionPath, admission: Admission) -> Result<Guest, StartError> {
    let config = CandidateConfig::new(path);
    let settings =
        ElectionSettings { config, roles: Vec::new(), work: None, watchdog: false, campaign: false };
    let mut election = ElectionActor::new(settings, Clock::Boot, Sweep::here(), admission.into())?;
    election.candidate = heir;
    election.departure.is_heir = true;
    Ok(ElectionActor::guest(&election.start()))
}
