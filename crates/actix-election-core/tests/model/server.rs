//! One server of the ensemble: what it holds. What it does is in `ensemble`, `quorum` and `service`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use actix_election_core::{OpId, Operation, Reply};

use crate::clock::{Clock, Moment};
use crate::tree::{Tree, Watched, Write};

pub(crate) type ServerId = usize;
pub(crate) type WireId = u32;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Mode {
    Down,
    Looking,
    /// Attached to the leader, or, as an observer, to a follower. Serves clients once it is in sync.
    Following {
        to: ServerId,
        synced: bool,
    },
    Leading,
}

/// Where a request came in, so that its answer finds the way back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Origin {
    pub(crate) server: ServerId,
    pub(crate) wire: WireId,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Transaction {
    pub(crate) zxid: i64,
    pub(crate) session: i64,
    pub(crate) write: Write,
    pub(crate) origin: Option<Origin>,
}

/// Between servers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Packet {
    Ping,
    /// The reply to a ping, with the sessions that were touched since the last one and their timeouts.
    Touches(BTreeMap<i64, u64>),
    Request(Origin, i64, Write),
    /// The leader will not have the request: its session is over, or has moved.
    Refused(Origin),
    Revalidate(Origin, i64, u64),
    Revalidated(Origin, i64, bool),
    Proposal(Transaction),
    Ack(i64),
    /// For a follower, which has the proposal.
    Commit(i64),
    /// For an observer, which has not.
    Inform(Transaction),
    /// Everything so far, and the epoch: `NEWLEADER` and what comes before it. Acknowledged as the zxid 0.
    Snapshot(Box<Tree>, VecDeque<Transaction>, i64),
    /// A quorum follows this leader: clients may be served.
    UpToDate,
    /// The sender does not lead any more, or does not follow.
    Bye,
}

/// A session in the leader's table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Tracked {
    pub(crate) expiry: u64,
    /// The timeout that it was last touched with.
    pub(crate) timeout: u64,
    pub(crate) owner: Option<ServerId>,
    /// When the loop comes to it that ends the sessions of a bucket which was taken out. It lives on until then, and no
    /// touch saves it.
    pub(crate) condemned: Option<u64>,
    pub(crate) closing: bool,
}

impl Tracked {
    pub(crate) fn new(expiry: u64, timeout: u64, owner: Option<ServerId>) -> Self {
        Tracked { expiry, timeout, owner, condemned: None, closing: false }
    }

    /// When its bucket is due; `None` once that has been taken out.
    pub(crate) fn due(&self) -> Option<u64> {
        Some(self.expiry).filter(|_| !self.closing && self.condemned.is_none())
    }

    /// When the loop comes to it.
    pub(crate) fn ends(&self) -> Option<u64> {
        self.condemned.filter(|_| !self.closing)
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    pub(crate) clock: Clock,
    pub(crate) mode: Mode,
    pub(crate) tree: Tree,
    /// What was proposed and not committed yet.
    pub(crate) log: VecDeque<Transaction>,
    /// A follower's: what it will tell the leader in its next reply.
    pub(crate) touches: BTreeMap<i64, u64>,
    /// When its leader was last heard of, by its own clock.
    pub(crate) heard: u64,
    /// Who follows it, and when each was last heard of.
    pub(crate) learners: BTreeMap<ServerId, u64>,
    pub(crate) next_ping: u64,
    /// A leader's table of sessions.
    pub(crate) table: BTreeMap<i64, Tracked>,
    pub(crate) acks: BTreeMap<i64, BTreeSet<ServerId>>,
    pub(crate) last_proposed: i64,
    /// The epoch of the last leader that it followed, or was.
    pub(crate) epoch: i64,
    /// Of a leader: whether a quorum has acknowledged it.
    pub(crate) established: bool,
    pub(crate) watches: BTreeSet<(Watched, WireId, OpId)>,
    pub(crate) paused_until: Moment,
    /// Servers of different groups do not reach each other.
    pub(crate) group: u8,
    pub(crate) join_at: Moment,
}

impl Server {
    pub(crate) fn new(clock: Clock, tree: Tree) -> Self {
        Server {
            clock,
            mode: Mode::Looking,
            tree,
            log: VecDeque::new(),
            touches: BTreeMap::new(),
            heard: 0,
            learners: BTreeMap::new(),
            next_ping: 0,
            table: BTreeMap::new(),
            acks: BTreeMap::new(),
            last_proposed: 0,
            epoch: 0,
            established: false,
            watches: BTreeSet::new(),
            paused_until: 0,
            group: 0,
            join_at: 0,
        }
    }

    /// The last transaction that it has put on its disk.
    pub(crate) fn last_logged(&self) -> i64 {
        self.log.back().map_or(self.tree.zxid, |last| last.zxid)
    }

    pub(crate) fn serves(&self) -> bool {
        match self.mode {
            Mode::Leading => self.established,
            Mode::Following { synced, .. } => synced,
            Mode::Down | Mode::Looking => false,
        }
    }

    /// Touches a session in a leader's table: this is where `ExpiryQueue` rounds up to the next tick.
    pub(crate) fn touch_table(&mut self, now: Moment, session: i64, timeout: u64, tick: u64) -> bool {
        let Some(tracked) = self.table.get_mut(&session).filter(|tracked| !tracked.closing) else {
            return false;
        };
        tracked.expiry = bucket(self.clock.read(now) + timeout, tick);
        tracked.timeout = timeout;
        true
    }
}

pub(crate) fn bucket(reading: u64, tick: u64) -> u64 {
    (reading / tick + 1) * tick
}

/// Between a client and a server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ToServer {
    /// The handshake: the session to attach, 0 for a new one, and the last zxid that the client has seen.
    Connect {
        session: i64,
        last_zxid: i64,
    },
    /// The handshake and the close of a session that was given up, in one segment.
    AttachAndClose {
        session: i64,
    },
    Ping,
    Write(Write),
    Read(OpId, Operation),
    /// The client has closed its side.
    End,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ToClient {
    Attached {
        session: i64,
        timeout: u64,
    },
    /// There is no such session, or not any more.
    Expired,
    Reply {
        zxid: i64,
        reply: Reply,
    },
    Pong,
    Event(OpId, actix_election_core::WatchEvent),
    /// The server has closed its side.
    End,
}

/// A request that a server has taken in. Replies go out in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Waiting {
    Write(Option<Reply>),
    Read(OpId, Operation),
    Ping,
}

/// The server's side of a connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Served {
    /// The session, once it is attached here.
    pub(crate) session: Option<i64>,
    /// What was granted as it was attached.
    pub(crate) timeout: u64,
    /// It is attached only to be closed.
    pub(crate) closing: bool,
    pub(crate) queue: VecDeque<Waiting>,
}
