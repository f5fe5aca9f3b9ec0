//! A world: processes around an ensemble, and what can happen in it.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_election_core::*;

use crate::action::Action;
use crate::ensemble::{Ensemble, Event};
use crate::process::{Link, Process, Session, T, Waiting};
use crate::seen::{Notable, Seen};
use crate::tree::{PATH, Tree};

pub(crate) const TICK: Duration = Duration::from_secs(1);

/// What a connected session's lease has left after each tick, and what a new session starts with.
const RENEWED: Duration = Duration::from_secs(6);
const FRESH: Duration = Duration::from_secs(7);

/// A promise that was broken, in words.
pub(crate) type Broken = String;

/// The faults that a world may meet.
pub(crate) type Allowed = fn(Action) -> bool;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) ensemble: Ensemble,
    pub(crate) processes: Vec<Process>,
    pub(crate) ticks_left: u32,
    /// How often time may yet pass while something waits that needs none: a late timer, a reply on its way.
    pub(crate) lags_left: u32,
    pub(crate) faults_left: u32,
    pub(crate) greatest: Option<FencingToken>,
    /// The locks that somebody deleted by hand.
    pub(crate) robbed: BTreeSet<i64>,
    /// The znodes whose creators did not hear of it.
    pub(crate) unheard: BTreeSet<i64>,
}

impl World {
    /// A world where nothing has happened but that every process has one role and competes.
    pub(crate) fn new(processes: usize, ticks: u32, faults: u32) -> Self {
        Self::of(false, processes, ticks, faults)
    }

    /// The same with a queue.
    pub(crate) fn queue(processes: usize, ticks: u32, faults: u32) -> Self {
        Self::of(true, processes, ticks, faults)
    }

    fn of(queue: bool, processes: usize, ticks: u32, faults: u32) -> Self {
        let now = Timestamp::from_nanos(100_000_000_000);
        let mut world = World {
            now,
            ensemble: Ensemble::new(queue),
            processes: (0..processes).map(|number| Process::new(number, now, queue)).collect(),
            ticks_left: ticks,
            lags_left: 0,
            faults_left: faults,
            greatest: None,
            robbed: BTreeSet::new(),
            unheard: BTreeSet::new(),
        };
        let seen = &mut Seen::default();
        for p in 0..processes {
            let role = world.processes[p].new_role();
            world.processes[p].campaigning = true;
            world.give(p, Input::RoleJoined(role), seen).unwrap();
            world.give(p, Input::Campaign, seen).unwrap();
        }
        world
    }

    /// A world in which all is quiet: the first process is master, and the others are standby.
    pub(crate) fn settled(processes: usize, ticks: u32, faults: u32) -> Self {
        World { ticks_left: ticks, faults_left: faults, ..Self::new(processes, 0, 0).at_rest() }
    }

    /// The same with a queue, in which they stand in the order of their numbers.
    pub(crate) fn settled_queue(processes: usize, ticks: u32, faults: u32) -> Self {
        World { ticks_left: ticks, faults_left: faults, ..Self::queue(processes, 0, 0).at_rest() }
    }

    fn at_rest(self) -> Self {
        let mut world = self;
        world.quiesce(&mut Seen::default()).unwrap();
        assert!(world.processes[0].held.is_some());
        world
    }

    /// The same world, where time may pass so often although something waits.
    pub(crate) fn lagging(mut self, lags: u32) -> Self {
        self.lags_left = lags;
        self
    }

    /// The same world, but everything above the znodes of candidates is missing.
    pub(crate) fn without_parent(mut self) -> Self {
        self.ensemble.tree = Tree::new(false);
        self
    }

