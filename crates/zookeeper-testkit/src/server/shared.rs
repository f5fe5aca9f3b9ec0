//! What the test's threads and the server's own share.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, watch};

use super::beginning;
use super::builder::Settings;
use super::expiry::Expiry;
use super::faults::{MemberId, ServerFaultKind};
use super::state::{Client, ConnectionId, Member, Outgoing, State};
use super::storage::{DataError, Place, Progress, Storage};
use super::tree::{Identity, Machine};
use crate::faults::{FaultId, Faults};
use crate::guard::Site;
use crate::wire::OpCode;

/// How long a handle waits for the server's thread to carry out what it was told.
const SETTLE: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) addresses: Vec<SocketAddr>,
    started: Instant,
    state: Mutex<State>,
    /// Notified with every change of the faults: frames that wait are judged anew.
    faults_changed: watch::Sender<()>,
    /// Notified with whatever somebody may wait for.
    happened: watch::Sender<()>,
    /// Notified when something may be due earlier than it was.
    due_changed: Notify,
    /// Notified when listeners have opened or closed.
    settled: Condvar,
    /// How much is on the disk; `None` where nothing has to be.
    progress: Option<watch::Receiver<Progress>>,
}

/// What becomes of the frame at the front of its queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Deliver,
    Swallow,
    /// Until then, or until the faults change.
    Wait(Option<Instant>),
    Cut,
}

/// How a new connection is received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Serve,
    Close,
    Silence,
}

