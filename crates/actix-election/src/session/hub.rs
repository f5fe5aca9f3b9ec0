//! What outlives a connection: the session, its lease and its monitor, who uses it, and whether it is to be closed.
//!
//! The thread looks for a server with it, and a connection serves the session with it. Neither keeps anything that the next
//! connection needs: whatever must not be lost is here.

use std::sync::Arc;

use actix_election_core::{
    OpId, SessionId, SessionInput, SessionMonitor, SessionOutput, SessionState, SessionTimeout, Timestamp,
};
use tokio::sync::mpsc;

use super::client::Track;
use super::ensemble::{Attached, Password};
use super::link::{Command, ConnectionId, Notice, NoticeSender, Reporter, Request};
use super::settings::SessionSettings;
use crate::clock::{self, WallClock};
use crate::lease::SessionLease;
use closing::SessionClose;
use links::Links;
use throttle::Throttle;

mod closing;
mod links;
mod throttle;

/// What outlives a connection.
pub(super) struct Hub {
    settings: SessionSettings,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Nobody can send a command any more.
    orphaned: bool,
    links: Links,
    reporter: Reporter,
    problems: Throttle,
    close: SessionClose,
    session: Option<HeldSession>,
    monitor: SessionMonitor,
    lease: Arc<SessionLease>,
    track: Arc<Track>,
    /// Until when the lease of the present session ran as that was created.
    first_lease: Option<Timestamp>,
    /// Sessions in a row that were given up before their lease was extended once.
    short_lived: u32,
    wall_clock: WallClock,
    connection: ConnectionId,
    /// Whether the links were notified of the present connection.
    connected: bool,
}

/// A session of ours at the ensemble.
#[derive(Clone, Copy)]
pub(super) struct HeldSession {
    pub(super) id: i64,
    pub(super) password: Password,
    pub(super) timeout: SessionTimeout,
}

/// A request that was made for the present connection, and where its answer goes.
pub(super) struct PendingRequest {
    pub(super) notices: NoticeSender,
    pub(super) op: OpId,
    pub(super) request: Request,
}

impl Hub {
    pub(super) fn new(
        settings: SessionSettings,
        commands: mpsc::UnboundedReceiver<Command>,
        reporter: Reporter,
    ) -> Self {
        Hub {
            settings,
            commands,
            orphaned: false,
            links: Links::default(),
            reporter,
            problems: Throttle::default(),
            close: SessionClose::default(),
            session: None,
            monitor: SessionMonitor::new(),
            lease: Arc::default(),
            track: Arc::default(),
            first_lease: None,
            short_lived: 0,
            wall_clock: WallClock::new(),
            connection: ConnectionId::default(),
            connected: false,
        }
    }

    pub(super) fn settings(&self) -> &SessionSettings {
        &self.settings
    }

    pub(super) fn session(&self) -> Option<HeldSession> {
        self.session
    }

    pub(super) fn track(&self) -> &Arc<Track> {
        &self.track
    }

    pub(super) fn short_lived(&self) -> u32 {
        self.short_lived
    }

    /// Whether the present connection has been of use.
    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// From then on the session must not be attached any more; `None` where no lease rests on it, or none has begun.
    pub(super) fn attach_before(&self) -> Option<Timestamp> {
        self.monitor.lease_until().filter(|_| self.links.candidates() > 0)
    }

    /// The next moment at which there is something to do.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.monitor.next_timer().map(|(at, _)| at);
        [timer, self.close.until()].into_iter().flatten().min()
    }
}

/// Commands.
impl Hub {
    /// The next command; once `None` that nobody can send one any more, and never again.
    ///
    /// # Cancel safety
    ///
    /// No command is lost if the future is dropped.
    pub(super) async fn next_command(&mut self) -> Option<Command> {
        if self.orphaned {
            return std::future::pending().await;
        }
        self.commands.recv().await
    }

    /// Takes in a command, or that there will be no more. A request for the present connection is returned.
    pub(super) fn take_command(&mut self, command: Option<Command>) -> Option<PendingRequest> {
        match command {
            Some(Command::Join(id, notices)) => {
                if let Some(notice) = self.connected_notice() {
                    let _ = notices.unbounded_send(notice);
                }
                self.links.join(id, notices);
            }
            Some(Command::Part(id)) => {
                self.links.part(id);
                self.count_candidates();
            }
            Some(Command::Candidate(id, candidate)) => {
                self.links.set_candidate(id, candidate);
                self.count_candidates();
            }
            Some(Command::Request(id, connection, op, request)) => {
                let notices = self.links.notices(id)?.clone();
                let current = self.connected && connection == self.connection;
                return current.then_some(PendingRequest { notices, op, request });
            }
            Some(Command::Close(done)) => {
                self.ask_to_close();
                self.close.answer_to(done);
            }
            None => {
                self.orphaned = true;
                self.ask_to_close();
            }
        }
        None
    }

    /// Takes in all commands that are there. Those that need a connection come to nothing.
    pub(super) fn take_commands_without_connection(&mut self) {
        loop {
            let command = match self.commands.try_recv() {
                Ok(command) => Some(command),
                Err(mpsc::error::TryRecvError::Empty) => return,
                Err(mpsc::error::TryRecvError::Disconnected) => None,
            };
            let is_last = command.is_none();
            drop(self.take_command(command));
            if is_last {
                return;
            }
        }
    }

    fn count_candidates(&mut self) {
        self.monitor.handle(clock::now(), SessionInput::Candidates(self.links.candidates()));
    }

    fn ask_to_close(&mut self) {
        // Before the ensemble hears of it. Mostly no term rests on it any more; if its holders died, one may.
        self.lease.end();
        self.close.ask(clock::now());
    }

