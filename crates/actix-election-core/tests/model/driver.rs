//! What a session's thread does: dial, probe, hand over. The counterpart of `session/thread.rs` in `actix-election`.

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::*;

use crate::clock::MILLI;
use crate::process::{Link, Sent};
use crate::rules::History;
use crate::server::{Served, ToClient, ToServer, WireId};
use crate::service::Wire;
use crate::tree::Write;
use crate::world::World;

impl World {
    fn monitor(&mut self, p: usize, input: SessionInput) {
        let process = &mut self.processes[p];
        process.monitor.handle(process.clock.stamp(self.now), input);
    }

    pub(crate) fn dial(&mut self, p: usize) {
        let server = self.pick_server(p);
        let id = self.next_wire;
        self.next_wire += 1;
        let wire = Wire {
            process: p,
            server,
            up: Default::default(),
            down: Default::default(),
            held: true,
            served: Some(Served::default()),
        };
        self.wires.insert(id, wire);
        // At times it is not known whether an attempt to close the old session came through, and it is left alone.
        let leave_it = self.setting.latency.1 > 0 && self.random.below(8) == 0;
        let process = &mut self.processes[p];
        process.to_close.take_if(|_| leave_it);
        process.dials += 1;
        let sent = process.clock.stamp(self.now);
        let until = self.now + self.setting.timeout() / 5;
        process.link = Link::Dialing { wire: id, sent, until };
        let (session, last_zxid) = (process.session.map_or(0, |(session, _)| session), process.last_zxid);
        let greeting = match process.to_close {
            Some(session) => ToServer::AttachAndClose { session },
            None => ToServer::Connect { session, last_zxid },
        };
        // Nothing is sent before the server has taken the connection.
        if self.processes[p].unplugged_until <= self.now {
            self.send_up(id, greeting);
        }
    }

    fn pick_server(&mut self, p: usize) -> usize {
        let servers = self.setting.servers();
        if self.setting.latency.1 == 0 {
            self.processes[p].dials % servers
        } else {
            self.random.index(servers)
        }
    }

