//! What the proxy's thread and its handles share: the faults in force, the record, and the verdict on each frame.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use super::connection::{self, Item};
use super::fault::{Direction, FaultKind};
use super::record::{ConnectionId, Fate, Handshake, Record, Reply, Request};
use crate::faults::{FaultId, Faults};
use crate::guard::Site;
use crate::listener::Doorkeeper;
use crate::wire::{
    ConnectRequest, ConnectResponse, Decoder, Malformed, OpCode, ReplyHeader, RequestHeader, WatcherEvent,
};

/// How long a handle waits for the proxy's thread to carry out what it was told.
const SETTLE: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    pub(super) address: SocketAddr,
    pub(super) upstream: SocketAddr,
    state: Mutex<State>,
    /// Notified with every change of the faults: frames that wait are judged anew.
    faults_changed: watch::Sender<()>,
    /// Notified with every change of the record: conditions that are waited for are asked anew.
    record_changed: watch::Sender<()>,
    /// Notified when connections have closed, and when the listener has opened or closed.
    settled: Condvar,
}

struct State {
    faults: Faults<FaultKind>,
    listening: bool,
    stopped: bool,
    connections: BTreeMap<ConnectionId, Open>,
    next_connection: ConnectionId,
    record: Record,
    /// Counts the calls of `forget`: tickets of earlier ones point nowhere.
    generation: u64,
}

/// A connection that is open.
struct Open {
    cut: Arc<Notify>,
    /// Whether frames pass through it; a silenced one is not in the record.
    recorded: bool,
    /// Known once the server has answered the handshake.
    session: Option<i64>,
    /// Requests by number whose replies are outstanding.
    pending: HashMap<i32, VecDeque<(OpCode, Option<String>)>>,
}

/// The place of a frame in the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    generation: u64,
    index: usize,
}

/// A frame as far as verdicts go.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) ticket: Option<Ticket>,
    /// For a reply: what it answers.
    pub(super) reply: Option<(OpCode, Option<String>)>,
}

/// What becomes of the frame at the front of its queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Deliver {
        single_bytes: bool,
    },
    Swallow,
    /// Until then, or until the faults change.
    Wait(Option<Instant>),
    Cut,
}

/// How a new connection is received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Proxy,
    Close,
    Silence,
}

impl Shared {
    pub(super) fn new(upstream: SocketAddr, address: SocketAddr) -> Self {
        let state = State {
            faults: Faults::new(),
            listening: true,
            stopped: false,
            connections: BTreeMap::new(),
            next_connection: 1,
            record: Record::default(),
            generation: 0,
        };
        Self {
            address,
            upstream,
            state: Mutex::new(state),
            faults_changed: watch::Sender::new(()),
            record_changed: watch::Sender::new(()),
            settled: Condvar::new(),
        }
    }

    // For handles.

    /// Has the faults looked at anew, and waits for the listener to be as they want it.
    fn settle_faults(&self, state: MutexGuard<'_, State>) {
        self.faults_changed.send_replace(());
        self.settle(state, |state| state.listening == state.refuses());
    }

    pub(super) fn cut(&self) {
        let state = self.state();
        let ids: Vec<_> = state.connections.keys().copied().collect();
        state.connections.values().for_each(|open| open.cut.notify_one());
        self.settle(state, |state| ids.iter().any(|id| state.connections.contains_key(id)));
    }

    fn settle(&self, state: MutexGuard<'_, State>, unsettled: impl Fn(&State) -> bool) {
        let waiting = |state: &mut State| !state.stopped && unsettled(state);
        drop(self.settled.wait_timeout_while(state, SETTLE, waiting));
    }

