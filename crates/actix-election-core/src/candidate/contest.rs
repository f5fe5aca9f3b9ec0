//! The ways to take part in an election, behind one face.

use super::goal::Goal;
use super::lock::Lock;
use super::observer::Observer;
use super::queue::Queue;
use super::{Master, Place, Problem};
use crate::{
    CandidateConfig, FencingToken, OpId, Operation, Reply, SessionId, Strategy, Timestamp, WatchEvent,
};

/// What is known of an election at the ensemble, and the next requests that follow from it.
///
/// Each strategy is given the candidate's [`Goal`] and never remembers the last one: whatever happened before, the
/// znodes as they are now and the present goal decide. That is what makes every recovery the same code: a lost reply, a
/// reconnect, a deletion by hand all end in reading again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Contest {
    /// It has never competed.
    Observer(Observer),
    Lock(Lock),
    Queue(Box<Queue>),
}

impl Contest {
    pub(super) fn observe(config: &CandidateConfig) -> Self {
        Contest::Observer(Observer::new(&config.path, config.refused_retry))
    }

    /// Whether this candidate has never competed.
    pub(super) fn only_observes(&self) -> bool {
        matches!(self, Contest::Observer(_))
    }

    /// From now on this candidate may compete; `session` is the one that it is connected in.
    pub(super) fn compete(&mut self, config: &CandidateConfig, session: Option<SessionId>) {
        if !self.only_observes() {
            return;
        }
        let data = config.address.as_ref().map(|a| a.as_str().as_bytes().to_vec()).unwrap_or_default();
        *self = match config.strategy {
            Strategy::Lock => Contest::Lock(Lock::new(&config.path, data, config.refused_retry)),
            Strategy::Queue(id) => {
                Contest::Queue(Box::new(Queue::new(&config.path, id, data, config.refused_retry)))
            }
        };
        if let Some(session) = session {
            self.connected(session);
        }
    }

    /// A znode of ours may exist that somebody else has created in this session.
    pub(super) fn inherit(&mut self) {
        match self {
            Contest::Observer(_) => {}
            Contest::Lock(lock) => lock.inherit(),
            Contest::Queue(queue) => queue.inherit(),
        }
    }

    pub(super) fn connected(&mut self, session: SessionId) {
        match self {
            Contest::Observer(observer) => observer.connected(),
            Contest::Lock(lock) => lock.connected(session),
            Contest::Queue(queue) => queue.connected(session),
        }
    }

    /// Watches die with their connection, and what was under way has no answer any more.
    pub(super) fn disconnected(&mut self) {
        match self {
            Contest::Observer(observer) => observer.disconnected(),
            Contest::Lock(lock) => lock.disconnected(),
            Contest::Queue(queue) => queue.disconnected(),
        }
    }

    /// What the session made goes with it, and nothing of it can come later.
    pub(super) fn session_lost(&mut self) {
        match self {
            Contest::Observer(observer) => observer.session_lost(),
            Contest::Lock(lock) => lock.session_lost(),
            Contest::Queue(queue) => queue.session_lost(),
        }
    }

    /// That somebody may not compete is no problem once nobody wants to.
    pub(super) fn withdraw(&mut self) {
        match self {
            Contest::Observer(_) => {}
            Contest::Lock(lock) => lock.withdraw(),
            Contest::Queue(queue) => queue.withdraw(),
        }
    }

    /// Somebody wants to hear of every change of master.
    pub(super) fn observed(&mut self) {
        match self {
            // They follow who is master in any case.
            Contest::Observer(_) | Contest::Lock(_) => {}
            Contest::Queue(queue) => queue.observed(),
        }
    }