impl Shared {
    /// Begins with nothing, or with what is kept at `place`.
    pub(super) fn new(
        settings: Settings,
        addresses: Vec<SocketAddr>,
        place: Option<&Place>,
    ) -> Result<Self, DataError> {
        let started = Instant::now();
        let mut machine = new_machine(&settings, Duration::ZERO);
        let first_zxid = settings.first_zxid.unwrap_or_else(beginning::first_zxid);
        machine.begin_at(first_zxid);
        let mut storage = None;
        if let Some(place) = place {
            machine.wipe();
            storage = Some(Storage::open(place, first_zxid, &mut machine)?);
            machine.restart(started.elapsed());
            beginning::reached(machine.last_zxid());
        }
        let progress = storage.as_ref().map(Storage::progress);
        let member = || Member { listening: true, ..Member::default() };
        let state = State {
            expiry: Expiry::new(settings.expiry_delay),
            members: addresses.iter().map(|_| member()).collect(),
            clients: Default::default(),
            owners: Default::default(),
            homes: Default::default(),
            orphans: Vec::new(),
            faults: Faults::new(),
            next_connection: 1,
            next_session: beginning::first_session().max(machine.highest_session().saturating_add(1)),
            machine,
            storage,
            name_order: settings.name_order,
            max_queued: settings.max_queued,
            stopped: false,
        };
        Ok(Self {
            settings,
            addresses,
            started,
            state: Mutex::new(state),
            faults_changed: watch::Sender::new(()),
            happened: watch::Sender::new(()),
            due_changed: Notify::new(),
            settled: Condvar::new(),
            progress,
        })
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Looks at the state, without changing what others may wait for.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state())
    }

    /// Changes the state, and has everybody look at it anew. The time is taken behind the lock: it never goes back.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state, self.now());
        drop(state);
        self.happened.send_replace(());
        self.due_changed.notify_one();
        changed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For handles.

    /// Has the faults looked at anew, and waits for the listeners to be as they want them.
    fn settle_faults(&self) {
        self.faults_changed.send_replace(());
        let waiting = |state: &mut State| {
            let unsettled = |member: MemberId| state.members[member].listening == state.refuses(member);
            !state.stopped && (0..state.members.len()).any(unsettled)
        };
        drop(self.settled.wait_timeout_while(self.state(), SETTLE, waiting));
    }

    pub(super) fn restart(&self, wipe: bool) {
        self.change(|state, now| {
            let empty = wipe.then(|| new_machine(&self.settings, now));
            state.restart(now, empty);
        });
    }

    // For what is kept on the disk.

    /// How much is on the disk, where something is kept there.
    pub(super) fn progress(&self) -> Option<watch::Receiver<Progress>> {
        self.progress.clone()
    }

    /// Returns once the disk takes no more.
    pub(super) async fn disk_failed(&self) {
        if let Some(mut progress) = self.progress() {
            // The sender ends with the thread that writes.
            let _ = progress.wait_for(|progress| progress.failed.is_some()).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Has all be on the disk, and gives the folder back. What changes from now on is kept nowhere.
    pub(super) fn close(&self) -> Result<(), Arc<DataError>> {
        let mut state = self.state();
        match state.storage.take() {
            Some(storage) => storage.close(&state.machine),
            None => Ok(()),
        }
    }

    // For the server's thread.

    pub(super) fn fault_changes(&self) -> watch::Receiver<()> {
        self.faults_changed.subscribe()
    }

    pub(super) async fn due_changed(&self) {
        self.due_changed.notified().await;
    }

    pub(super) fn set_listening(&self, member: MemberId, listening: bool) {
        self.state().members[member].listening = listening;
        self.settled.notify_all();
    }

    /// The server ends: nobody waits for it any longer.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.settled.notify_all();
    }

    /// When the next thing is due that no client asks for; `None` while everything stands still.
    pub(super) fn next_due(&self, next_sweep: Duration) -> Option<Instant> {
        let state = self.state();
        if state.is_paused() {
            return None;
        }
        let expiry = state.next_expiry().filter(|_| !state.leader_is_paused());
        let limit = self.settings.sync_limit();
        let serving = state.members.iter().filter(|member| !member.out_of_service);
        let cut_offs = serving.filter_map(|member| Some(member.stale.as_ref()?.since + limit));
        cut_offs
            .chain(expiry)
            .chain(state.next_report())
            .chain([next_sweep])
            .min()
            .map(|due| self.started + due)
    }

    /// Does what is due.
    pub(super) fn run_due(&self, next_sweep: &mut Duration) {
        self.change(|state, now| {
            if state.is_paused() {
                return;
            }
            for member in 0..state.members.len() {
                let since = state.members[member].stale.as_ref().map(|stale| stale.since);
                let due = since.is_some_and(|since| since + self.settings.sync_limit() <= now);
                if due && !state.members[member].out_of_service {
                    state.give_up(member);
                }
            }
            if !state.leader_is_paused() {
                state.report_due(now);
                state.expire_overdue(now);
                if *next_sweep <= now {
                    state.sweep_containers(now);
                    *next_sweep = now + self.settings.container_interval;
                }
            }
        });
    }

    /// The latest fault that says how connections are received wins.
    pub(super) fn admission(&self, member: MemberId) -> Admission {
        let says = |fault: &ServerFaultKind| match fault {
            ServerFaultKind::AcceptAndClose(at) if *at == member => Some(Admission::Close),
            ServerFaultKind::AcceptAndSayNothing(at) if *at == member => Some(Admission::Silence),
            _ => None,
        };
        self.read(|state| state.faults.iter().rev().find_map(says)).unwrap_or(Admission::Serve)
    }

    /// A connection is there, unless its address has too many already.
    pub(super) fn open(
        self: &Arc<Self>,
        member: MemberId,
        peer: SocketAddr,
    ) -> Option<(OpenConnection, UnboundedReceiver<Outgoing>)> {
        let (outgoing, queue) = unbounded_channel();
        let (kicked, drained) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let limit = self.settings.max_client_connections;
        let id = self.change(|state, _| {
            let from_there = |client: &&Client| client.member == member && client.peer.ip() == peer.ip();
            if limit != 0 && state.clients.values().filter(from_there).count() >= limit {
                state.members[member].figures.rejected += 1;
                tracing::warn!(
                    "closed a connection from {peer}: its address has {limit} already, and may have no more"
                );
                return None;
            }
            let id = state.next_connection;
            state.next_connection += 1;
            let client = Client {
                member,
                peer,
                outgoing,
                kicked: Arc::clone(&kicked),
                drained: Arc::clone(&drained),
                queued: 0,
                session: None,
                timeout: Duration::ZERO,
                identities: vec![Identity::ip(peer.ip())],
                blocked: Default::default(),
                received: 0,
                sent: 0,
                frames: 0,
            };
            state.clients.insert(id, client);
            tracing::debug!("connection from {peer}");
            Some(id)
        })?;
        Some((OpenConnection { id, member, kicked, drained, shared: Arc::clone(self) }, queue))
    }

    /// A client has been sent so many bytes, or never will be.
    pub(super) fn sent(&self, id: ConnectionId, bytes: usize) {
        let mut state = self.state();
        let more = state.sent(self.now(), id, bytes);
        drop(state);
        self.happened.send_replace(());
        if more {
            self.due_changed.notify_one();
        }
    }

    /// What becomes of the frame at the front of its queue. Faults that strike once are marked.
    pub(super) fn judge(&self, id: ConnectionId, frame: &Outgoing) -> Verdict {
        let mut state = self.state();
        if state.is_paused() {
            return Verdict::Wait(None);
        }
        let Outgoing::Frame { number, at, session, reply, .. } = frame else { return Verdict::Deliver };
        let Some((op, path)) = reply else { return Verdict::Deliver };
        let (op, path, session, frame) = (*op, path.as_deref(), *session, (id, *number));
        if let Some(due) = state.delay(op, path, session, frame).map(|by| *at + by)
            && Instant::now() < due
        {
            return Verdict::Wait(Some(due));
        }
        let verdict = state.strike(op, path, session, frame);
        drop(state);
        if verdict != Verdict::Deliver {
            self.happened.send_replace(());
        }
        verdict
    }
}