    pub(super) fn faults(&self) -> Vec<FaultKind> {
        self.state().faults.kinds()
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.state().record)
    }

    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.generation += 1;
        state.record.forget();
    }

    // For the proxy's thread.

    pub(super) fn fault_changes(&self) -> watch::Receiver<()> {
        self.faults_changed.subscribe()
    }

    /// The proxy ends: nobody waits for it any longer.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.settled.notify_all();
    }

    /// The latest fault that says how connections are received wins.
    pub(super) fn admission(&self) -> Admission {
        let kind_of = |fault: &FaultKind| match fault {
            FaultKind::AcceptAndClose => Some(Admission::Close),
            FaultKind::AcceptAndSayNothing => Some(Admission::Silence),
            _ => None,
        };
        self.state().faults.iter().rev().find_map(kind_of).unwrap_or(Admission::Proxy)
    }

    /// A connection is there; it is closed with the value returned.
    pub(super) fn open(self: &Arc<Self>, recorded: bool) -> OpenConnection {
        let cut = Arc::new(Notify::new());
        let mut state = self.state();
        let id = state.next_connection;
        state.next_connection += 1;
        state
            .connections
            .insert(id, Open { cut: Arc::clone(&cut), recorded, session: None, pending: HashMap::new() });
        if recorded {
            state.record.accepted += 1;
            state.record.open += 1;
        }
        drop(state);
        self.record_changed.send_replace(());
        OpenConnection { id, cut, shared: Arc::clone(self) }
    }

    fn close(&self, id: ConnectionId) {
        let mut state = self.state();
        if state.connections.remove(&id).is_some_and(|open| open.recorded) {
            state.record.open -= 1;
        }
        drop(state);
        self.settled.notify_all();
        self.record_changed.send_replace(());
    }

    /// Records a frame. One that does not decode passes unrecorded.
    pub(super) fn see(
        &self,
        id: ConnectionId,
        direction: Direction,
        sequence: u64,
        body: &[u8],
        at: Instant,
    ) -> Seen {
        let mut state = self.state();
        let seen = match (direction, sequence) {
            (Direction::ToClient, 0) => state.see_response(id, body, at),
            (Direction::ToClient, _) => state.see_reply(id, body, at),
            (_, 0) => state.see_handshake(id, body, at),
            (_, _) => state.see_request(id, body, at),
        };
        drop(state);
        self.record_changed.send_replace(());
        seen.unwrap_or(Seen { ticket: None, reply: None })
    }

    /// What becomes of the item at the front of its queue. Faults that strike once are marked.
    pub(super) fn judge(&self, id: ConnectionId, direction: Direction, item: &Item) -> Verdict {
        let mut state = self.state();
        let verdict = state.judge(id, direction, item);
        let fate = match verdict {
            Verdict::Deliver { .. } => Fate::Delivered(Instant::now()),
            Verdict::Swallow | Verdict::Cut => Fate::Lost(Instant::now()),
            Verdict::Wait(_) => Fate::UnderWay,
        };
        if let Some(ticket) = item.seen.ticket {
            state.decided(direction, ticket, fate);
        }
        drop(state);
        if !matches!(verdict, Verdict::Wait(Some(_))) {
            self.record_changed.send_replace(());
        }
        verdict
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site for Shared {
    type Kind = FaultKind;

    fn begin(&self, kind: &FaultKind) -> FaultId {
        let mut state = self.state();
        let id = state.faults.begin(kind.clone());
        self.settle_faults(state);
        id
    }

    fn end(&self, id: FaultId, _: &FaultKind) {
        let mut state = self.state();
        state.faults.end(id);
        self.settle_faults(state);
    }

    fn met(&self, id: FaultId) -> Option<ConnectionId> {
        self.state().faults.met(id)
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.record_changed.subscribe()
    }

    fn seen(&self) -> String {
        self.read(Record::to_string)
    }
}

impl Doorkeeper for Arc<Shared> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.fault_changes()
    }

    fn refuses(&self) -> bool {
        self.state().refuses()
    }

    fn set_listening(&self, listening: bool) {
        self.state().listening = listening;
        self.settled.notify_all();
    }

    fn receive(&self, client: TcpStream, _: SocketAddr) {
        match self.admission() {
            Admission::Proxy => drop(tokio::spawn(connection::proxy(client, self.open(true)))),
            Admission::Silence => drop(tokio::spawn(connection::silence(client, self.open(false)))),
            Admission::Close => {}
        }
    }
}

impl State {
    fn refuses(&self) -> bool {
        self.faults.iter().any(|fault| *fault == FaultKind::Refuse)
    }

    fn judge(&mut self, id: ConnectionId, direction: Direction, item: &Item) -> Verdict {
        let (mut delay, mut hold, mut swallow, mut single_bytes) = (Duration::ZERO, false, false, false);
        for fault in self.faults.iter() {
            match *fault {
                FaultKind::Delay(along, by) if along.covers(direction) => delay += by,
                FaultKind::Hold(along) => hold |= along.covers(direction),
                FaultKind::Swallow(along) => swallow |= along.covers(direction),
                FaultKind::SingleBytes(along) => single_bytes |= along.covers(direction),
                _ => {}
            }
        }
        let due = item.arrived + delay;
        if Instant::now() < due {
            return Verdict::Wait(Some(due));
        }
        if hold || swallow && item.is_end() {
            return Verdict::Wait(None);
        }
        if swallow {
            return Verdict::Swallow;
        }
        self.strike(id, item).unwrap_or(Verdict::Deliver { single_bytes })
    }

