//! What an election's actor does for a candidate, and what the candidate must never do.

use actix_election_core::*;

use crate::judge::Property;
use crate::process::{Held, Process};
use crate::server::ServerId;
use crate::tree::PATH;
use crate::world::World;

impl World {
    pub(crate) fn start_process(&mut self, p: usize) {
        let role = self.processes[p].new_role();
        self.processes[p].campaigning = true;
        self.give(p, Input::RoleJoined(role));
        self.give(p, Input::Campaign);
    }

    /// Hands an input to a candidate, after the lease if that has moved, and carries out what comes of it.
    pub(crate) fn give(&mut self, p: usize, input: Input) {
        let now = self.processes[p].clock.stamp(self.now);
        let lease = self.processes[p].lease.filter(|_| input != Input::SessionLost);
        if let Some(lease) = lease {
            self.processes[p].candidate.handle(now, Input::Lease(lease));
            self.carry_out(p, None);
        }
        self.stale_is_ignored(p, &input);
        self.note_shown(p, &input);
        self.processes[p].candidate.handle(now, input.clone());
        self.carry_out(p, Some(&input));
        self.over_once_acknowledged(p, &input);
        self.timers_rest(p);
    }

    fn carry_out(&mut self, p: usize, input: Option<&Input>) {
        while let Some(output) = self.processes[p].candidate.next_output() {
            self.output(p, input, output);
        }
        let state = self.processes[p].candidate.status().state;
        self.judge.seen.note(state.as_str());
    }

    fn output(&mut self, p: usize, input: Option<&Input>, output: Output) {
        match output {
            Output::RequestWhenQuiet(op, operation) => self.ask_when_quiet(p, op, operation),
            Output::Request(op, operation) => {
                if self.processes[p].valid(self.now).is_some_and(|held| self.releases(&operation, held)) {
                    self.break_promise(p, Property::LeaseBeforeLock, format!("{operation:?}"));
                }
                self.ask(p, op, operation);
            }
            Output::LeaseNeeded(needed) => self.need_lease(p, needed),
            Output::LeaseBegan(token) => self.term_begins(p, input, token),
            Output::LeaseCapped(at) => {
                if let Some(held) = &mut self.processes[p].held {
                    held.cap = Some(held.cap.map_or(at, |cap| cap.min(at)));
                }
            }
            Output::LeaseEnded => self.processes[p].held = None,
            Output::Notify(role, id, message) => self.notify(p, role, id, &message),
            Output::MasterChanged(_) => {}
            Output::Report(_) => self.judge.seen.note("a problem is reported"),
            Output::Left => self.left_nothing(p),
        }
    }

    /// Whether this is about the znode that the lease rests on. What an earlier session has left may go at any time.
    fn releases(&self, operation: &Operation, held: Held) -> bool {
        let (Operation::Delete { path } | Operation::Confirm { path }) = operation else { return false };
        let znodes = self.leader().map(|leader| &self.servers[leader].tree.znodes);
        let znode = znodes.and_then(|znodes| znodes.get(path));
        path == PATH || znode.is_some_and(|znode| znode.stat.czxid == held.token.as_i64())
    }

    fn break_promise(&mut self, p: usize, property: Property, what: String) {
        self.judge.is_broken(property, self.now, format!("process {p}: {what}"));
    }

    /// G2, and what the strategies rest on.
    fn term_begins(&mut self, p: usize, input: Option<&Input>, token: FencingToken) {
        let robbed = self.judge.robbed.contains(&token.as_i64());
        let excused = robbed && !self.setting.hands_count;
        if self.judge.greatest >= Some(token) && !excused {
            let what = format!("token {token} after {:?}", self.judge.greatest);
            self.break_promise(p, Property::TokensGrow, what);
        }
        self.judge.greatest = self.judge.greatest.max(Some(token));
        if !self.judge.heads.contains(&token.as_i64()) {
            let what = format!("token {token} leads, and its znode was never the first");
            self.break_promise(p, Property::OnlyTheHeadLeads, what);
        }
        if !self.processes[p].shown.contains(&token.as_i64()) {
            let what = format!("token {token} leads, unseen on this connection");
            self.break_promise(p, Property::SeenBeforeItLeads, what);
        }
        self.note_the_way(p, input, token);
        let process = &mut self.processes[p];
        // The candidate may not know yet that the session is over: such a lease is never valid.
        let session = process.session.map_or(0, |(session, _)| session);
        process.held = Some(Held { token, session, cap: None, robbed });
    }

