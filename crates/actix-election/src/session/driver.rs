//! The session's thread: one loop that owns the client, the probes and the lease.
//!
//! Each turn of [`Driver::run`] is one connection, on a runtime of its own. When the connection ends, the
//! runtime is dropped, and with it the client, its tasks and whatever was under way: only then is anybody told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{
    OpId, SessionId, SessionInput, SessionMonitor, SessionOutput, SessionState, SessionTimeout, Timestamp,
};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::client::Auth;
use super::connection::Connection;
use super::dial::Password;
use super::link::{Command, ConnectionId, LinkId, Notice, NoticeSender, Request, SessionNotice};
use super::search::Search;
use super::servers::{ConnectString, Servers};
use super::traffic::Track;
use crate::clock::{self, WallClock};
use crate::lease::SessionLease;

mod seeking;
mod starting;

pub(super) use starting::{runtime, start};

/// How long a session that is being closed may take to be attached once more for that.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// How often the same problem is reported.
const REPEAT_INTERVAL: Duration = Duration::from_secs(60);

/// After how many useless connections in a row it is said why. One or two may fall into the restart of a server.
const FAILURES_TO_TELL: u32 = 3;

/// What the session's thread works by.
#[derive(Clone)]
pub(crate) struct DriverConfig {
    pub(crate) ensemble: ConnectString,
    pub(crate) timeout: Duration,
    pub(crate) auth: Vec<Auth>,
    /// The longest frame of a server that is taken, in bytes.
    pub(crate) max_frame: usize,
}

/// The thread's state beyond any one connection.
pub(super) struct Driver {
    pub(super) config: DriverConfig,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    notices: mpsc::UnboundedSender<SessionNotice>,
    links: BTreeMap<LinkId, Link>,
    /// How many of the links are candidates.
    candidates: usize,
    search: Search,
    session: Option<Session>,
    /// A session that was given up: it is closed before anything else is asked of the ensemble.
    given_up: Option<Session>,
    /// Until when the lease of the present session ran as that was created.
    first_lease: Option<Timestamp>,
    /// Sessions in a row that were given up before their lease was extended once.
    short_lived: u32,
    wall_clock: WallClock,
    pub(super) track: Arc<Track>,
    pub(super) monitor: SessionMonitor,
    pub(super) lease: Arc<SessionLease>,
    connection: ConnectionId,
    /// Whether the links were told of the present connection.
    connected: bool,
    /// Connections in a row that ended before they were of use.
    failures: u32,
    closing: Option<Closing>,
    /// Nobody can send a command any more.
    orphaned: bool,
    /// The monitor has given the session up.
    lost: bool,
    /// The problems that were reported of late, and when.
    said: Vec<(String, Timestamp)>,
}

struct Link {
    notices: NoticeSender,
    candidate: bool,
}

/// A session of ours at the ensemble.
#[derive(Clone, Copy)]
struct Session {
    id: i64,
    password: Password,
    timeout: SessionTimeout,
}

struct Closing {
    until: Timestamp,
    done: Vec<oneshot::Sender<()>>,
}

/// A request, and where its answer goes.
pub(super) struct Job {
    pub(super) notices: NoticeSender,
    pub(super) op: OpId,
    pub(super) request: Request,
}

/// Why a connection, or the search for one, came to its end.
pub(super) enum End {
    /// The connection is gone, or of no use any more.
    Detached(String),
    /// The server has been silent for too long.
    Silent,
    /// The ensemble says that the session is over.
    Expired,
    /// The monitor gave the session up.
    Lost,
    /// Nobody needs the session any more, and there is no connection to close it on.
    ToClose,
    /// The session is closed, or nothing more can be done about it.
    Closed,
}

impl Driver {
    fn new(
        config: DriverConfig,
        commands: mpsc::UnboundedReceiver<Command>,
        notices: mpsc::UnboundedSender<SessionNotice>,
    ) -> Self {
        let servers = Arc::new(Mutex::new(Servers::new(config.ensemble.servers.clone())));
        Driver {
            search: Search {
                servers,
                auth: config.auth.clone().into(),
                notices: notices.clone(),
                complained: Arc::default(),
            },
            config,
            commands,
            notices,
            links: BTreeMap::new(),
            candidates: 0,
            session: None,
            given_up: None,
            first_lease: None,
            short_lived: 0,
            wall_clock: WallClock::new(),
            track: Arc::default(),
            monitor: SessionMonitor::new(),
            lease: Arc::default(),
            connection: ConnectionId::default(),
            connected: false,
            failures: 0,
            closing: None,
            orphaned: false,
            lost: false,
            said: Vec::new(),
        }
    }