    /// What a fault on one reply makes of this one.
    fn strike(&mut self, id: ConnectionId, item: &Item) -> Option<Verdict> {
        let (op, path) = item.seen.reply.as_ref()?;
        let session = self.connections.get(&id).and_then(|open| open.session);
        let strikes = |kind: &FaultKind| {
            kind.reply().is_some_and(|filter| filter.matches(*op, path.as_deref(), session))
        };
        let lasts = |kind: &FaultKind| matches!(kind, FaultKind::HoldReply(_));
        match self.faults.strike((id, item.sequence), strikes, lasts)? {
            FaultKind::SwallowReply(_) => Some(Verdict::Swallow),
            FaultKind::CutBeforeReply(_) => Some(Verdict::Cut),
            _ => Some(Verdict::Wait(None)),
        }
    }

    fn decided(&mut self, direction: Direction, ticket: Ticket, fate: Fate) {
        if ticket.generation != self.generation {
            return;
        }
        match direction {
            Direction::ToClient => self.record.replies[ticket.index].fate = fate,
            _ => self.record.requests[ticket.index].fate = fate,
        }
    }

    fn see_handshake(
        &mut self,
        connection: ConnectionId,
        body: &[u8],
        at: Instant,
    ) -> Result<Seen, Malformed> {
        let request = ConnectRequest::decode(body)?;
        let handshake =
            Handshake { connection, requested_at: at, request, responded_at: None, response: None };
        self.record.handshakes.push(handshake);
        Ok(Seen { ticket: None, reply: None })
    }

    fn see_response(
        &mut self,
        connection: ConnectionId,
        body: &[u8],
        at: Instant,
    ) -> Result<Seen, Malformed> {
        let response = ConnectResponse::decode(body)?;
        if let Some(open) = self.connections.get_mut(&connection) {
            open.session = Some(response.session_id);
        }
        let mut handshakes = self.record.handshakes.iter_mut().rev();
        if let Some(handshake) = handshakes.find(|handshake| handshake.connection == connection) {
            handshake.responded_at = Some(at);
            handshake.response = Some(response);
        }
        Ok(Seen { ticket: None, reply: None })
    }

    fn see_request(&mut self, connection: ConnectionId, body: &[u8], at: Instant) -> Result<Seen, Malformed> {
        let mut decoder = Decoder::new(body);
        let RequestHeader { xid, op } = RequestHeader::decode(&mut decoder)?;
        let path = if op.has_path() { Some(decoder.string()?) } else { None };
        if let Some(open) = self.connections.get_mut(&connection) {
            open.pending.entry(xid).or_default().push_back((op, path.clone()));
        }
        let ticket = Ticket { generation: self.generation, index: self.record.requests.len() };
        self.record.requests.push(Request { connection, at, fate: Fate::UnderWay, xid, op, path });
        Ok(Seen { ticket: Some(ticket), reply: None })
    }

    fn see_reply(&mut self, connection: ConnectionId, body: &[u8], at: Instant) -> Result<Seen, Malformed> {
        let mut decoder = Decoder::new(body);
        let ReplyHeader { xid, error, .. } = ReplyHeader::decode(&mut decoder)?;
        let (op, path) = if xid == -1 {
            (OpCode::Notification, Some(WatcherEvent::decode(&mut decoder)?.path))
        } else {
            let pending = self.connections.get_mut(&connection).and_then(|open| open.pending.get_mut(&xid));
            pending.and_then(VecDeque::pop_front).unwrap_or((OpCode::Other(0), None))
        };
        let ticket = Ticket { generation: self.generation, index: self.record.replies.len() };
        let reply = Some((op, path.clone()));
        self.record.replies.push(Reply { connection, at, fate: Fate::UnderWay, xid, op, path, error });
        Ok(Seen { ticket: Some(ticket), reply })
    }
}

/// A connection that is known to be open, until this value is dropped.
pub(super) struct OpenConnection {
    pub(super) id: ConnectionId,
    /// Notified when it is to be reset.
    pub(super) cut: Arc<Notify>,
    pub(super) shared: Arc<Shared>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.shared.close(self.id);
    }
}
