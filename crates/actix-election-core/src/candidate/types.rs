//! What goes into a candidate and what comes out of it.

use std::fmt;

use crate::{
    Address, FencingToken, OpId, Operation, Reply, SessionId, SessionTimeout, Timestamp, WatchEvent, Znode,
    printable,
};

/// The holder of a lock, as everybody sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Master {
    /// What the lock's data says: `host:port`, or empty if the master gave none. Invalid UTF-8 is replaced.
    ///
    /// Whoever may create the lock may write anything there, of any length: show
    /// [`printable_address`](Self::printable_address).
    pub address: String,
    /// The token of its term.
    pub token: FencingToken,
}

impl Master {
    /// A master with this address and token: mainly for tests.
    pub fn new(address: impl Into<String>, token: FencingToken) -> Self {
        Master { address: address.into(), token }
    }

    /// With what its znode says. Another program may have written anything there.
    pub(super) fn with_data(data: &[u8], token: FencingToken) -> Self {
        Master { address: String::from_utf8_lossy(data).into_owned(), token }
    }

    /// The address for logs and people: see [`printable()`]. It is cut if it is longer than any [`Address`].
    pub fn printable_address(&self) -> String {
        printable(&self.address, Address::MAX_LEN)
    }

    /// The master whose znode this is.
    pub(super) fn of(znode: &Znode) -> Self {
        Master::with_data(&znode.data, FencingToken::new(znode.stat.czxid))
    }
}

/// The address, escaped and cut, and the token.
impl fmt::Display for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.as_str() {
            "" => write!(f, "(no address), token {}", self.token),
            _ => write!(f, "{}, token {}", self.printable_address(), self.token),
        }
    }
}

/// How many candidates are before one in a queue. New candidates only ever join behind it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Place {
    /// This many, now: 0 for the head of the queue, 1 for the next.
    Exactly(usize),
    /// This many when it was last read, and perhaps fewer by now: candidates further ahead are not watched.
    AtMost(usize),
}

impl Place {
    /// How many there are at most.
    pub fn at_most(self) -> usize {
        match self {
            Place::Exactly(ahead) | Place::AtMost(ahead) => ahead,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Exactly(ahead) => write!(f, "{ahead}"),
            Place::AtMost(ahead) => write!(f, "at most {ahead}"),
        }
    }
}

/// Why a role is standby.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StandbyReason {
    /// Nothing is known about the election yet: the ensemble has not answered.
    Connecting,
    /// Another candidate holds the lock.
    Outranked,
    /// This candidate resigned or withdrew.
    Resigned,
    /// The lease was about to end, and the ensemble had not answered.
    LeaseEnding,
    /// The session is over.
    SessionLost,
    /// The lock is gone, although this process did not delete it.
    NodeLost,
    /// There is a znode at the election path or above it that does not allow a lock there.
    PathTaken,
    /// The ensemble refuses what is needed to compete.
    Denied,
    /// A role actor of this candidate died, or was restarted while it was master.
    RoleFailed,
}

impl StandbyReason {
    /// The name used in logs, in metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            StandbyReason::Connecting => "connecting",
            StandbyReason::Outranked => "outranked",
            StandbyReason::Resigned => "resigned",
            StandbyReason::LeaseEnding => "lease_ending",
            StandbyReason::SessionLost => "session_lost",
            StandbyReason::NodeLost => "node_lost",
            StandbyReason::PathTaken => "path_taken",
            StandbyReason::Denied => "denied",
            StandbyReason::RoleFailed => "role_failed",
        }
    }
}

impl fmt::Display for StandbyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that keeps a candidate from being master and that somebody has to fix.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// What exactly, for people.
    pub message: String,
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProblemKind {
    /// There is a znode at the election path or above it that does not allow a lock there.
    PathTaken,
    /// An ACL does not allow what is needed.
    Denied,
    /// The ensemble refuses for another reason.
    Refused,
    /// A role has not acknowledged `BecameStandby` in time; until it does, this candidate stays out.
    StepDownOverdue,
    /// Every role actor is dead; until one joins, this candidate stays out.
    NoRole,
    /// The ensemble answers too slowly to lead with this session timeout; the candidate stays out for a while. It lasts
    /// until the candidate leads, or withdraws.
    TooSlow,
}

/// Names a role actor. Never used twice in one candidate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RoleId(pub u64);

/// Names one message to one role. Never used twice in one candidate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(pub u64);

/// Of what a role is notified.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// The role is master, under this token.
    BecameMaster {
        /// The token of the term that begins.
        token: FencingToken,
    },
    /// The role is standby.
    BecameStandby {
        /// Why.
        reason: StandbyReason,
        /// Who is master, as far as it is known.
        master: Option<Master>,
    },
}

