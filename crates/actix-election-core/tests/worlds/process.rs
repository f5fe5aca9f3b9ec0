//! One process of a world: what a driver, a session and a role actor do for a candidate.

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::*;

use crate::tree::PATH;

/// T is 8 s, so that one tick of a world, T/8, is a second.
pub(crate) const T: SessionTimeout = SessionTimeout::new(Duration::from_secs(8));

/// A session as its client sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) lease: Timestamp,
}

/// Requests on their way, oldest first.
pub(crate) type Waiting = VecDeque<(OpId, Operation)>;

/// A connection: requests on their way, and replies and events on theirs.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Link {
    pub(crate) requests: Waiting,
    /// Requests that let others go first.
    pub(crate) patient: Waiting,
    pub(crate) replies: VecDeque<Input>,
}

impl Link {
    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.patient.is_empty() && self.replies.is_empty()
    }
}

/// The `Lease` of a term, as the application holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Held {
    pub(crate) token: FencingToken,
    pub(crate) cap: Option<Timestamp>,
    /// Whether the lock was taken away by hand and this process has not been able to hear of it.
    pub(crate) robbed: bool,
}

/// A role actor.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Actor {
    pub(crate) id: RoleId,
    pub(crate) mailbox: VecDeque<MessageId>,
    /// Whether it was told last that it is master; `None` before the first word.
    pub(crate) master: Option<bool>,
    /// What it was told last.
    pub(crate) last: Option<MessageId>,
    /// The `BecameStandby` that it has not handled.
    pub(crate) standby_unhandled: Option<MessageId>,
}

impl Actor {
    fn new(id: u64) -> Self {
        Actor { id: RoleId(id), mailbox: VecDeque::new(), master: None, last: None, standby_unhandled: None }
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) candidate: Candidate,
    pub(crate) session: Option<Session>,
    pub(crate) link: Option<Link>,
    pub(crate) held: Option<Held>,
    pub(crate) role: Option<Actor>,
    pub(crate) roles_so_far: u64,
    /// Whether it has been told to compete and not to leave since.
    pub(crate) campaigning: bool,
}

impl Process {
    pub(crate) fn new(number: usize, now: Timestamp, queue: bool) -> Self {
        let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
        config.address = Some(Address::new(&format!("p{number}:1")).unwrap());
        if queue {
            config.strategy = Strategy::Queue(QueueId::from_random(number as u128));
        }
        config.session_timeout = T.span();
        config.step_down_timeout = Duration::from_secs(1);
        config.resign_pause = Duration::from_secs(1);
        config.failure_pause = Duration::from_secs(1);
        config.refused_retry = Duration::from_secs(1);
        let candidate = Candidate::new(config, now).unwrap();
        Process {
            candidate,
            session: None,
            link: None,
            held: None,
            role: None,
            roles_so_far: 0,
            campaigning: false,
        }
    }

    pub(crate) fn new_role(&mut self) -> RoleId {
        self.roles_so_far += 1;
        let role = Actor::new(self.roles_so_far);
        let id = role.id;
        self.role = Some(role);
        id
    }

    /// Until when the application's lease is valid, if it is.
    pub(crate) fn valid_until(&self, now: Timestamp) -> Option<Timestamp> {
        let held = self.held?;
        let lease = self.session?.lease;
        Some(held.cap.map_or(lease, |cap| lease.min(cap))).filter(|until| now < *until)
    }
}