    /// How it came to lead.
    fn note_the_way(&mut self, p: usize, input: Option<&Input>, token: FencingToken) {
        if let Some(Input::WatchFired(..)) = input {
            self.judge.seen.note("a promotion with nothing read");
        }
        if !self.processes[p].created.contains(&token.as_i64()) {
            self.judge.seen.note(match self.setting.queue {
                true => "a recovered sequential create",
                false => "a recovered create",
            });
        }
    }

    /// What a candidate has been shown of its znodes.
    fn note_shown(&mut self, p: usize, input: &Input) {
        let process = &mut self.processes[p];
        match input {
            Input::Connected { .. } | Input::Disconnected | Input::SessionLost => process.shown.clear(),
            Input::Answered(_, Reply::Created(stat) | Reply::CreatedSequential { stat, .. }) => {
                process.created.insert(stat.czxid);
                process.shown.insert(stat.czxid);
            }
            Input::Answered(_, Reply::Found(znode)) => drop(process.shown.insert(znode.stat.czxid)),
            _ => {}
        }
    }

    /// G3.
    fn notify(&mut self, p: usize, id: RoleId, number: MessageId, message: &Message) {
        let process = &mut self.processes[p];
        let handled_at = self.now + process.handling;
        let alive = process.session.is_some_and(|(session, _)| {
            self.servers.iter().all(|server| server.tree.sessions.contains_key(&session))
        });
        let valid = process.valid(self.now).map(|held| held.token);
        let process = &mut self.processes[p];
        let current = process.session.is_some() && process.lease.is_some();
        let Some(role) = process.role.as_mut().filter(|role| role.id == id) else { return };
        let mut wrong = None;
        match message {
            Message::BecameMaster { token } => {
                if role.master == Some(true) || role.standby_unhandled.is_some() {
                    wrong = Some(format!("{message:?} before BecameStandby was handled"));
                } else if current && valid != Some(*token) {
                    wrong = Some(format!("{message:?} for a term that is lost"));
                }
                role.master = Some(true);
            }
            Message::BecameStandby { reason, .. } => {
                if role.master == Some(false) {
                    wrong = Some(format!("{message:?} to one that is standby"));
                }
                self.judge.seen.note(reason_name(*reason));
                if *reason == StandbyReason::LeaseEnding && alive {
                    self.judge.seen.note("a lease runs out beside a living session");
                }
                role.master = Some(false);
                role.standby_unhandled = Some(number);
            }
        }
        let at = role.mailbox.back().map_or(handled_at, |(_, before)| handled_at.max(*before));
        role.mailbox.push_back((number, at));
        if let Some(wrong) = wrong {
            self.break_promise(p, Property::CleanMessages, wrong);
        }
    }

    /// G8, for a candidate that has left. It knows of its present session alone, as far as it has heard.
    fn left_nothing(&mut self, p: usize) {
        self.judge.seen.note("a candidate leaves");
        let process = &self.processes[p];
        let session = process.session.map_or(-1, |(session, _)| session);
        let leader = self.leader().map(|leader| &self.servers[leader].tree);
        let znodes = leader.into_iter().flat_map(|tree| tree.znodes.values());
        let owns = znodes.map(|znode| znode.stat.ephemeral_owner).any(|owner| owner == session);
        if process.held.is_some() || owns {
            self.break_promise(p, Property::NothingLeft, "it left, and left something behind".into());
        }
    }

    fn over_once_acknowledged(&mut self, p: usize, input: &Input) {
        let Input::RoleAcknowledged(..) = input else { return };
        let process = &self.processes[p];
        let standby = process
            .role
            .as_ref()
            .is_some_and(|role| role.master == Some(false) && role.standby_unhandled.is_none());
        if standby && process.valid(self.now).is_some() {
            let what = "the lease is valid after the acknowledgement".into();
            self.break_promise(p, Property::OverOnceAcknowledged, what);
        }
    }

    fn timers_rest(&mut self, p: usize) {
        let process = &self.processes[p];
        let now = process.clock.stamp(self.now);
        if let Some((_, timer)) = process.candidate.next_timer().filter(|(at, _)| *at <= now) {
            let what = format!("{timer:?} was served and is due again");
            self.break_promise(p, Property::TimersRest, what);
        }
    }

