//! An election's account of itself: what it shows to every thread.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{
    CandidateState, ElectionPath, FencingToken, Master, Place, SessionId, SessionState, Timestamp,
};

use crate::board::Board;
use crate::clock::Clock;
use crate::lease::{SessionLease, TermLease};
use crate::session::SessionBoard;

/// Who is master, as far as this process knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Leadership {
    /// Not known: nothing was read yet, or what was read may have changed since then.
    Unknown,
    /// There is no master now.
    Vacant,
    /// There is a master.
    #[non_exhaustive]
    Held {
        /// The master.
        master: Master,
        /// Whether that is this candidate. **It may be master at the ensemble and hold no lease**, for example while it is cut
        /// off. A request that is forwarded to this master would come back.
        is_self: bool,
        /// Whether this is known to be so now. If not, this is the last master that was known, and another one may have
        /// followed: while this process is cut off, and for a candidate far back in a queue whose election nobody here observes.
        is_current: bool,
    },
}

impl Leadership {
    /// The master that is known, current or not.
    pub fn master(&self) -> Option<&Master> {
        match self {
            Leadership::Held { master, .. } => Some(master),
            _ => None,
        }
    }

    /// Whether the known master is this candidate.
    pub fn is_self(&self) -> bool {
        matches!(self, Leadership::Held { is_self: true, .. })
    }

    /// Whether it is known who is master now; "nobody" counts as known.
    pub fn is_current(&self) -> bool {
        matches!(self, Leadership::Vacant | Leadership::Held { is_current: true, .. })
    }
}

impl fmt::Display for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Leadership::Unknown => f.write_str("unknown"),
            Leadership::Vacant => f.write_str("nobody"),
            Leadership::Held { master, is_self, is_current } => {
                let whose = if *is_self { " (this process)" } else { "" };
                let when = if *is_current { "" } else { " (when last known)" };
                write!(f, "{master}{whose}{when}")
            }
        }
    }
}

/// A snapshot of an election: above all, why this process is not master.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The election.
    pub path: ElectionPath,
    /// The reading of the [`clock`](crate::clock) to which all durations here refer.
    pub at: Timestamp,
    /// What this process is doing in it.
    pub state: CandidateState,
    /// Since when.
    pub state_since: Timestamp,
    /// How many candidates are before this one in the queue. `None` with the `Lock` strategy, which has no queue, and while this
    /// process is not in the queue.
    pub place: Option<Place>,
    /// Who is master.
    pub leadership: Leadership,
    /// The token of this process's term, while it has one.
    pub token: Option<FencingToken>,
    /// When that term began.
    pub term_since: Option<Timestamp>,
    /// For how long the session is certain to live; `None` if nothing is proven.
    pub lease_remaining: Option<Duration>,
    /// The state of the session.
    pub session: SessionState,
    /// Which session that is; `None` before there is one.
    pub session_id: Option<SessionId>,
    /// The server that this session was attached to last.
    pub server: Option<SocketAddr>,
    /// The session timeout that was asked for.
    pub asked_timeout: Duration,
    /// The session timeout T that all limits are derived from: the smallest that was granted to the present session. A server's limits
    /// can make it shorter or longer than what was asked for. `None` before there is a session.
    pub granted_timeout: Option<Duration>,
    /// How long ago a quorum of the ensemble last answered; `None` for never in this session.
    pub quorum_answer_age: Option<Duration>,
    /// The last thing that went wrong; it may have been fixed since.
    pub last_error: Option<String>,
    /// How long until it tries again, if it waits for a time rather than for an event.
    pub next_retry: Option<Duration>,
    /// Whether the election has ended, with its session: nothing will change any more.
    pub has_ended: bool,
}

