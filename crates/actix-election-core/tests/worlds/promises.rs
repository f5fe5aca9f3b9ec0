//! What a candidate makes happen in a world, and what must never happen.

use actix_election_core::*;

use crate::process::{Held, Link, Process, T, Waiting};
use crate::seen::{Notable, Seen};
use crate::tree::PATH;
use crate::world::{Broken, World};

impl World {
    /// Carries out what a candidate puts out, given the input that led to it; none for a lease that moved on.
    pub(crate) fn output(
        &mut self,
        p: usize,
        input: Option<&Input>,
        output: Output,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        match output {
            Output::Request(op, operation) => {
                return self.request(p, input, |link| &mut link.requests, (op, operation));
            }
            Output::RequestWhenQuiet(op, operation) => {
                return self.request(p, input, |link| &mut link.patient, (op, operation));
            }
            Output::LeaseBegan(token) => return self.term_begins(p, input, token, seen),
            Output::LeaseCapped(at) => {
                let held = self.processes[p].held.as_mut().ok_or("a cap on no lease")?;
                held.cap = Some(held.cap.map_or(at, |cap| cap.min(at)));
            }
            Output::LeaseEnded => {
                let process = &mut self.processes[p];
                process.held.take().ok_or("the end of no lease")?;
                if process.role.as_ref().is_some_and(|role| role.standby_unhandled.is_some()) {
                    seen.note(Notable::UnhandledInTime);
                }
            }
            Output::Notify(role, id, message) => return self.notify(p, input, (role, id, &message), seen),
            // Sessions are probed here as long as they are connected.
            Output::LeaseNeeded(_) | Output::MasterChanged(_) => {}
            Output::Report(problem) => seen.note(problem.kind),
            Output::Left => {
                seen.note(Notable::Left);
                return self.left_nothing(p);
            }
        }
        Ok(())
    }

    /// G2, and enough of a lease to begin with.
    fn term_begins(
        &mut self,
        p: usize,
        input: Option<&Input>,
        token: FencingToken,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        // A lock that was deleted by hand before its owner heard that it has it: one notification of overlap.
        let robbed = self.robbed.contains(&token.as_i64());
        if self.greatest >= Some(token) && !robbed {
            return Err(format!("token {token} after {:?}", self.greatest));
        }
        self.greatest = self.greatest.max(Some(token));
        if self.unheard.remove(&token.as_i64()) {
            seen.note(Notable::RecoveredCreate);
        }
        if matches!(input, Some(Input::WatchFired(..))) {
            seen.note(Notable::PromotedUnread);
        }
        let now = self.now;
        let process = &mut self.processes[p];
        if process.held.is_some() {
            return Err(format!("term {token} begins within another"));
        }
        process.held = Some(Held { token, cap: None, robbed });
        if process.valid_until(now).is_none_or(|until| until < now + T.least_to_lead()) {
            return Err(format!("term {token} begins with too little of a lease"));
        }
        Ok(())
    }

    /// No lock is released, let alone deleted, under a valid lease.
    fn request(
        &mut self,
        p: usize,
        input: Option<&Input>,
        waiting: fn(&mut Link) -> &mut Waiting,
        (op, operation): (OpId, Operation),
    ) -> Result<(), Broken> {
        let process = &mut self.processes[p];
        // What an earlier session has left in a queue may go at any time.
        let held =
            process.held.as_ref().filter(|_| process.valid_until(self.now).is_some()).map(|held| held.token);
        let releases = match &operation {
            Operation::Confirm { .. } => held.is_some(),
            Operation::Delete { path } => {
                let znode =
                    self.ensemble.tree.znodes.get(path).map(|znode| FencingToken::new(znode.stat.czxid));
                held.is_some() && (path == PATH || znode == held)
            }
            _ => false,
        };
        if releases {
            return Err(format!("{operation:?} under a valid lease"));
        }
        match &mut process.link {
            Some(link) => waiting(link).push_back((op, operation)),
            // It is about to be told that the connection is gone: this goes nowhere.
            None if input.is_none() => {}
            None => return Err(format!("{operation:?} without a connection")),
        }
        Ok(())
    }