    /// Everything that can happen next; of the faults, only those allowed.
    pub(crate) fn actions(&self, allowed: Allowed) -> Vec<Action> {
        let mut actions = Vec::new();
        for (p, process) in self.processes.iter().enumerate() {
            self.actions_of(p, process, &mut actions);
        }
        if self.ticks_left > 0 && (self.lags_left > 0 || !self.lags()) {
            actions.push(Action::Tick);
        }
        let connected = |id: i64| {
            self.processes.iter().any(|p| p.link.is_some() && p.session.is_some_and(|s| s.id.0 == id))
        };
        let expired =
            self.ensemble.sessions.iter().filter(|(id, lease)| self.now >= **lease && !connected(**id));
        actions.extend(expired.map(|(id, _)| Action::Expire(*id)));
        let line = self.ensemble.line();
        actions.extend((0..line.len()).map(Action::Delete));
        if !line.is_empty() {
            actions.extend([Action::Overwrite, Action::AskToResign(true), Action::AskToResign(false)]);
        } else if !self.ensemble.queue {
            actions.push(Action::Squat);
        }
        actions.push(Action::Wipe);
        actions.push(if self.ensemble.tree.denied { Action::Allow } else { Action::Deny });
        actions.retain(|action| !action.is_fault() || self.faults_left > 0 && allowed(*action));
        actions
    }

    /// Whether something waits that needs no time. Slow roles and long cuts are no lags: there the time is the point.
    fn lags(&self) -> bool {
        self.processes.iter().any(|process| {
            let due = process.candidate.next_timer().is_some_and(|(at, _)| self.now >= at);
            let link = process.link.as_ref();
            due || link.is_some_and(|link| !link.is_idle())
        })
    }

    fn actions_of(&self, p: usize, process: &Process, actions: &mut Vec<Action>) {
        if process.candidate.next_timer().is_some_and(|(at, _)| self.now >= at) {
            actions.push(Action::Timer(p));
        }
        match &process.link {
            Some(link) => {
                if !link.requests.is_empty() {
                    actions.push(Action::Serve(p));
                }
                if !link.patient.is_empty() {
                    actions.push(Action::ServePatient(p));
                }
                if !link.replies.is_empty() {
                    actions.push(Action::Deliver(p));
                }
                actions.push(Action::Cut(p));
            }
            None => {
                actions.push(Action::Connect(p));
                if process.session.is_some_and(|session| self.now >= session.lease) {
                    actions.push(Action::GiveUp(p));
                }
            }
        }
        match &process.role {
            Some(role) => {
                if !role.mailbox.is_empty() {
                    actions.push(Action::Acknowledge(p));
                }
                actions.extend([Action::RoleFails(p), Action::RoleRestarts(p)]);
            }
            None => actions.push(Action::Replace(p)),
        }
        actions.push(Action::Resign(p));
        actions.push(if process.campaigning { Action::Withdraw(p) } else { Action::Campaign(p) });
    }

    /// Lets one thing happen, and says which promise that breaks, if any.
    pub(crate) fn happen(&mut self, action: Action, seen: &mut Seen) -> Result<(), Broken> {
        if action.is_fault() {
            self.faults_left = self.faults_left.saturating_sub(1);
        }
        match action {
            Action::Tick => self.tick(),
            Action::Timer(p) => {
                if let Some((_, timer)) = self.processes[p].candidate.next_timer() {
                    seen.note(timer);
                }
                self.give(p, Input::Timer, seen)?;
            }
            Action::Serve(p) => self.serve(p, |link| &mut link.requests, seen)?,
            Action::ServePatient(p) => self.serve(p, |link| &mut link.patient, seen)?,
            Action::Deliver(p) => {
                if let Some(input) = self.processes[p].link.as_mut().and_then(|link| link.replies.pop_front())
                {
                    self.give(p, input, seen)?;
                }
            }
            Action::Acknowledge(p) => self.acknowledge(p, seen)?,
            Action::Connect(p) => self.connect(p, seen)?,
            Action::GiveUp(p) => self.lose_session(p, seen)?,
            Action::Expire(session) => {
                let events = self.ensemble.expire(SessionId(session));
                self.send(events);
            }
            Action::Replace(p) => {
                let role = self.processes[p].new_role();
                self.give(p, Input::RoleJoined(role), seen)?;
            }
            Action::Cut(p) => self.cut(p, seen)?,
            Action::Delete(place) => self.delete_by_hand(place),
            Action::Overwrite => {
                let events = self.ensemble.overwrite();
                self.send(events);
            }
            Action::Squat => {
                let events = self.ensemble.create_by_hand(PATH, b"mine", 0);
                self.send(events);
            }
            Action::Wipe => self.wipe(seen)?,
            Action::Deny => self.ensemble.deny(true),
            Action::Allow => self.ensemble.deny(false),
            Action::RoleFails(p) => {
                if let Some(role) = self.processes[p].role.take() {
                    self.give(p, Input::RoleFailed(role.id), seen)?;
                }
            }
            Action::RoleRestarts(p) => self.restart_role(p, seen)?,
            Action::Resign(p) => self.give(p, Input::Resign { token: None }, seen)?,
            Action::AskToResign(valid) => self.ask_to_resign(valid),
            Action::Withdraw(p) => {
                self.processes[p].campaigning = false;
                self.give(p, Input::Withdraw, seen)?;
            }
            Action::Campaign(p) => {
                self.processes[p].campaigning = true;
                self.give(p, Input::Campaign, seen)?;
            }
        }
        self.at_most_one_master(seen)
    }