    /// An answer or event that was handed over before changes nothing but the time.
    fn stale_is_ignored(&mut self, p: usize, input: &Input) {
        let now = self.processes[p].clock.stamp(self.now);
        let process = &mut self.processes[p];
        if matches!(input, Input::Connected { .. })
            && let Some(stale) = process.stale.pop_front()
        {
            let (mut with, mut without) = (process.candidate.clone(), process.candidate.clone());
            with.handle(now, stale.clone());
            without.handle(now, Input::Timer);
            self.judge.seen.note("something stale is ignored");
            if with != without {
                self.break_promise(p, Property::StaleIsIgnored, format!("{stale:?} changes something"));
            }
        }
        if matches!(input, Input::Answered(..)) {
            let stale = &mut self.processes[p].stale;
            stale.clear();
            stale.push_back(input.clone());
        }
    }

    /// G1. Called after everything that happens: a lease becomes valid by an event, and invalid by itself.
    pub(crate) fn at_most_one_master(&mut self) {
        let mut rightful = 0;
        let mut all = 0;
        for process in &self.processes {
            let Some(held) = process.valid(self.now) else { continue };
            all += 1;
            rightful += usize::from(!held.robbed || self.setting.hands_count);
        }
        if rightful > 1 {
            let valid = self.processes.iter().filter_map(|process| {
                process.valid(self.now).map(|held| (process.number, held.token, process.lease))
            });
            let what = format!("two valid leases: {:?}", valid.collect::<Vec<_>>());
            self.judge.is_broken(Property::OneMaster, self.now, what);
        }
        if all > 1 {
            self.judge.seen.note("an overlap after a deletion by hand");
        }
    }

    pub(crate) fn rob(&mut self, czxid: i64) {
        self.judge.robbed.insert(czxid);
        for held in self.processes.iter_mut().filter_map(|process| process.held.as_mut()) {
            held.robbed |= held.token.as_i64() == czxid;
        }
    }

    /// The lemma that G1 rests on: where the leader ends a session, its lease is over.
    pub(crate) fn judge_end_of_session(&mut self, s: ServerId, session: i64) {
        if let Some(process) = self.processes.iter().find(|process| process.has_session(session))
            && !self.is_excused(process, s, session)
        {
            let (_, t) = process.session.unwrap_or_default();
            self.rules.judge(process, process.clock.stamp(self.now), t, self.setting.tick);
        }
        self.no_lease_beyond(s, session);
    }

    /// And before that: where the leader has taken a session's bucket out. What is done for such a session saves it no
    /// more, and nobody outside can tell how long it takes until it is ended.
    pub(crate) fn no_lease_for_the_condemned(&mut self) {
        let Some(leader) = self.leader() else { return };
        for p in 0..self.processes.len() {
            let session = self.processes[p].session.map(|(session, _)| session);
            let tracked = session.and_then(|session| self.servers[leader].table.get(&session));
            if let Some(session) =
                session.filter(|_| tracked.is_some_and(|tracked| tracked.condemned.is_some()))
            {
                self.no_lease_beyond(leader, session);
            }
        }
    }

    fn no_lease_beyond(&mut self, s: ServerId, session: i64) {
        let Some(process) = self.processes.iter().find(|process| process.has_session(session)) else {
            return;
        };
        let now = process.clock.stamp(self.now);
        let Some(lease) = process.lease.filter(|lease| *lease > now) else { return };
        if !self.is_excused(process, s, session) {
            let (number, beyond) = (process.number, lease.since(now).as_millis());
            let t = process.session.map_or(0, |(_, t)| t / 1_000_000);
            let what = format!("the lease outlives session {session} by {beyond} ms, T {t} ms");
            self.break_promise(number, Property::LeaseWithinSession, what);
        }
    }

    /// An attach that granted less than any before, and that the client has not heard of: no lease can follow that. A
    /// tracker that goes by the timeout of the creation is no excuse: that one the client knows.
    fn is_excused(&self, process: &Process, s: ServerId, session: i64) -> bool {
        let timeout = self.servers[s].table.get(&session).map(|tracked| tracked.timeout);
        let smallest = process.session.map(|(_, smallest)| smallest);
        self.setting.excuse_unheard_grants && timeout < smallest
            || self.judge.closed_by_hand.contains(&session)
    }
}

fn reason_name(reason: StandbyReason) -> &'static str {
    // Told apart from the states of the same name.
    match reason {
        StandbyReason::Connecting => "standby: connecting",
        StandbyReason::Outranked => "standby: outranked",
        StandbyReason::Resigned => "standby: resigned",
        StandbyReason::LeaseEnding => "standby: lease_ending",
        StandbyReason::SessionLost => "standby: session_lost",
        StandbyReason::NodeLost => "standby: node_lost",
        StandbyReason::PathTaken => "standby: path_taken",
        StandbyReason::Denied => "standby: denied",
        StandbyReason::RoleFailed => "standby: role_failed",
        other => panic!("{other} is new"),
    }
}
