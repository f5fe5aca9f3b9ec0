//! What roles and observers are told, and what an election's actor is told.

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix_election_core::{ElectionPath, FencingToken, Master, StandbyReason};
use tokio::sync::oneshot;

use crate::Lease;

/// The role is master now, for as long as the lease is valid.
///
/// Sent with at least T/4 of the lease left. If the term is over before the role has begun to handle this message, the
/// message is taken out of its mailbox again and only the [`BecameStandby`] remains. The handler may return a
/// future; a slow one never delays [`BecameStandby`]. An actor that may be restarted by a [`Supervisor`] calls
/// [`Lease::tie_to`] in this handler.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
#[non_exhaustive]
pub struct BecameMaster {
    /// The election that was won.
    pub path: ElectionPath,
    /// What to check before every step as master.
    pub lease: Lease,
}

impl BecameMaster {
    /// For the unit tests of role actors.
    pub fn new(path: ElectionPath, lease: Lease) -> Self {
        BecameMaster { path, lease }
    }
}

/// The role is not master, or no longer master.
///
/// Stop acting as master **in this handler**, and return a future if that takes time: the lock is released once
/// every role of the election has handled this message, or when the step-down timeout or the lease ends.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[rtype(result = "()")]
#[non_exhaustive]
pub struct BecameStandby {
    /// The election.
    pub path: ElectionPath,
    /// Why.
    pub reason: StandbyReason,
    /// Who is master, as far as is known. The address may be empty, and may be anything if another program wrote
    /// it: see [`Master::printable_address`].
    pub master: Option<Master>,
    /// Whether that master is this candidate: for example because of a znode of an earlier session, which exists until that
    /// session has expired. This process holds no lease for it: do not send requests there.
    pub is_self: bool,
}

impl BecameStandby {
    /// For the unit tests of role actors: `master` is another candidate, if there is a master.
    pub fn new(path: ElectionPath, reason: StandbyReason, master: Option<Master>) -> Self {
        BecameStandby { path, reason, master, is_self: false }
    }
}

/// There is another master, or none any more.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[rtype(result = "()")]
#[non_exhaustive]
pub struct MasterChanged {
    /// The election.
    pub path: ElectionPath,
    /// The master; `None` if there is none. While this process is cut off, it is the last one known.
    pub master: Option<Master>,
    /// Whether that master is this candidate. Only its [`Lease`] tells whether it may act as one.
    pub is_self: bool,
}

impl MasterChanged {
    /// For the unit tests of observers.
    pub fn new(path: ElectionPath, master: Option<Master>) -> Self {
        MasterChanged { path, master, is_self: false }
    }
}

/// Sends [`MasterChanged`] to the recipient: at once if it is known who is master, and on every change.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Observe(pub(crate) Recipient<MasterChanged>);

/// Adds a role actor to an election.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub(crate) struct AddRole {
    pub(super) master: Recipient<BecameMaster>,
    pub(super) standby: Recipient<BecameStandby>,
}

impl AddRole {
    /// The role that this actor plays.
    pub(crate) fn new<A>(role: &Addr<A>) -> Self
    where
        A: Actor + Handler<BecameMaster> + Handler<BecameStandby>,
        A::Context: ToEnvelope<A, BecameMaster> + ToEnvelope<A, BecameStandby>,
    {
        AddRole { master: role.clone().recipient(), standby: role.clone().recipient() }
    }
}

/// Steps down in order if this process is master, and stays out for the resign pause.
#[derive(Message, Clone, Copy, Debug, Default)]
#[rtype(result = "()")]
pub(crate) struct Resign {
    /// Only if this term still runs; `None` for whatever runs, and to stay out even if none does.
    pub(crate) token: Option<FencingToken>,
}

/// Leaves the election, and says when that is done. The sender is dropped if the election ends or a [`Campaign`] comes first.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Withdraw(pub(crate) oneshot::Sender<()>);

/// Competes from now on.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub(crate) struct Campaign;