impl Site for Shared {
    type Kind = ServerFaultKind;

    fn begin(&self, kind: &ServerFaultKind) -> FaultId {
        let id = self.change(|state, now| state.begin_fault(now, kind));
        self.settle_faults();
        id
    }

    fn end(&self, id: FaultId, kind: &ServerFaultKind) {
        self.change(|state, now| state.end_fault(now, id, kind));
        self.settle_faults();
    }

    fn met(&self, id: FaultId) -> Option<ConnectionId> {
        self.read(|state| state.faults.met(id))
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.happened.subscribe()
    }

    fn seen(&self) -> String {
        self.read(State::summary)
    }
}

impl State {
    pub(super) fn refuses(&self, member: MemberId) -> bool {
        self.faults.iter().any(|fault| *fault == ServerFaultKind::Refuse(member))
    }

    pub(super) fn begin_fault(&mut self, now: Duration, kind: &ServerFaultKind) -> FaultId {
        if let ServerFaultKind::Isolate(member) = *kind {
            self.isolate(now, member);
        }
        self.faults.begin(kind.clone())
    }

    pub(super) fn end_fault(&mut self, now: Duration, id: FaultId, kind: &ServerFaultKind) {
        self.faults.end(id);
        match *kind {
            // Sessions whose time has come meanwhile end before anything that their clients may have sent.
            ServerFaultKind::Pause if !self.is_paused() => {
                self.expire_overdue(now);
                self.go_on_all(now);
            }
            ServerFaultKind::PauseLeader if !self.leader_is_paused() => {
                self.expire_overdue(now);
                self.unblock(now);
            }
            ServerFaultKind::Isolate(member) if !self.faults.iter().any(|fault| fault == kind) => {
                self.rejoin(now, member);
            }
            // A leader that stands still ends them when it goes on.
            ServerFaultKind::HoldExpiry if !self.is_paused() && !self.leader_is_paused() => {
                self.expire_overdue(now);
            }
            _ => {}
        }
    }

    fn summary(&self) -> String {
        let ids: Vec<_> = self.machine.sessions().map(|(id, ..)| format!("{id:#x}")).collect();
        let (clients, nodes) = (self.clients.len(), self.machine.tree().len());
        format!("sessions [{}], {clients} connections, {nodes} nodes", ids.join(", "))
    }

    fn delay(
        &mut self,
        op: OpCode,
        path: Option<&str>,
        session: Option<i64>,
        frame: (u64, u64),
    ) -> Option<Duration> {
        let strikes = |kind: &ServerFaultKind| matches!(kind, ServerFaultKind::DelayReply(filter, _) if filter.matches(op, path, session));
        match self.faults.strike_every(frame, strikes)? {
            ServerFaultKind::DelayReply(_, by) => Some(*by),
            _ => None,
        }
    }

    fn strike(&mut self, op: OpCode, path: Option<&str>, session: Option<i64>, frame: (u64, u64)) -> Verdict {
        let strikes =
            |kind: &ServerFaultKind| kind.reply().is_some_and(|filter| filter.matches(op, path, session));
        let lasts = |kind: &ServerFaultKind| matches!(kind, ServerFaultKind::HoldReply(_));
        match self.faults.strike(frame, strikes, lasts) {
            None => Verdict::Deliver,
            Some(ServerFaultKind::SwallowReply(_)) => Verdict::Swallow,
            Some(ServerFaultKind::CutBeforeReply(_)) => Verdict::Cut,
            Some(_) => Verdict::Wait(None),
        }
    }
}

/// A connection that is known to be open, until this value is dropped.
pub(super) struct OpenConnection {
    pub(super) id: ConnectionId,
    pub(super) member: MemberId,
    /// Notified when the server ends it.
    pub(super) kicked: Arc<Notify>,
    /// Notified when there is room for further replies.
    pub(super) drained: Arc<Notify>,
    pub(super) shared: Arc<Shared>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.shared.change(|state, _| state.forget(self.id));
    }
}

/// An empty machine whose time zero is that of the server.
fn new_machine(settings: &Settings, now: Duration) -> Machine {
    Machine::new(settings.timing, beginning::wall_millis(now))
}