    fn tick(&mut self) {
        self.ticks_left = self.ticks_left.saturating_sub(1);
        if self.lags() {
            self.lags_left = self.lags_left.saturating_sub(1);
        }
        self.now = self.now + TICK;
        for process in &mut self.processes {
            // The session's own thread goes on even where the rest of the process hangs.
            if let (Some(session), Some(_)) = (&mut process.session, &process.link) {
                session.lease = session.lease.max(self.now + RENEWED);
                self.ensemble.sessions.insert(session.id.0, session.lease);
            }
        }
    }

    fn serve(
        &mut self,
        p: usize,
        waiting: fn(&mut Link) -> &mut Waiting,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        let process = &mut self.processes[p];
        let (Some(session), Some(link)) = (process.session, &mut process.link) else { return Ok(()) };
        let Some((op, operation)) = waiting(link).pop_front() else { return Ok(()) };
        if let Operation::Delete { path } = &operation {
            self.deletes_only_its_own(p, session.id, path)?;
        }
        let (events, reply) = self.ensemble.serve(p, session.id, op, &operation);
        if reply == Reply::Refused(Refusal::NodeExists) {
            seen.note(Notable::LostRace);
        }
        if matches!(operation, Operation::CreateParents { .. }) {
            seen.note(Notable::Parents);
        }
        self.send(events);
        if let Some(link) = &mut self.processes[p].link {
            link.replies.push_back(Input::Answered(op, reply));
        }
        Ok(())
    }

    fn send(&mut self, events: Vec<Event>) {
        for (p, event) in events {
            if let Some(link) = &mut self.processes[p].link {
                link.replies.push_back(event);
            }
        }
    }

    fn acknowledge(&mut self, p: usize, seen: &mut Seen) -> Result<(), Broken> {
        let Some(role) = &mut self.processes[p].role else { return Ok(()) };
        let Some(message) = role.mailbox.pop_front() else { return Ok(()) };
        role.standby_unhandled.take_if(|standby| *standby == message);
        let id = role.id;
        self.give(p, Input::RoleAcknowledged(id, message), seen)
    }

    /// The actor that comes up has been told nothing. What it owes a word for is as unhandled as before.
    fn restart_role(&mut self, p: usize, seen: &mut Seen) -> Result<(), Broken> {
        let Some(role) = &mut self.processes[p].role else { return Ok(()) };
        seen.note(match role.master {
            Some(true) => Notable::RestartedMaster,
            _ if role.standby_unhandled.is_some() => Notable::RestartedOnItsWay,
            _ => Notable::RestartedIdle,
        });
        role.mailbox.clear();
        role.master = None;
        let (id, last) = (role.id, role.last.take());
        last.map_or(Ok(()), |last| self.give(p, Input::RoleRestarted(id, last), seen))
    }

    fn connect(&mut self, p: usize, seen: &mut Seen) -> Result<(), Broken> {
        let session = match self.processes[p].session {
            Some(session)
                if self.now < session.lease && self.ensemble.sessions.contains_key(&session.id.0) =>
            {
                session
            }
            Some(_) => return self.lose_session(p, seen),
            None => {
                let lease = self.now + FRESH;
                Session { id: self.ensemble.new_session(lease), lease }
            }
        };
        self.processes[p].session = Some(session);
        self.processes[p].link = Some(Link::default());
        self.give(p, Input::Connected { session: session.id, timeout: T }, seen)
    }