    fn run(mut self, first: Runtime) {
        self.tell(SessionState::Connecting);
        let mut first = Some(first);
        loop {
            let runtime = match first.take().map_or_else(runtime, Ok) {
                Ok(runtime) => runtime,
                Err(error) => {
                    self.problem(format!("cannot make a runtime for the connection: {error}"));
                    // Out of file descriptors, most likely: the only thing to wait for is time.
                    std::thread::sleep(Duration::from_millis(500));
                    if let Some(end) = self.no_runtime()
                        && self.finish_connection(end)
                    {
                        return;
                    }
                    continue;
                }
            };
            // Whatever panics here, the session is given up, and the elections hear of it.
            let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.one_connection())));
            let end = end.unwrap_or_else(|_| {
                self.problem("the session was given up: its thread panicked, which is a bug".into());
                End::Lost
            });
            // Not even for a lookup that hangs.
            runtime.shutdown_timeout(Duration::ZERO);
            if self.finish_connection(end) {
                return;
            }
        }
    }

    /// Does what can be done without a runtime: the world must not wait for one.
    fn no_runtime(&mut self) -> Option<End> {
        loop {
            match self.commands.try_recv() {
                Ok(command) => drop(self.command(Some(command))),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.command(None);
                    break;
                }
            }
        }
        self.monitor.handle(clock::now(), SessionInput::Timer);
        self.end_without_connection()
    }

    async fn one_connection(&mut self) -> End {
        match self.find_server().await {
            Ok(attached) => {
                let began = clock::now();
                self.connection.0 += 1;
                let address = attached.address;
                let timeout = attached.timeout;
                let end = Connection::serve(self, attached).await;
                if matches!(end, End::Lost) {
                    self.problem(format!(
                        "the session was given up: nothing has shown within the session timeout of {:?} that it lives. \
                         Either the servers answer too slowly for that, or this process was stopped",
                        timeout.span()
                    ));
                }
                let now = clock::now();
                // One that ends at once, or on which nothing was ever proven, is like none at all: the next search begins
                // with a pause.
                let brief = now.since(began) < timeout.probe_interval();
                if brief || !self.connected {
                    self.failures = self.failures.saturating_add(1);
                    self.complain(address, &end);
                } else {
                    self.failures = 0;
                    *self.search.complained.lock().await = None;
                }
                if matches!(end, End::Detached(_) | End::Silent) {
                    self.search.servers.lock().await.failed(address, now, matches!(end, End::Silent));
                }
                end
            }
            Err(end) => end,
        }
    }

    /// Says why a server that attaches the session is of no use, once that has happened a few times in a row.
    fn complain(&mut self, address: SocketAddr, end: &End) {
        let why = match end {
            End::Detached(why) => why.as_str(),
            End::Silent => "it answered no write: it may have lost its quorum, or be overloaded",
            End::Expired | End::Lost | End::ToClose | End::Closed => return,
        };
        if self.failures >= FAILURES_TO_TELL {
            self.problem(format!("{address} attaches the session, and its connections are of no use: {why}"));
        }
    }

    /// Tells everybody what the end of a connection means; returns whether the thread is done.
    fn finish_connection(&mut self, end: End) -> bool {
        match end {
            End::Detached(why) => {
                let _ = self.notices.send(SessionNotice::Detail(format!("connection ended: {why}")));
                self.detached();
            }
            End::Silent => {
                let _ = self.notices.send(SessionNotice::Detail("the server is silent".into()));
                self.detached();
            }
            End::Expired => self.new_session(),
            End::Lost => self.lost = true,
            End::ToClose => self.give_up(),
            End::Closed => return true,
        }
        if self.lost {
            self.short_lived = self.short_lived.saturating_add(1);
            self.give_up();
            self.new_session();
        }
        // A session that is over is as good as closed.
        self.is_closing() && self.session.is_none() && self.given_up.is_none()
    }

    fn detached(&mut self) {
        if self.connected {
            self.connected = false;
            self.tell_links(&Notice::Disconnected);
        }
        self.monitor.handle(clock::now(), SessionInput::Detached);
        self.do_without_connection();
    }

    /// Takes in a command; a request is returned with where its answer goes, to be carried out if there is a
    /// connection.
    pub(super) fn command(&mut self, command: Option<Command>) -> Option<Job> {
        match command {
            Some(Command::Join(id, notices)) => {
                if self.connected {
                    let _ = notices.unbounded_send(self.connected_notice()?);
                }
                self.links.insert(id, Link { notices, candidate: false });
            }
            Some(Command::Part(id)) => {
                let parted = self.links.remove(&id);
                self.count_candidates(parted.is_some_and(|link| link.candidate), false);
            }
            Some(Command::Candidate(id, candidate)) => {
                let link = self.links.get_mut(&id)?;
                let before = std::mem::replace(&mut link.candidate, candidate);
                self.count_candidates(before, candidate);
            }
            Some(Command::Request(id, connection, op, request)) => {
                let notices = self.links.get(&id)?.notices.clone();
                let current = self.connected && connection == self.connection;
                return current.then_some(Job { notices, op, request });
            }
            Some(Command::Close(done)) => {
                self.close();
                self.closing.as_mut()?.done.push(done);
            }
            None => {
                self.orphaned = true;
                self.close();
            }
        }
        None
    }

    fn close(&mut self) {
        // Before the ensemble hears of it. Mostly no term rests on it any more; if its holders died, one may.
        self.lease.end();
        let until = clock::now() + CLOSE_PATIENCE;
        self.closing.get_or_insert(Closing { until, done: Vec::new() });
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub(super) fn is_orphaned(&self) -> bool {
        self.orphaned
    }

    pub(super) fn close_overdue(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| clock::now() >= closing.until)
    }

    /// The next moment at which there is something to do.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.monitor.next_timer().map(|(at, _)| at);
        let closing = self.closing.as_ref().map(|closing| closing.until);
        [timer, closing].into_iter().flatten().min()
    }

    /// The session is attached and proven: requests may be made.
    pub(super) fn now_connected(&mut self) {
        self.connected = true;
        if let Some(notice) = self.connected_notice() {
            self.tell_links(&notice);
        }
        self.tell(SessionState::Connected);
    }

    fn connected_notice(&self) -> Option<Notice> {
        let Session { id, timeout, .. } = self.session?;
        let lease = Arc::clone(&self.lease);
        Some(Notice::Connected { connection: self.connection, session: SessionId(id), timeout, lease })
    }

    /// One link was a candidate or not, and now is one or not.
    fn count_candidates(&mut self, before: bool, now: bool) {
        self.candidates = self.candidates + usize::from(now) - usize::from(before);
        self.monitor.handle(clock::now(), SessionInput::Candidates(self.candidates));
    }

    fn tell_links(&self, notice: &Notice) {
        for link in self.links.values() {
            // One that does not listen any more parts in its own time.
            let _ = link.notices.unbounded_send(notice.clone());
        }
    }

    fn tell(&self, state: SessionState) {
        let _ = self.notices.send(SessionNotice::State(state));
    }

    /// Says what is wrong, the same thing at most once a minute.
    pub(super) fn problem(&mut self, text: String) {
        let now = clock::now();
        self.said.retain(|(_, at)| now.since(*at) < REPEAT_INTERVAL);
        if self.said.iter().all(|(said, _)| *said != text) {
            self.said.push((text.clone(), now));
            let _ = self.notices.send(SessionNotice::Problem(text));
        }
    }

    /// Nothing rests on the session any more. It must not be attached again but to be closed.
    fn give_up(&mut self) {
        self.given_up = self.session.or(self.given_up);
        self.end_session();
        self.monitor = SessionMonitor::new();
    }

    /// The session is over: its lease first, then everybody is told, then the next one is looked for.
    fn new_session(&mut self) {
        self.end_session();
        self.lost = false;
        if self.is_closing() {
            return;
        }
        self.tell(SessionState::Lost);
        self.monitor = SessionMonitor::new();
        self.monitor.handle(clock::now(), SessionInput::Candidates(self.candidates));
        self.lease = Arc::default();
        // A new session has seen nothing: it may start at an ensemble that was wiped.
        self.track = Arc::default();
        self.tell(SessionState::Connecting);
    }

    fn end_session(&mut self) {
        self.lease.end();
        if self.session.take().is_some() {
            self.tell_links(&Notice::SessionLost);
        }
        self.connected = false;
    }

    pub(super) fn extend_lease(&mut self, until: Timestamp) {
        self.lease.extend(until);
        if Some(until) > self.first_lease {
            self.short_lived = 0;
        }
    }

    /// Tells the monitor if the machine may have been stopped without its clock noticing.
    pub(super) fn look_at_wall_clock(&mut self) {
        let gained = self.wall_clock.gained();
        self.monitor.handle(clock::now(), SessionInput::WallClockGained(gained));
    }

    /// What the monitor wants while there is no connection: all it can do is report.
    fn do_without_connection(&mut self) {
        while let Some(output) = self.monitor.next_output() {
            match output {
                SessionOutput::LeaseUntil(until) => self.extend_lease(until),
                SessionOutput::State(SessionState::Lost) => {
                    self.lease.end();
                    self.lost = true;
                }
                SessionOutput::State(state) => self.tell(state),
                _ => {}
            }
        }
    }
}

impl Drop for Driver {
    /// However the thread ends, be it by a panic: no lease and no question outlives it.
    fn drop(&mut self) {
        self.end_session();
        self.tell(SessionState::Closed);
        for done in self.closing.take().into_iter().flat_map(|closing| closing.done) {
            let _ = done.send(());
        }
    }
}

pub(super) async fn sleep_until(wake: Option<Timestamp>) {
    match wake {
        Some(at) => tokio::time::sleep(at.since(clock::now())).await,
        None => std::future::pending().await,
    }
}