    pub(super) fn is_closing(&self) -> bool {
        self.close.is_asked()
    }

    pub(super) fn close_overdue(&self) -> bool {
        self.close.until().is_some_and(|until| clock::now() >= until)
    }
}

/// The monitor, and the lease.
impl Hub {
    pub(super) fn handle(&mut self, now: Timestamp, input: SessionInput) {
        self.monitor.handle(now, input);
    }

    /// What the monitor wants next.
    pub(super) fn next_output(&mut self) -> Option<SessionOutput> {
        self.monitor.next_output()
    }

    /// Tells the monitor if the machine may have been stopped without its clock noticing.
    pub(super) fn look_at_wall_clock(&mut self) {
        let gained = self.wall_clock.gained();
        self.monitor.handle(clock::now(), SessionInput::WallClockGained(gained));
    }

    /// A probe that was sent at `sent` has come back.
    pub(super) fn probe_answered(&mut self, sent: Timestamp) {
        let now = clock::now();
        self.lease.quorum_answered(now);
        self.monitor.handle(now, SessionInput::ProbeAnswered { sent });
    }

    pub(super) fn extend_lease(&mut self, until: Timestamp) {
        self.lease.extend(until);
        if Some(until) > self.first_lease {
            self.short_lived = 0;
        }
    }

    pub(super) fn end_lease(&self) {
        self.lease.end();
    }

    /// What the monitor wants while there is no connection: all it can do is report. Returns whether it gives the session up.
    pub(super) fn follow_monitor_without_connection(&mut self) -> bool {
        let mut lost = false;
        while let Some(output) = self.monitor.next_output() {
            match output {
                SessionOutput::LeaseUntil(until) => self.extend_lease(until),
                SessionOutput::State(SessionState::Lost) => {
                    self.lease.end();
                    lost = true;
                }
                SessionOutput::State(state) => self.reporter.state(state),
                _ => {}
            }
        }
        lost
    }
}

/// The session, from one connection to the next.
impl Hub {
    /// A server has attached the session, or opened one.
    pub(super) fn attached(&mut self, attached: &Attached) {
        let &Attached { session: id, password, timeout, sent, address: server, .. } = attached;
        let is_new = self.session.is_none();
        self.monitor.handle(clock::now(), SessionInput::Attached { sent, timeout });
        if is_new {
            self.first_lease = self.monitor.lease_until();
        }
        let timeout = self.monitor.timeout().unwrap_or(timeout);
        self.session = Some(HeldSession { id, password, timeout });
        self.connection.0 += 1;
        self.reporter.attached(SessionId(id), timeout, server);
    }

    /// The attach is proven: requests may be made.
    pub(super) fn now_connected(&mut self) {
        self.connected = true;
        if let Some(notice) = self.connected_notice() {
            self.links.notify_all(&notice);
        }
        self.reporter.state(SessionState::Connected);
    }

    fn connected_notice(&self) -> Option<Notice> {
        let HeldSession { id, timeout, .. } = self.session.filter(|_| self.connected)?;
        let lease = Arc::clone(&self.lease);
        Some(Notice::Connected { connection: self.connection, session: SessionId(id), timeout, lease })
    }

    /// The connection is gone. Returns whether the monitor gives the session up for that.
    pub(super) fn detached(&mut self) -> bool {
        if std::mem::take(&mut self.connected) {
            self.links.notify_all(&Notice::Disconnected);
        }
        self.monitor.handle(clock::now(), SessionInput::Detached);
        self.follow_monitor_without_connection()
    }

    /// Nothing rests on the session any more. It must not be attached again but to be closed: it is returned for that.
    pub(super) fn give_up(&mut self) -> Option<HeldSession> {
        let session = self.session;
        self.end_session();
        self.monitor = SessionMonitor::new();
        session
    }

    /// One more session has come to its end in vain, until a lease is extended.
    pub(super) fn count_short_lived(&mut self) {
        self.short_lived = self.short_lived.saturating_add(1);
    }

    /// The session is over: its lease first, then everybody is notified, then the next one is looked for.
    pub(super) fn new_session(&mut self) {
        self.end_session();
        if self.is_closing() {
            return;
        }
        self.reporter.state(SessionState::Lost);
        self.monitor = SessionMonitor::new();
        self.count_candidates();
        self.lease = Arc::default();
        // A new session has seen nothing: it may start at an ensemble that was wiped.
        self.track = Arc::default();
        self.reporter.state(SessionState::Connecting);
    }

    fn end_session(&mut self) {
        self.lease.end();
        if self.session.take().is_some() {
            self.links.notify_all(&Notice::SessionLost);
        }
        self.connected = false;
    }
}

/// What is said to the session actor.
impl Hub {
    /// Says that the thread has begun.
    pub(super) fn report_start(&self) {
        self.reporter.state(SessionState::Connecting);
    }

    /// Says what somebody has to put right, the same thing at most once a minute.
    pub(super) fn report_problem(&mut self, text: String) {
        if self.problems.lets_through(&text, clock::now()) {
            self.reporter.problem(text);
        }
    }

    /// Says something for the log alone.
    pub(super) fn report_detail(&self, text: String) {
        self.reporter.detail(text);
    }
}

impl Drop for Hub {
    /// However the thread ends, be it by a panic: no lease and no question outlives it.
    fn drop(&mut self) {
        self.end_session();
        self.reporter.state(SessionState::Closed);
        self.close.finish();
    }
}

pub(super) async fn sleep_until(wake: Option<Timestamp>) {
    match wake {
        Some(at) => tokio::time::sleep(at.since(clock::now())).await,
        None => std::future::pending().await,
    }
}