/// What an election's actor knows, and when it is to be told that it has changed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Facts {
    pub(super) state: CandidateState,
    pub(super) state_since: Timestamp,
    pub(super) place: Option<Place>,
    pub(super) leadership: Leadership,
    pub(super) token: Option<FencingToken>,
    pub(super) term_since: Option<Timestamp>,
    pub(super) session: SessionState,
    pub(super) session_id: Option<SessionId>,
    pub(super) granted_timeout: Option<Duration>,
    pub(super) last_error: Option<Arc<str>>,
    pub(super) next_retry: Option<Timestamp>,
}

/// The facts, and the leases that tell more by themselves. They are others only where the facts are.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) facts: Facts,
    pub(super) term: Option<Arc<TermLease>>,
    pub(super) session_lease: Option<Arc<SessionLease>>,
}

/// What an election shows.
#[derive(Debug)]
pub(super) struct ElectionBoard {
    pub(super) path: ElectionPath,
    pub(super) clock: Clock,
    pub(super) asked_timeout: Duration,
    pub(super) session: Arc<SessionBoard>,
    pub(super) board: Board<Shown>,
}

impl ElectionBoard {
    pub(super) fn new(
        path: ElectionPath,
        clock: Clock,
        asked_timeout: Duration,
        session: Arc<SessionBoard>,
    ) -> Self {
        let facts = Facts {
            state: CandidateState::Following,
            state_since: clock.now(),
            place: None,
            leadership: Leadership::Unknown,
            token: None,
            term_since: None,
            session: SessionState::Connecting,
            session_id: None,
            granted_timeout: None,
            last_error: None,
            next_retry: None,
        };
        let board = Board::new(Shown { facts, term: None, session_lease: None });
        ElectionBoard { path, clock, asked_timeout, session, board }
    }

    /// Shows that the election has ended.
    pub(super) fn end(&self) {
        let mut facts = self.board.read().value.facts.clone();
        facts.session = SessionState::Closed;
        if facts.state != CandidateState::Following {
            facts.state_since = self.clock.now();
        }
        let last = Facts {
            state: CandidateState::Following,
            place: None,
            leadership: Leadership::Unknown,
            token: None,
            term_since: None,
            next_retry: None,
            ..facts
        };
        self.board.show(Shown { facts: last, term: None, session_lease: None }, true);
    }

    /// The lease of this process, if it is valid now.
    pub(super) fn lease(&self) -> Option<Arc<TermLease>> {
        let shown = self.board.read();
        let term = shown.value.term.as_ref()?;
        (term.until() > self.clock.now()).then(|| Arc::clone(term))
    }

    pub(super) fn status(&self) -> Status {
        let (shown, session) = (self.board.read(), self.session.read());
        let now = self.clock.now();
        let Shown { facts, session_lease, .. } = &shown.value;
        let lease = session_lease.as_ref();
        let attached = session.value.attached;
        Status {
            path: self.path.clone(),
            at: now,
            state: facts.state,
            state_since: facts.state_since,
            place: facts.place,
            leadership: shown.value.leadership(now),
            token: facts.token,
            term_since: facts.term_since,
            lease_remaining: lease.and_then(|lease| lease.until()).map(|until| until.since(now)),
            session: facts.session,
            session_id: facts.session_id,
            server: attached
                .filter(|attached| Some(attached.session) == facts.session_id)
                .map(|attached| attached.server),
            asked_timeout: self.asked_timeout,
            granted_timeout: facts.granted_timeout,
            quorum_answer_age: lease.and_then(|lease| lease.last_quorum_answer()).map(|at| now.since(at)),
            last_error: facts.last_error.as_deref().map(str::to_owned),
            next_retry: facts.next_retry.map(|at| at.since(now)),
            has_ended: shown.is_last,
        }
    }
}

impl Shown {
    /// Who holds a valid lease is master now, whether it is connected or not.
    pub(super) fn leadership(&self, now: Timestamp) -> Leadership {
        let mut leadership = self.facts.leadership.clone();
        if let (Leadership::Held { master, is_current, .. }, Some(term)) = (&mut leadership, &self.term)
            && master.token == term.token()
            && term.until() > now
        {
            *is_current = true;
        }
        leadership
    }
}