    fn lose_session(&mut self, p: usize, seen: &mut Seen) -> Result<(), Broken> {
        let session = self.processes[p].session.take();
        if session.is_some_and(|session| self.ensemble.sessions.contains_key(&session.id.0)) {
            seen.note(Notable::GivenUpAlive);
        }
        self.give(p, Input::SessionLost, seen)
    }

    fn cut(&mut self, p: usize, seen: &mut Seen) -> Result<(), Broken> {
        self.ensemble.disconnect(p);
        for input in self.processes[p].link.take().into_iter().flat_map(|link| link.replies) {
            match input {
                Input::Answered(_, Reply::Done) => seen.note(Notable::LostDelete),
                Input::Answered(_, Reply::Created(stat) | Reply::CreatedSequential { stat, .. }) => {
                    self.unheard.insert(stat.czxid);
                }
                _ => {}
            }
        }
        self.give(p, Input::Disconnected, seen)
    }

    fn delete_by_hand(&mut self, place: usize) {
        let Some(path) = self.ensemble.line().get(place).cloned() else { return };
        self.rob(&path);
        let events = self.ensemble.remove(&path);
        self.send(events);
    }

    /// Notes that a znode is taken away from its owner.
    pub(crate) fn rob(&mut self, path: &str) {
        let Some(stat) = self.ensemble.tree.znodes.get(path).map(|znode| znode.stat) else { return };
        self.robbed.insert(stat.czxid);
        for held in self.processes.iter_mut().filter_map(|process| process.held.as_mut()) {
            held.robbed |= held.token.as_i64() == stat.czxid;
        }
    }

    /// The promises do not hold over a loss of the ensemble's data, but recovery does.
    fn wipe(&mut self, seen: &mut Seen) -> Result<(), Broken> {
        for p in 0..self.processes.len() {
            if self.processes[p].link.is_some() {
                self.cut(p, seen)?;
            }
            if let Some(held) = &mut self.processes[p].held {
                held.robbed = true;
            }
        }
        self.ensemble.wipe();
        self.greatest = None;
        self.robbed.clear();
        Ok(())
    }

    fn ask_to_resign(&mut self, valid: bool) {
        let Some(lock) = self.ensemble.lock() else { return };
        let Stat { czxid, ephemeral_owner } = lock.stat;
        let path = resign_request_path(&ElectionPath::new(PATH).unwrap(), SessionId(ephemeral_owner));
        let data = resign_request_data(FencingToken::new(czxid));
        // The session of whoever asks is none of this world's, so it lasts. An earlier request is taken back.
        if self.ensemble.tree.znodes.contains_key(&path) {
            let events = self.ensemble.remove(&path);
            self.send(events);
        }
        let events = self.ensemble.create_by_hand(&path, &data, i64::from(valid));
        self.send(events);
    }

    /// Hands an input to a candidate, after the lease if that has moved, and carries out what comes of it.
    pub(crate) fn give(&mut self, p: usize, input: Input, seen: &mut Seen) -> Result<(), Broken> {
        if let Some(session) = self.processes[p].session
            && !matches!(input, Input::SessionLost)
        {
            self.processes[p].candidate.handle(self.now, Input::Lease(session.lease));
            self.carry_out(p, None, seen)?;
        }
        self.processes[p].candidate.handle(self.now, input.clone());
        self.carry_out(p, Some(&input), seen)
    }

    fn carry_out(&mut self, p: usize, input: Option<&Input>, seen: &mut Seen) -> Result<(), Broken> {
        while let Some(output) = self.processes[p].candidate.next_output() {
            self.output(p, input, output, seen).map_err(|broken| format!("process {p}: {broken}"))?;
        }
        let process = &self.processes[p];
        seen.note(process.candidate.status().state);
        if let Some((at, timer)) = process.candidate.next_timer().filter(|(at, _)| *at <= self.now) {
            return Err(format!("process {p}: {timer:?} was served and is due again ({at:?})"));
        }
        let told_master = process.role.as_ref().is_some_and(|role| role.master == Some(true));
        if told_master && process.held.is_none() {
            return Err(format!("process {p}: its role was not told that the term is over"));
        }
        Ok(())
    }
}