    fn send_up(&mut self, id: WireId, message: ToServer) {
        let at = self.now + self.latency();
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.up.send(at, message);
        }
    }

    /// The session that was given up is no more: the next one is opened, after a pause.
    fn closed(&mut self, p: usize) {
        self.judge.seen.note("a session that was given up is closed");
        self.processes[p].to_close = None;
        self.hang_up(p, true);
        if let Link::None { redial_at } = &mut self.processes[p].link
            && self.setting.latency.1 > 0
        {
            *redial_at += self.random.below(self.setting.timeout() / 4);
        }
    }

    /// Lets go of the connection. What was sent on it may still arrive, unless it is lost with it.
    pub(crate) fn hang_up(&mut self, p: usize, lost: bool) {
        if let Some(id) = self.processes[p].wire() {
            if let Some(wire) = self.wires.get_mut(&id) {
                wire.held = false;
                if lost {
                    wire.up.clear();
                }
            }
            self.send_up(id, ToServer::End);
        }
        let pause = MILLI + if self.setting.latency.1 > 0 { self.random.below(20 * MILLI) } else { 0 };
        self.processes[p].link = Link::None { redial_at: self.now + pause };
    }

    /// The connection is gone, and the session's thread knows it.
    pub(crate) fn detached(&mut self, p: usize, lost: bool) {
        self.tell_disconnected(p);
        self.hang_up(p, lost);
        self.monitor(p, SessionInput::Detached);
        self.follow_monitor(p);
    }

    fn tell_disconnected(&mut self, p: usize) {
        if matches!(self.processes[p].link, Link::Up { connected: true, .. }) {
            self.hand_over(p, Input::Disconnected);
        }
    }

    fn hand_over(&mut self, p: usize, input: Input) {
        let at = self.now + self.latency();
        let process = &mut self.processes[p];
        process.inbox.send(at, (process.connection, input));
    }

    pub(crate) fn client_hears(&mut self, id: WireId, message: ToClient) {
        let Some(p) = self.wires.get(&id).filter(|wire| wire.held).map(|wire| wire.process) else { return };
        match message {
            ToClient::Attached { session, timeout } => self.client_attached(p, id, session, timeout),
            ToClient::Expired if self.processes[p].to_close.is_some() => self.closed(p),
            ToClient::Expired => {
                self.processes[p].expired = true;
                self.monitor(p, SessionInput::Expired);
                self.follow_monitor(p);
                self.processes[p].expired = false;
            }
            ToClient::End if self.processes[p].to_close.is_some() => self.hang_up(p, true),
            ToClient::End => self.detached(p, true),
            ToClient::Pong => self.reply(p, None),
            ToClient::Reply { zxid, reply } => {
                self.processes[p].last_zxid = self.processes[p].last_zxid.max(zxid);
                self.reply(p, Some(reply));
            }
            ToClient::Event(op, event) => {
                self.monitor(p, SessionInput::Received);
                self.hand_over(p, Input::WatchFired(op, event));
                self.follow_monitor(p);
            }
        }
    }

    fn client_attached(&mut self, p: usize, id: WireId, session: i64, granted: u64) {
        let timeout = SessionTimeout::new(Duration::from_nanos(granted));
        let process = &mut self.processes[p];
        let Link::Dialing { sent, .. } = process.link else { return };
        let smallest = process.session.map_or(granted, |(_, smallest)| smallest.min(granted));
        process.session = Some((session, smallest));
        process.connection += 1;
        self.judge.candidates.insert(session, process.started << 4 | process.number as u64);
        if self.setting.rules {
            process.history.insert(process.connection, History::new(sent));
        }
        process.link = Link::Up { wire: id, connected: false, sent: VecDeque::new(), patient: Vec::new() };
        self.monitor(p, SessionInput::Attached { sent, timeout });
        self.stale_probe(p, sent);
        self.monitor(p, SessionInput::Ready);
        self.follow_monitor(p);
    }

    /// An answer of an older connection, between attach and authentication: it changes nothing.
    fn stale_probe(&mut self, p: usize, sent: Timestamp) {
        let process = &mut self.processes[p];
        let now = process.clock.stamp(self.now);
        let mut without = process.monitor.clone();
        // Nothing but that time has passed.
        without.handle(now, SessionInput::Candidates(usize::from(process.lease_needed)));
        process.monitor.handle(now, SessionInput::ProbeAnswered { sent });
        if process.monitor != without {
            let what = format!("process {p}: the answer to an old probe counts on a new connection");
            self.judge.is_broken(crate::judge::Property::StaleIsIgnored, self.now, what);
        }
    }

    /// A request that lets others go first is sent when something has been heard, which may be after any of them.
    fn send_patient(&mut self, p: usize) {
        let Link::Up { patient, .. } = &mut self.processes[p].link else { return };
        for (op, operation) in std::mem::take(patient) {
            self.ask(p, op, operation);
        }
    }

    pub(crate) fn ask_when_quiet(&mut self, p: usize, op: OpId, operation: Operation) {
        let process = &mut self.processes[p];
        if let Link::Up { patient, .. } = &mut process.link
            && process.known_connection == Some(process.connection)
        {
            patient.push((op, operation));
        }
    }

    fn reply(&mut self, p: usize, reply: Option<Reply>) {
        let Link::Up { sent, .. } = &mut self.processes[p].link else { return };
        let first = sent.pop_front();
        self.monitor(p, SessionInput::Received);
        match (first, reply) {
            (Some(Sent::Probe(sent)), _) => {
                let process = &mut self.processes[p];
                let answered = process.clock.stamp(self.now);
                if let Some(history) = process.history.get_mut(&process.connection) {
                    history.probes.push((sent, answered));
                }
                self.monitor(p, SessionInput::ProbeAnswered { sent });
            }
            (Some(Sent::Operation(op)), Some(reply)) => self.hand_over(p, Input::Answered(op, reply)),
            _ => {}
        }
        self.send_patient(p);
        self.follow_monitor(p);
    }

    pub(crate) fn serve_monitor(&mut self, p: usize) {
        let timer = self.processes[p].monitor.next_timer().map(|(_, timer)| timer);
        if !self.setting.leaves_silent && timer == Some(SessionTimer::Silence) {
            self.monitor(p, SessionInput::Received);
        }
        self.monitor(p, SessionInput::Timer);
        self.follow_monitor(p);
        let now = self.processes[p].clock.stamp(self.now);
        if let Some((_, timer)) = self.processes[p].monitor.next_timer().filter(|(at, _)| *at <= now) {
            let what = format!("process {p}: {timer:?} was served and is due again");
            self.judge.is_broken(crate::judge::Property::TimersRest, self.now, what);
        }
    }

    /// Does what the monitor wants, in its order.
    fn follow_monitor(&mut self, p: usize) {
        while let Some(output) = self.processes[p].monitor.next_output() {
            match output {
                SessionOutput::SendProbe => {
                    let sent = self.processes[p].clock.stamp(self.now);
                    self.send_request(p, Sent::Probe(sent), ToServer::Write(Write::Probe));
                }
                SessionOutput::SendPing => self.send_request(p, Sent::Ping, ToServer::Ping),
                SessionOutput::LeaveServer => {
                    self.judge.seen.note("a silent server is left");
                    self.tell_disconnected(p);
                    self.hang_up(p, false);
                }
                SessionOutput::LeaseUntil(until) => self.processes[p].lease = Some(until),
                SessionOutput::State(SessionState::Connected) => self.connected(p),
                SessionOutput::State(SessionState::Lost) => self.lose_session(p),
                SessionOutput::State(_) => {}
            }
        }
    }

    fn connected(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let (Link::Up { connected, .. }, Some((session, _))) = (&mut process.link, process.session) else {
            return;
        };
        *connected = true;
        let timeout = process.monitor.timeout().unwrap();
        self.hand_over(p, Input::Connected { session: SessionId(session), timeout });
    }

    /// The session's lease first, then the old session is closed, then the next one is opened.
    fn lose_session(&mut self, p: usize) {
        self.hang_up(p, false);
        if self.setting.rules && !self.processes[p].expired {
            return self.keep_session(p);
        }
        self.hand_over(p, Input::SessionLost);
        let process = &mut self.processes[p];
        let session = process.session.take().map(|(session, _)| session);
        process.to_close = session.filter(|_| !process.expired);
        if let Some(session) = session
            && self.servers.iter().any(|server| server.tree.sessions.contains_key(&session))
        {
            self.judge.seen.note("a session is given up that lives on");
        }
        process.lease = None;
        process.last_zxid = 0;
        process.history.clear();
        process.monitor = SessionMonitor::new();
        self.need_lease(p, self.processes[p].lease_needed);
    }

    /// The session is attached again although its lease has ended, for the sake of rules that would have that.
    fn keep_session(&mut self, p: usize) {
        self.hand_over(p, Input::Disconnected);
        self.processes[p].monitor = SessionMonitor::new();
        self.need_lease(p, self.processes[p].lease_needed);
    }

    pub(crate) fn need_lease(&mut self, p: usize, needed: bool) {
        self.processes[p].lease_needed = needed;
        self.monitor(p, SessionInput::Candidates(usize::from(needed)));
        self.follow_monitor(p);
    }

    fn send_request(&mut self, p: usize, what: Sent, message: ToServer) {
        let Link::Up { wire, sent, .. } = &mut self.processes[p].link else { return };
        let wire = *wire;
        sent.push_back(what);
        self.send_up(wire, message);
    }

    /// What the candidate asks for, if it is meant for the present connection.
    pub(crate) fn ask(&mut self, p: usize, op: OpId, operation: Operation) {
        let process = &self.processes[p];
        let connected = matches!(process.link, Link::Up { connected: true, .. });
        if !connected || process.known_connection != Some(process.connection) {
            return;
        }
        let message = match operation {
            Operation::Confirm { .. } => {
                self.send_request(p, Sent::Ahead, ToServer::Write(Write::Probe));
                ToServer::Read(op, operation)
            }
            Operation::Read { .. } | Operation::Exists { .. } | Operation::Children { .. } => {
                ToServer::Read(op, operation)
            }
            _ => ToServer::Write(Write::Operation(operation)),
        };
        self.send_request(p, Sent::Operation(op), message);
    }
}
