//! The session's thread, played by the test: a handful of znodes in memory, on the test's own thread.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{
    OpId, Operation, Refusal, Reply, SessionId, SessionTimeout, Stat, Timestamp, WatchEvent, Znode,
};
use tokio::sync::mpsc;

use super::{PATH, T, seconds};
use crate::Lease;
use crate::clock::Clock;
use crate::lease::SessionLease;
use crate::session::link::{
    Command, ConnectionId, LinkId, Notice, NoticeSender, Notices, Request, SessionLink, notice_channel,
};

/// Which operations are meant.
pub(super) type Which = fn(&Operation) -> bool;

/// A request that has arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) op: OpId,
    pub(super) operation: Operation,
    /// Whether it was made for the connection that stands.
    pub(super) current: bool,
    /// What the witness's lease said when it arrived.
    pub(super) lease_valid: Option<bool>,
}

/// The fake session. Clones are the same one.
#[derive(Clone)]
pub(super) struct Fake(Rc<RefCell<State>>);

struct State {
    clock: Clock,
    notices: Option<NoticeSender>,
    znodes: BTreeMap<String, Znode>,
    watches: Vec<(String, OpId)>,
    zxid: i64,
    session: i64,
    connection: ConnectionId,
    connected: bool,
    /// Whether the quorum answers, which moves the lease on.
    answering: bool,
    /// Whether requests wait for their answers.
    holding: bool,
    held: Vec<(OpId, Operation)>,
    refused: Option<(Which, Refusal)>,
    lease: Arc<SessionLease>,
    witness: Option<Lease>,
    asked: Vec<Asked>,
    candidate: Vec<bool>,
    parted: bool,
}

impl Fake {
    /// Starts the session, with no server in reach.
    pub(super) fn start(clock: Clock) -> (Fake, SessionLink, Notices) {
        let (commands, mut received) = mpsc::unbounded_channel();
        let (notices, told) = notice_channel();
        let fake = Fake(Rc::new(RefCell::new(State {
            clock,
            notices: Some(notices),
            znodes: BTreeMap::new(),
            watches: Vec::new(),
            zxid: 40,
            session: 7,
            connection: ConnectionId(0),
            connected: false,
            answering: true,
            holding: false,
            held: Vec::new(),
            refused: None,
            lease: Arc::default(),
            witness: None,
            asked: Vec::new(),
            candidate: Vec::new(),
            parted: false,
        })));
        let serving = fake.clone();
        actix::spawn(async move {
            while let Some(command) = received.recv().await {
                serving.0.borrow_mut().command(command);
            }
        });
        let probing = fake.clone();
        actix::spawn(async move {
            let mut probes = tokio::time::interval(T / 10);
            loop {
                probes.tick().await;
                probing.0.borrow_mut().probe();
            }
        });
        (fake, SessionLink { id: LinkId(1), commands }, told)
    }

    // What happens to the session.

    /// Attaches it, in a new session if there is none.
    pub(super) fn connect(&self) {
        let mut state = self.0.borrow_mut();
        state.connected = true;
        state.answering = true;
        state.connection.0 += 1;
        let until = state.clock.now() + (T - T / 50);
        state.lease.extend(until);
        state.lease.quorum_answered(state.clock.now());
        let (connection, session) = (state.connection, SessionId(state.session));
        let lease = Arc::clone(&state.lease);
        state.tell(Notice::Connected { connection, session, timeout: SessionTimeout::new(T), lease });
    }

    /// The quorum answers no more: the lease stands still.
    pub(super) fn stall(&self) {
        self.0.borrow_mut().answering = false;
    }

    /// The quorum answers again.
    pub(super) fn go_on(&self) {
        self.0.borrow_mut().answering = true;
    }

    pub(super) fn disconnect(&self) {
        let mut state = self.0.borrow_mut();
        state.detach();
        state.tell(Notice::Disconnected);
    }

    /// The ensemble says that the session is over.
    pub(super) fn expire(&self) {
        let mut state = self.0.borrow_mut();
        state.end();
        state.tell(Notice::SessionLost);
    }

    /// The session was given up, and still stands at the ensemble, with its lock. Returns the token of that.
    pub(super) fn give_up(&self) -> i64 {
        let mut state = self.0.borrow_mut();
        let lock = state.znodes.remove(PATH);
        state.end();
        state.znodes.extend(lock.iter().cloned().map(|lock| (PATH.to_owned(), lock)));
        state.tell(Notice::SessionLost);
        lock.map_or(0, |lock| lock.stat.czxid)
    }