    /// Returns whether what was refused is due to be asked again.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> bool {
        match self {
            Contest::Observer(observer) => observer.pass_time(now),
            Contest::Lock(lock) => lock.pass_time(now),
            Contest::Queue(queue) => queue.pass_time(now),
        }
    }

    /// The term with this token is over: if its znode still stands, it is never led by again.
    pub(super) fn retire(&mut self, token: FencingToken) {
        match self {
            Contest::Observer(_) => {}
            Contest::Lock(lock) => lock.retire(token),
            Contest::Queue(queue) => queue.retire(token),
        }
    }

    /// The token of a znode of ours that makes us master. One that was seen on an earlier connection may be gone.
    pub(super) fn held_token(&self) -> Option<FencingToken> {
        match self {
            Contest::Observer(_) => None,
            Contest::Lock(lock) => lock.held_token(),
            Contest::Queue(queue) => queue.held_token(),
        }
    }

    /// The token of a znode of ours, whatever may rest on it.
    pub(super) fn own_token(&self) -> Option<FencingToken> {
        match self {
            Contest::Observer(_) => None,
            Contest::Lock(lock) => lock.own_token(),
            Contest::Queue(queue) => queue.own_token(),
        }
    }

    /// Whether the znode of ours with this token is known to be no longer there.
    pub(super) fn is_gone(&self, token: FencingToken) -> bool {
        match self {
            Contest::Observer(_) => true,
            Contest::Lock(lock) => lock.is_gone(token),
            Contest::Queue(queue) => queue.is_gone(token),
        }
    }

    /// Whether a znode of ours may exist that has not been released.
    pub(super) fn maybe_ours(&self) -> bool {
        match self {
            Contest::Observer(_) => false,
            Contest::Lock(lock) => lock.maybe_ours(),
            Contest::Queue(queue) => queue.maybe_ours(),
        }
    }

    /// Who is master; `None` while that is not known.
    pub(super) fn master(&self) -> Option<Option<Master>> {
        match self {
            Contest::Observer(observer) => observer.master(),
            Contest::Lock(lock) => lock.master(),
            Contest::Queue(queue) => queue.master(),
        }
    }

    /// The master, if it is known and certainly somebody else.
    pub(super) fn others_master(&self) -> Option<Master> {
        match self {
            Contest::Observer(observer) => observer.master().flatten(),
            Contest::Lock(lock) => lock.master().flatten().filter(|_| !lock.maybe_ours()),
            Contest::Queue(queue) => queue.others_master(),
        }
    }

    /// Whether somebody else is certainly master, known or not.
    pub(super) fn is_outranked(&self) -> bool {
        match self {
            Contest::Observer(_) | Contest::Lock(_) => self.others_master().is_some(),
            Contest::Queue(queue) => queue.is_outranked(),
        }
    }

    /// Whether [`master`](Self::master) is so now, and a change of it would be heard of.
    pub(super) fn is_current(&self) -> bool {
        match self {
            Contest::Observer(observer) => observer.is_current(),
            Contest::Lock(lock) => lock.is_current(),
            Contest::Queue(queue) => queue.is_current(),
        }
    }

    /// How many stand before us; `None` where there is no queue, or we do not stand in it.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Contest::Observer(_) | Contest::Lock(_) => None,
            Contest::Queue(queue) => queue.place(),
        }
    }

    /// What is in this candidate's way, other than the master.
    pub(super) fn problem(&self) -> Option<&Problem> {
        match self {
            Contest::Observer(observer) => observer.problem(),
            Contest::Lock(lock) => lock.problem(),
            Contest::Queue(queue) => queue.problem(),
        }
    }

    /// When a refused request is made again.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Contest::Observer(observer) => observer.retry_at(),
            Contest::Lock(lock) => lock.retry_at(),
            Contest::Queue(queue) => queue.retry_at(),
        }
    }

    /// The request to make next, if there is one. It is under way from here on. There may be another one after it.
    pub(super) fn next_operation(&mut self, goal: Goal, op: OpId) -> Option<Operation> {
        match self {
            Contest::Observer(observer) => observer.next_operation(op),
            Contest::Lock(lock) => lock.next_operation(goal, op),
            Contest::Queue(queue) => queue.next_operation(goal, op),
        }
    }

    /// Whether this request is under way: what answers another one is stale.
    pub(super) fn awaits(&self, op: OpId) -> bool {
        match self {
            Contest::Observer(observer) => observer.awaits(op),
            Contest::Lock(lock) => lock.awaits(op),
            Contest::Queue(queue) => queue.awaits(op),
        }
    }

    /// Whether the watch that this request armed stands: the event of another one is stale.
    pub(super) fn is_armed(&self, op: OpId) -> bool {
        match self {
            Contest::Observer(observer) => observer.is_armed(op),
            Contest::Lock(lock) => lock.is_armed(op),
            Contest::Queue(queue) => queue.is_armed(op),
        }
    }

    /// Takes in an answer. One to anything but a request under way is stale and changes nothing.
    pub(super) fn answered(&mut self, now: Timestamp, op: OpId, reply: Reply) {
        match self {
            Contest::Observer(observer) => drop(observer.answered(now, op, &reply)),
            Contest::Lock(lock) => lock.answered(now, op, reply),
            Contest::Queue(queue) => queue.answered(now, op, reply),
        }
    }

    /// Takes in an event of the watch that `op` armed. One of an older watch is stale and changes nothing.
    pub(super) fn watch_fired(&mut self, op: OpId, event: WatchEvent) {
        match self {
            Contest::Observer(observer) => observer.watch_fired(op, event),
            Contest::Lock(lock) => lock.watch_fired(op, event),
            Contest::Queue(queue) => queue.watch_fired(op, event),
        }
    }
}
