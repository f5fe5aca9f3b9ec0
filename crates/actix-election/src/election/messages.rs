//! What an election tells and what it is told.

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix_election_core::{CandidateState, ElectionPath, FencingToken, Master, SessionState, StandbyReason};

use crate::Lease;

/// The role is master now, for as long as the lease is valid.
///
/// Sent with at least T/4 of the lease left. If the role does not get round to handling it before the term is over,
/// the message is taken out of its mailbox again and only the [`BecameStandby`] remains. The handler may return a
/// future; a slow one never holds [`BecameStandby`] back. An actor that may be restarted by a [`Supervisor`] calls
/// [`Lease::tie_to`] here.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub struct BecameMaster {
    /// The election that was won.
    pub path: ElectionPath,
    /// What to check before every step as master.
    pub lease: Lease,
}

/// The role is not master, or no longer.
///
/// Stop acting as master **in this handler**, and return a future if that takes time: the lock is released once
/// every role of the election has handled this message, or when the step-down timeout or the lease ends.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub struct BecameStandby {
    /// The election.
    pub path: ElectionPath,
    /// Why.
    pub reason: StandbyReason,
    /// Who is master, as far as it is known. The address may be empty, and may be anything if a stranger wrote
    /// it: see [`Master::printable_address`].
    pub master: Option<Master>,
}

/// Who is master has changed.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[rtype(result = "()")]
pub struct MasterChanged {
    /// The election.
    pub path: ElectionPath,
    /// The master; `None` if there is none. While this process is cut off it is the last one known.
    pub master: Option<Master>,
}

/// Sends [`MasterChanged`] to the recipient: at once if it is known who is master, and on every change.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Observe(pub Recipient<MasterChanged>);

/// Adds a role actor to an election. It is told its present state once, and takes part from then on.
///
/// Every role of an election is told the same; a handover waits until all have handled it; and the death of one
/// resigns.
///
/// An actor plays one role. To add it again says that it was restarted, and what it had under way is lost: a master steps down
/// ([`RoleFailed`](StandbyReason::RoleFailed)) and competes again after the failure pause, a standby is told once more that it
/// is standby. So an actor that adds itself in `Actor::started` may live under a [`Supervisor`], which calls that again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AddRole {
    pub(super) master: Recipient<BecameMaster>,
    pub(super) standby: Recipient<BecameStandby>,
}

impl AddRole {
    /// The role that this actor plays.
    pub fn new<A>(role: &Addr<A>) -> Self
    where
        A: Actor + Handler<BecameMaster> + Handler<BecameStandby>,
        A::Context: ToEnvelope<A, BecameMaster> + ToEnvelope<A, BecameStandby>,
    {
        AddRole { master: role.clone().recipient(), standby: role.clone().recipient() }
    }
}

/// Steps down in order if this process is master, and stays out for the resign pause so that another one wins;
/// then competes again.
#[derive(Message, Clone, Copy, Debug, Default)]
#[rtype(result = "()")]
pub struct Resign {
    /// Only if this term still runs; `None` for whatever runs, and to stay out even if none does.
    pub token: Option<FencingToken>,
}

/// Leaves the election: steps down in order if this process is master, and competes no more. The answer comes when
/// the lock is released; while this process is cut off, that is when it is connected again or the session is over.
///
/// The election goes on to follow who is master. [`Campaign`] enters it again; one that comes before the answer
/// brings the answer at once.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Withdraw;

/// Competes again after a [`Withdraw`], or makes a candidate of an observer.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Campaign;

/// Asks an election for an account of itself: above all, why this process is not master.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "Status")]
pub struct GetStatus;

/// An election's account of itself.
#[derive(MessageResponse, Clone, Debug)]
pub struct Status {
    /// The election.
    pub path: ElectionPath,
    /// What this process does in it.
    pub state: CandidateState,
    /// The place in the queue, 0 for the master; `None` with the `Lock` strategy, which has no queue.
    pub place: Option<usize>,
    /// The master as far as it is known: the outer `None` if nothing is known yet.
    pub master: Option<Option<Master>>,
    /// The token of the term of this process, while one runs.
    pub token: Option<FencingToken>,
    /// For how long the session is certain to live; `None` if nothing is proven.
    pub lease_remaining: Option<Duration>,
    /// The state of the session.
    pub session: SessionState,
    /// The session timeout that was asked for.
    pub asked_timeout: Duration,
    /// The session timeout T that everything goes by: the smallest that was granted to the present session. A server's limits
    /// can make it shorter or longer than what was asked for. `None` before there is a session.
    pub granted_timeout: Option<Duration>,
    /// How long ago a quorum of the ensemble last answered; `None` for never in this session.
    pub quorum_answer_age: Option<Duration>,
    /// The last thing that went wrong, right or wrong as it may be by now.
    pub last_error: Option<String>,
    /// When it will try again, if it waits for a time rather than for an event.
    pub next_retry: Option<Duration>,
}