/// What happens to a candidate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Input {
    /// Compete from now on.
    Campaign,
    /// Step down in order if master, and stay out for a while. With a token: only if that term still runs.
    Resign {
        /// The term that is meant; `None` for whatever runs, and to stay out if none does.
        token: Option<FencingToken>,
    },
    /// Step down in order if master, and compete no more. [`Output::Left`] follows.
    Withdraw,
    /// A role actor was added.
    RoleJoined(RoleId),
    /// A role has handled this message.
    RoleAcknowledged(RoleId, MessageId),
    /// A role actor is dead.
    RoleFailed(RoleId),
    /// A role actor was restarted, and what it had under way is lost: the handling of this message, which it was sent last,
    /// or what it has done since. Ignored if it has been sent another since: to that it can act as it should.
    RoleRestarted(RoleId, MessageId),
    /// Somebody wants to hear of every change of master from now on, also while this candidate waits in a queue.
    Observed,
    /// The session is attached to a server and a probe has come back on this connection.
    Connected {
        /// Which session.
        session: SessionId,
        /// The timeout that the server granted.
        timeout: SessionTimeout,
    },
    /// The session's lease now ends at this moment.
    Lease(Timestamp),
    /// The connection is gone. Of every request that was under way the outcome is unknown.
    Disconnected,
    /// The session is over, or presumed to be.
    SessionLost,
    /// A request was answered.
    Answered(OpId, Reply),
    /// The watch that this request armed has fired. It never comes before the request's answer.
    WatchFired(OpId, WatchEvent),
    /// The time that [`Candidate::next_timer`](super::Candidate::next_timer) gave has come.
    Timer,
}

/// What the driver of a candidate has to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Output {
    /// Ask the ensemble, on the present connection; the answer comes back as [`Input::Answered`].
    Request(OpId, Operation),
    /// The same, but there is no hurry: it may wait until nothing else is going on, and be overtaken by other requests.
    RequestWhenQuiet(OpId, Operation),
    /// Whether this candidate needs the session's lease from now on: probes are sent while one does. Without this output
    /// it does not.
    LeaseNeeded(bool),
    /// A term begins: make a lease that ends with the session's.
    LeaseBegan(FencingToken),
    /// From now on the term's lease ends at this moment at the latest, even if the session's goes on.
    LeaseCapped(Timestamp),
    /// The term's lease is over now. Carried out before anything that follows.
    LeaseEnded,
    /// Notify this role. A `BecameMaster` that it has not begun to handle is taken back by a `BecameStandby`.
    Notify(RoleId, MessageId, Message),
    /// Who is master has changed, or is known for the first time.
    MasterChanged(Option<Master>),
    /// Something needs the attention of people. Repeated once a minute while it lasts.
    Report(Problem),
    /// After [`Input::Withdraw`]: nothing of this candidate is left at the ensemble.
    Left,
}

/// Why a candidate wants to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// T/8 before the lease ends: the roles have to be notified.
    Notice,
    /// The roles have had their time to step down.
    StepDown,
    /// The lock is held, but too little of the lease is proven to lead by it.
    LeaseShort,
    /// A role has waited T/3 for its first message.
    FirstWord,
    /// The time to stay out is over.
    Pause,
    /// What was refused is tried again.
    Retry,
    /// A problem that lasts is reported again.
    Report,
}

/// What a candidate is doing: the answer to "why am I not master?".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CandidateState {
    /// It does not compete; it follows who is master.
    Following,
    /// It has no live role actor.
    WaitingForRole,
    /// A role has not acknowledged `BecameStandby`.
    WaitingForAcknowledgement,
    /// It is not connected to the ensemble.
    Connecting,
    /// It does not compete for a while, after a resignation or a failure.
    Pausing,
    /// It reads or tries to create the lock.
    Competing,
    /// Another candidate holds the lock; it waits for that to change.
    Standby,
    /// A znode that is not a lock is in the way.
    PathTaken,
    /// The ensemble refuses what it asks for.
    Denied,
    /// It holds the lock and waits until T/4 of the lease is proven.
    Winning,
    /// It is master.
    Master,
    /// It is stepping down.
    SteppingDown,
}

impl CandidateState {
    /// The name used in logs, in metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            CandidateState::Following => "following",
            CandidateState::WaitingForRole => "waiting_for_role",
            CandidateState::WaitingForAcknowledgement => "waiting_for_acknowledgement",
            CandidateState::Connecting => "connecting",
            CandidateState::Pausing => "pausing",
            CandidateState::Competing => "competing",
            CandidateState::Standby => "standby",
            CandidateState::PathTaken => "path_taken",
            CandidateState::Denied => "denied",
            CandidateState::Winning => "winning",
            CandidateState::Master => "master",
            CandidateState::SteppingDown => "stepping_down",
        }
    }
}

impl fmt::Display for CandidateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A candidate's account of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CandidateStatus {
    /// What it is doing.
    pub state: CandidateState,
    /// Who is master, as far as it is known; the outer `None` while nothing is known.
    pub master: Option<Option<Master>>,
    /// Whether what is known of the master is so now: it was read on this connection, and a change would be heard of.
    pub is_current: bool,
    /// How many stand before it in the queue. `None` with the `Lock` strategy, and for whoever does not stand in the queue.
    pub place: Option<Place>,
    /// The token of its own term, while one runs.
    pub token: Option<FencingToken>,
    /// What is in its way, if anything that somebody has to put right.
    pub problem: Option<Problem>,
    /// When it will try again, if it waits for a time rather than an event.
    pub next_retry: Option<Timestamp>,
}