    /// A lock is deleted in the session that made it. But between the look before the delete and the delete itself
    /// somebody may delete it by hand, and another create one: that one then goes as well, and no ZooKeeper request
    /// could prevent it.
    pub(crate) fn deletes_only_its_own(
        &mut self,
        p: usize,
        session: SessionId,
        path: &str,
    ) -> Result<(), Broken> {
        let owner = self.ensemble.tree.znodes.get(path).map_or(session.0, |lock| lock.stat.ephemeral_owner);
        // In a queue what it has left itself in an earlier session goes by its name, which holds its identity.
        let identity = QueueId::from_random(p as u128).to_string();
        if owner == session.0 || path.contains(&identity) {
            return Ok(());
        }
        if self.robbed.is_empty() {
            return Err(format!("process {p} deletes the lock of {owner}"));
        }
        self.rob(path);
        Ok(())
    }

    /// G3: strictly in turn, and never `BecameMaster` for a term already lost.
    fn notify(
        &mut self,
        p: usize,
        input: Option<&Input>,
        (id, number, message): (RoleId, MessageId, &Message),
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        let process = &mut self.processes[p];
        let valid = process.valid_until(self.now).and(process.held).map(|held| held.token);
        let lives = process.session.is_some_and(|s| self.ensemble.sessions.contains_key(&s.id.0));
        let Some(role) = process.role.as_mut().filter(|role| role.id == id) else {
            // What was overdue came before the news that this role is dead: nobody hears it.
            let unaware = matches!(input, None | Some(Input::RoleFailed(_)));
            return if unaware { Ok(()) } else { Err("a dead role is told something".into()) };
        };
        role.mailbox.push_back(number);
        role.last = Some(number);
        match message {
            Message::BecameMaster { token } => {
                if role.master == Some(true) || role.standby_unhandled.is_some() {
                    return Err(format!("{message:?} before BecameStandby was handled"));
                }
                if valid != Some(*token) {
                    return Err(format!("{message:?} for a term that is lost"));
                }
                role.master = Some(true);
            }
            Message::BecameStandby { reason, .. } => {
                if role.master == Some(false) {
                    return Err(format!("{message:?} to one that is standby"));
                }
                seen.note(reason);
                if *reason == StandbyReason::LeaseEnding && lives {
                    seen.note(Notable::NoticeInLivingSession);
                }
                role.master = Some(false);
                role.standby_unhandled = Some(number);
            }
        }
        Ok(())
    }

    /// G8, for a candidate that has left.
    fn left_nothing(&self, p: usize) -> Result<(), Broken> {
        let process = &self.processes[p];
        let session = process.session.map(|session| session.id.0);
        let owned =
            self.ensemble.tree.znodes.values().any(|znode| Some(znode.stat.ephemeral_owner) == session);
        let creating = process.link.as_ref().is_some_and(|link| {
            let creates =
                |op: &Operation| matches!(op, Operation::Create { .. } | Operation::CreateSequential { .. });
            link.requests.iter().any(|(_, operation)| creates(operation))
        });
        if process.held.is_some() || creating || owned {
            return Err("it left, and left something behind".into());
        }
        Ok(())
    }

    /// G1, and what stands in its place once somebody has deleted a lock by hand.
    pub(crate) fn at_most_one_master(&self, seen: &mut Seen) -> Result<(), Broken> {
        let masters: Vec<&Process> =
            self.processes.iter().filter(|process| process.valid_until(self.now).is_some()).collect();
        let robbed = |process: &&&Process| process.held.is_some_and(|held| held.robbed);
        for process in masters.iter().filter(robbed) {
            let link = process.link.as_ref();
            if link.is_some_and(Link::is_idle) {
                return Err("it will never hear that its lock was deleted".into());
            }
        }
        let rightful = masters.len() - masters.iter().filter(robbed).count();
        if rightful > 1 {
            return Err(format!("{rightful} valid leases at once"));
        }
        if masters.len() > 1 {
            seen.note(Notable::OverlapByHand);
        }
        Ok(())
    }
}
