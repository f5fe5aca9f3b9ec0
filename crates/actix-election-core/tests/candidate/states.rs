//! The states that the tables start from, each reached by replaying the inputs that lead there.

use actix_election_core::*;

use crate::bench::{Bench, Given, OURS, ROLE, T, THEIRS};
use Given::{Ack, Answer, Lease, Raw, Wait};

/// The token of the first lock of ours, and of somebody else's before it.
pub(crate) const TOKEN: i64 = 42;
pub(crate) const OTHER: i64 = 40;

pub(crate) fn campaign() -> Given {
    Raw(Input::Campaign)
}

pub(crate) fn joins(role: RoleId) -> Given {
    Raw(Input::RoleJoined(role))
}

pub(crate) fn dies(role: RoleId) -> Given {
    Raw(Input::RoleFailed(role))
}

pub(crate) fn connects(session: SessionId) -> Given {
    let timeout = SessionTimeout::new(std::time::Duration::from_secs_f64(T));
    Raw(Input::Connected { session, timeout })
}

pub(crate) fn cut() -> Given {
    Raw(Input::Disconnected)
}

pub(crate) fn lost() -> Given {
    Raw(Input::SessionLost)
}

pub(crate) fn resign() -> Given {
    Raw(Input::Resign { token: None })
}

pub(crate) fn withdraw() -> Given {
    Raw(Input::Withdraw)
}

pub(crate) fn created(czxid: i64) -> Given {
    Answer("create", Reply::Created(Stat { czxid, ephemeral_owner: OURS.0 }))
}

pub(crate) fn znode(session: i64, czxid: i64, data: &str) -> Reply {
    Reply::Found(Znode { data: data.into(), stat: Stat { czxid, ephemeral_owner: session } })
}

/// Our own lock, as it is read.
pub(crate) fn own(czxid: i64) -> Reply {
    znode(OURS.0, czxid, "a:1")
}

/// The lock of a candidate at b:1.
pub(crate) fn others(czxid: i64) -> Reply {
    znode(THEIRS.0, czxid, "b:1")
}

pub(crate) fn squatter() -> Reply {
    znode(0, 39, "hello")
}

pub(crate) fn refused(refusal: Refusal) -> Reply {
    Reply::Refused(refusal)
}

// ---- before the connection

/// It does not compete, and has no role.
pub(crate) fn idle() -> Bench {
    Bench::new()
}

/// It competes, but has nobody to be master.
pub(crate) fn without_role() -> Bench {
    idle().after([campaign()])
}

/// It competes, and waits for the connection.
pub(crate) fn connecting() -> Bench {
    without_role().after([joins(ROLE), Lease(0.98 * T)])
}

/// Connected without competing: it reads who is master.
pub(crate) fn observing() -> Bench {
    idle().after([joins(ROLE), Lease(0.98 * T), connects(OURS), Answer("read", others(OTHER))])
}

// ---- on the way to the lock

/// The first read is under way.
pub(crate) fn reading() -> Bench {
    connecting().after([connects(OURS)])
}

/// There is no lock, and the create is under way.
pub(crate) fn creating() -> Bench {
    reading().after([Answer("read", Reply::Missing)])
}

/// The create was refused for want of a parent: the parents are being made.
pub(crate) fn making_parents() -> Bench {
    creating().after([Answer("create", refused(Refusal::NoParent))])
}

/// Another candidate is master; the role has not said yet that it knows.
pub(crate) fn outranked() -> Bench {
    reading().after([Answer("read", others(OTHER))])
}

/// Another candidate is master, and all is quiet.
pub(crate) fn standby() -> Bench {
    outranked().after([Ack(ROLE)])
}

/// Of the lease, too little is left to lead by the lock that was just created.
pub(crate) fn winning() -> Bench {
    creating().after([Lease(0.2 * T), created(TOKEN)])
}

/// The same, with the watch on it armed.
pub(crate) fn winning_armed() -> Bench {
    winning().after([Answer("read", own(TOKEN))])
}

// ---- with the lock

/// The term has just begun: neither the lock nor the request to resign is watched yet.
pub(crate) fn elected() -> Bench {
    creating().after([created(TOKEN)])
}

/// Master, and all is quiet.
pub(crate) fn master() -> Bench {
    elected().after([Answer("read", own(TOKEN)), Answer("exists request", Reply::Missing)])
}

/// Master, after it was standby: the role has been told both.
pub(crate) fn promoted() -> Bench {
    let deleted = Given::Watch("read", WatchEvent::Deleted);
    let armed = [Answer("read", own(TOKEN)), Answer("exists request", Reply::Missing)];
    standby().after([deleted, created(TOKEN)]).after(armed)
}

/// Master, and cut off.
pub(crate) fn suspended() -> Bench {
    master().after([cut()])
}

/// Resigned: the role has been told and has not acknowledged.
pub(crate) fn stepping_down() -> Bench {
    master().after([resign()])
}

/// Told because the lease is about to end.
pub(crate) fn noticed() -> Bench {
    master().after([Wait(0.98 * T - 1.25)])
}

/// The lease of the term is over: it looks once more before it deletes the lock.
pub(crate) fn confirming() -> Bench {
    stepping_down().after([Ack(ROLE)])
}

/// The delete is under way.
pub(crate) fn deleting() -> Bench {
    confirming().after([Answer("confirm", own(TOKEN))])
}

/// The lock is deleted, and the event that says so has arrived: it always comes before the answer.
pub(crate) fn deleted() -> Bench {
    deleting().after([Given::Watch("read", WatchEvent::Deleted)])
}

/// The lock is released; it stays out for a second.
pub(crate) fn pausing() -> Bench {
    deleted().after([Answer("delete", Reply::Done), Answer("exists", Reply::Missing)])
}

/// Withdrawn, with the role yet to acknowledge.
pub(crate) fn withdrawing() -> Bench {
    master().after([withdraw()])
}

// ---- kept from the lock

/// Something that is no lock stands there.
pub(crate) fn path_taken() -> Bench {
    reading().after([Answer("read", squatter()), Ack(ROLE)])
}

/// The create is not allowed.
pub(crate) fn denied() -> Bench {
    let no = Answer("create", refused(Refusal::NoAuth));
    creating().after([no, Ack(ROLE), Answer("exists", Reply::Missing)])
}

/// Another's lock may not be read, only looked at.
pub(crate) fn unreadable() -> Bench {
    let no = Answer("read", refused(Refusal::NoAuth));
    reading().after([no, Answer("exists", znode(THEIRS.0, OTHER, "")), Ack(ROLE)])
}

/// The role did not acknowledge in time; the lock was released without it.
pub(crate) fn overdue() -> Bench {
    stepping_down().after([
        Wait(3.0),
        Answer("confirm", own(TOKEN)),
        Given::Watch("read", WatchEvent::Deleted),
        Answer("delete", Reply::Done),
        Answer("exists", Reply::Missing),
    ])
}