    /// The session is over, and the notice of it has still to come.
    pub(super) fn expire_silently(&self) {
        self.0.borrow_mut().end();
    }

    pub(super) fn say_expired(&self) {
        self.0.borrow().tell(Notice::SessionLost);
    }

    /// The session's thread ends.
    pub(super) fn end_thread(&self) {
        let mut state = self.0.borrow_mut();
        state.end();
        state.notices = None;
    }

    // What happens at the ensemble.

    /// Another session takes the lock; returns its token.
    pub(super) fn taken_by(&self, address: &str) -> i64 {
        self.create(PATH, address.as_bytes(), 99)
    }

    pub(super) fn create(&self, path: &str, data: &[u8], owner: i64) -> i64 {
        let mut state = self.0.borrow_mut();
        state.zxid += 1;
        let stat = Stat { czxid: state.zxid, ephemeral_owner: owner };
        state.znodes.insert(path.to_owned(), Znode { data: data.to_vec(), stat });
        state.fire(path, WatchEvent::Created);
        stat.czxid
    }

    pub(super) fn delete(&self, path: &str) {
        self.0.borrow_mut().delete(path);
    }

    /// The owner of the lock; 0 if it is not ephemeral, `None` if there is none.
    pub(super) fn owner(&self) -> Option<i64> {
        self.0.borrow().znodes.get(PATH).map(|znode| znode.stat.ephemeral_owner)
    }

    /// The session that this process has, or will have.
    pub(super) fn id(&self) -> i64 {
        self.0.borrow().session
    }

    // How requests are answered.

    /// From now on requests wait.
    pub(super) fn hold(&self) {
        self.0.borrow_mut().holding = true;
    }

    /// Carries out what waits, and everything that follows.
    pub(super) fn release(&self) {
        let mut state = self.0.borrow_mut();
        state.holding = false;
        for (op, operation) in std::mem::take(&mut state.held) {
            state.carry_out(op, operation);
        }
    }

    /// An answer made up by the test.
    pub(super) fn answer(&self, op: OpId, reply: Reply) {
        self.0.borrow().tell(Notice::Answered(op, reply));
    }

    /// What `which` holds of is refused.
    pub(super) fn refuse(&self, which: Which, refusal: Refusal) {
        self.0.borrow_mut().refused = Some((which, refusal));
    }

    pub(super) fn refuse_nothing(&self) {
        self.0.borrow_mut().refused = None;
    }

    // What was seen.

    /// From now on this lease is looked at whenever a request arrives.
    pub(super) fn witness(&self, lease: &Lease) {
        self.0.borrow_mut().witness = Some(lease.clone());
    }

    /// Every request so far, oldest first.
    pub(super) fn asked(&self) -> Ref<'_, [Asked]> {
        Ref::map(self.0.borrow(), |state| state.asked.as_slice())
    }

    pub(super) fn asked_for(&self, which: Which) -> Vec<Asked> {
        self.asked().iter().filter(|asked| which(&asked.operation)).cloned().collect()
    }

    /// Whether this process was said to be a candidate, each time that it was said.
    pub(super) fn candidate(&self) -> Vec<bool> {
        self.0.borrow().candidate.clone()
    }

    pub(super) fn parted(&self) -> bool {
        self.0.borrow().parted
    }

    /// Whether the election has dropped its end of the notices.
    pub(super) fn is_unheard(&self) -> bool {
        self.0.borrow().notices.as_ref().is_none_or(NoticeSender::is_closed)
    }

    /// The end of the session's lease.
    pub(super) fn lease_until(&self) -> Timestamp {
        self.0.borrow().lease.until().expect("a lease")
    }

    /// Moves the end of the lease to `from_now`, and lets it stand there.
    pub(super) fn lease_left(&self, from_now: Duration) {
        let mut state = self.0.borrow_mut();
        state.answering = false;
        let until = state.clock.now() + from_now;
        state.lease.extend(until);
    }
}

