//! One process: a session's thread, a candidate, a role actor, and what the application holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use actix_election_core::*;

use crate::clock::{Clock, Moment};
use crate::fifo::Fifo;
use crate::server::WireId;
use crate::tree::PATH;

/// What the settings of every process ask for. No server grants so much.
const REQUESTED: Duration = Duration::from_secs(60);

/// A request on its connection, in the order in which they were sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Sent {
    Probe(Timestamp),
    /// The probe ahead of a `Confirm`.
    Ahead,
    Ping,
    Operation(OpId),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Link {
    None {
        redial_at: Moment,
    },
    Dialing {
        wire: WireId,
        sent: Timestamp,
        until: Moment,
    },
    /// `patient` are the requests that let others go first.
    Up {
        wire: WireId,
        connected: bool,
        sent: VecDeque<Sent>,
        patient: Vec<(OpId, Operation)>,
    },
}

/// The `Lease` of a term, as the application holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Held {
    pub(crate) token: FencingToken,
    /// It is worth nothing beside another session's lease.
    pub(crate) session: i64,
    pub(crate) cap: Option<Timestamp>,
    /// Whether the lock was taken away by hand.
    pub(crate) robbed: bool,
}

/// A role actor.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Actor {
    pub(crate) id: RoleId,
    /// Messages, and when each will have been handled.
    pub(crate) mailbox: VecDeque<(MessageId, Moment)>,
    /// Whether it was told last that it is master; `None` before the first word.
    pub(crate) master: Option<bool>,
    /// The `BecameStandby` that it has not handled.
    pub(crate) standby_unhandled: Option<MessageId>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) number: usize,
    /// When it was started, which tells it from those of the same number before it.
    pub(crate) started: Moment,
    pub(crate) clock: Clock,
    // ---- the session's thread
    pub(crate) monitor: SessionMonitor,
    pub(crate) link: Link,
    /// The session, and the smallest timeout that was granted to it.
    pub(crate) session: Option<(i64, u64)>,
    /// The ensemble has just said that it is over.
    pub(crate) expired: bool,
    /// One that it gave up and has still to close.
    pub(crate) to_close: Option<i64>,
    pub(crate) last_zxid: i64,
    /// The end of the session's lease, as `Lease::is_valid` reads it.
    pub(crate) lease: Option<Timestamp>,
    /// Counts connections.
    pub(crate) connection: u32,
    /// Whether the candidate needs the lease: there are probes only while it does.
    pub(crate) lease_needed: bool,
    pub(crate) dials: usize,
    // ---- the election
    pub(crate) candidate: Candidate,
    /// From the session's thread to the candidate, each with the connection that it belongs to.
    pub(crate) inbox: Fifo<(u32, Input)>,
    /// The connection that the candidate knows of: what it asks for on another is dropped.
    pub(crate) known_connection: Option<u32>,
    pub(crate) campaigning: bool,
    /// The znodes that the candidate was shown on this connection.
    pub(crate) shown: BTreeSet<i64>,
    /// Those of its own whose creation was answered.
    pub(crate) created: BTreeSet<i64>,
    pub(crate) held: Option<Held>,
    /// Answers and events that were handed over, to be handed over again when they are stale.
    pub(crate) stale: VecDeque<Input>,
    // ---- the application
    pub(crate) role: Option<Actor>,
    pub(crate) role_back_at: Moment,
    pub(crate) roles_so_far: u64,
    /// How long its role takes over a message.
    pub(crate) handling: u64,
    pub(crate) paused_until: Moment,
    /// It reaches no server until then.
    pub(crate) unplugged_until: Moment,
    /// What beside the shipped rule would be known of the session.
    pub(crate) history: BTreeMap<u32, crate::rules::History>,
}

impl Process {
    pub(crate) fn new(number: usize, queue: bool, clock: Clock, now: Moment) -> Self {
        let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
        config.address = Some(Address::new(&format!("p{number}:1")).unwrap());
        if queue {
            // A process that is started again has another.
            config.strategy = Strategy::Queue(QueueId::from_random((number as u128) << 80 | u128::from(now)));
        }
        config.session_timeout = REQUESTED;
        config.step_down_timeout = Duration::from_millis(400);
        config.resign_pause = Duration::from_millis(500);
        config.failure_pause = Duration::from_millis(500);
        config.refused_retry = Duration::from_millis(500);
        Process {
            number,
            started: now,
            clock,
            monitor: SessionMonitor::new(),
            link: Link::None { redial_at: now },
            session: None,
            expired: false,
            to_close: None,
            last_zxid: 0,
            lease: None,
            connection: 0,
            lease_needed: false,
            dials: number,
            candidate: Candidate::new(config, clock.stamp(now)).unwrap(),
            inbox: Fifo::default(),
            known_connection: None,
            campaigning: false,
            shown: BTreeSet::new(),
            created: BTreeSet::new(),
            held: None,
            stale: VecDeque::new(),
            role: None,
            role_back_at: now,
            roles_so_far: 0,
            handling: 0,
            paused_until: 0,
            unplugged_until: 0,
            history: BTreeMap::new(),
        }
    }

    pub(crate) fn wire(&self) -> Option<WireId> {
        match &self.link {
            Link::None { .. } => None,
            Link::Dialing { wire, .. } | Link::Up { wire, .. } => Some(*wire),
        }
    }

    pub(crate) fn has_session(&self, session: i64) -> bool {
        self.session.is_some_and(|(present, _)| present == session)
    }

    pub(crate) fn new_role(&mut self) -> RoleId {
        self.roles_so_far += 1;
        let id = RoleId(self.roles_so_far);
        self.role = Some(Actor { id, mailbox: VecDeque::new(), master: None, standby_unhandled: None });
        id
    }

    /// Whether the application's lease is valid: nothing but a look at the clock.
    pub(crate) fn valid(&self, now: Moment) -> Option<Held> {
        let held =
            self.held.filter(|held| self.session.is_some_and(|(session, _)| session == held.session))?;
        let lease = self.lease?;
        let until = held.cap.map_or(lease, |cap| lease.min(cap));
        (self.clock.stamp(now) < until).then_some(held)
    }
}