impl State {
    fn tell(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            let _ = notices.unbounded_send(notice);
        }
    }

    fn probe(&mut self) {
        if self.connected && self.answering {
            let now = self.clock.now();
            self.lease.quorum_answered(now);
            // What a steady session has: between 0.4 T and 0.6 T remain.
            let until = now + seconds(6.0);
            if self.lease.until().is_some_and(|before| before < until) {
                self.lease.extend(until);
            }
        }
    }

    fn detach(&mut self) {
        self.connected = false;
        self.held.clear();
        self.watches.clear();
    }

    fn end(&mut self) {
        self.detach();
        self.lease.end();
        self.lease = Arc::default();
        let over = self.session;
        self.session += 1;
        self.znodes.retain(|_, znode| znode.stat.ephemeral_owner != over);
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Request(
                _,
                connection,
                op,
                Request::Election(operation) | Request::WhenQuiet(operation),
            ) => {
                let current = self.connected && connection == self.connection;
                let lease_valid = self.witness.as_ref().map(Lease::is_valid);
                self.asked.push(Asked { op, operation: operation.clone(), current, lease_valid });
                if current && self.holding {
                    self.held.push((op, operation));
                } else if current {
                    self.carry_out(op, operation);
                }
            }
            Command::Candidate(_, candidate) => self.candidate.push(candidate),
            Command::Part(_) => self.parted = true,
            _ => panic!("an election does not send this"),
        }
    }

    fn carry_out(&mut self, op: OpId, operation: Operation) {
        let reply = match self.refused {
            Some((which, refusal)) if which(&operation) => Reply::Refused(refusal),
            _ => self.reply(op, operation),
        };
        self.tell(Notice::Answered(op, reply));
    }

    fn reply(&mut self, op: OpId, operation: Operation) -> Reply {
        let find = |znodes: &BTreeMap<String, Znode>, path: &str| {
            znodes.get(path).cloned().map_or(Reply::Missing, Reply::Found)
        };
        match operation {
            Operation::Create { path, .. } if self.znodes.contains_key(&path) => {
                Reply::Refused(Refusal::NodeExists)
            }
            Operation::Create { path, data } => {
                self.zxid += 1;
                let stat = Stat { czxid: self.zxid, ephemeral_owner: self.session };
                self.znodes.insert(path.clone(), Znode { data, stat });
                self.fire(&path, WatchEvent::Created);
                Reply::Created(stat)
            }
            Operation::CreateSequential { path, data } => {
                self.zxid += 1;
                let stat = Stat { czxid: self.zxid, ephemeral_owner: self.session };
                let path = format!("{path}{:010}", self.zxid);
                self.znodes.insert(path.clone(), Znode { data, stat });
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                Reply::CreatedSequential { name, stat }
            }
            // Nobody here waits for the first to come.
            Operation::Children { path, .. } => {
                let below = |node: &String| node.strip_prefix(&path)?.strip_prefix('/').map(String::from);
                Reply::Children(self.znodes.keys().filter_map(below).collect())
            }
            Operation::CreateParents { .. } => Reply::Done,
            Operation::Read { path, watch } => {
                let found = find(&self.znodes, &path);
                if watch && matches!(found, Reply::Found(_)) {
                    self.watches.push((path, op));
                }
                found
            }
            Operation::Exists { path } => {
                let found = find(&self.znodes, &path);
                self.watches.push((path, op));
                found
            }
            Operation::Confirm { path } => find(&self.znodes, &path),
            Operation::Delete { path } => {
                if self.delete(&path) {
                    Reply::Done
                } else {
                    Reply::Missing
                }
            }
        }
    }

    fn delete(&mut self, path: &str) -> bool {
        let there = self.znodes.remove(path).is_some();
        if there {
            self.zxid += 1;
            self.fire(path, WatchEvent::Deleted);
        }
        there
    }

    fn fire(&mut self, path: &str, event: WatchEvent) {
        let (fired, others) = std::mem::take(&mut self.watches).into_iter().partition(|(on, _)| on == path);
        self.watches = others;
        let fired: Vec<(String, OpId)> = fired;
        for (_, op) in fired {
            self.tell(Notice::WatchFired(op, event));
        }
    }
}

pub(super) fn is_create(operation: &Operation) -> bool {
    matches!(operation, Operation::Create { .. })
}

pub(super) fn is_read(operation: &Operation) -> bool {
    matches!(operation, Operation::Read { .. })
}

/// One of the steps in which a lock is let go.
pub(super) fn lets_go(operation: &Operation) -> bool {
    matches!(operation, Operation::Confirm { .. } | Operation::Delete { .. })
}
