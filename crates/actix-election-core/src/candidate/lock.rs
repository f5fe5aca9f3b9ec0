//! The `Lock` strategy: one ephemeral znode at the election path.
//!
//! [`Lock`] keeps what is known of that znode, and derives from it the one request to make next.

use std::time::Duration;

use super::goal::Goal;
use super::obstacle::Obstacle;
use super::{Master, Problem};
use crate::{
    ElectionPath, FencingToken, OpId, Operation, Refusal, Reply, SessionId, Stat, Timestamp, WatchEvent,
    Znode,
};

/// What is known of the znode at the election path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum View {
    Unknown,
    Absent,
    /// Owned by our present session.
    Ours(FencingToken),
    Theirs(Master),
    /// Not ephemeral: not a lock at all.
    Squatted,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    /// Read it and arm the watch.
    Read,
    /// Arm the watch where there is nothing to read.
    Exists,
    /// Arm the watch on what we may not read: its stat is shown to everybody.
    ExistsUnreadable,
    Create,
    Parents,
    /// Look once more, behind a probe, before the delete.
    Confirm,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lock {
    path: String,
    data: Vec<u8>,
    refused_retry: Duration,
    /// The session that we are connected in.
    session: Option<SessionId>,
    view: View,
    /// Whether `view` was read on this connection and no event has put it in doubt since.
    fresh: bool,
    /// The request whose watch stands on this connection.
    armed: Option<OpId>,
    pending: Option<(OpId, Step)>,
    /// What the last answer calls for, before anything else.
    follow_up: Option<Step>,
    /// A lock of ours up to this token was released, or its term is over: it is never led by again.
    retired: Option<FencingToken>,
    /// Whether a lock of ours may exist: a create was sent in this session, and nothing has ruled it out since.
    maybe_ours: bool,
    /// The parents were just created: if they are missing again, somebody deletes them.
    parents_made: bool,
    /// What stands in the way, and the step that ran into it.
    obstacle: Option<(Step, Obstacle)>,
}

impl Lock {
    pub(super) fn new(path: &ElectionPath, data: Vec<u8>, refused_retry: Duration) -> Self {
        Lock {
            path: path.as_str().to_owned(),
            data,
            refused_retry,
            session: None,
            view: View::Unknown,
            fresh: false,
            armed: None,
            pending: None,
            follow_up: None,
            retired: None,
            maybe_ours: false,
            parents_made: false,
            obstacle: None,
        }
    }

    /// As if a create had been sent, of which nothing is known.
    pub(super) fn inherit(&mut self) {
        self.maybe_ours = true;
    }

    pub(super) fn connected(&mut self, session: SessionId) {
        self.disconnected();
        self.session = Some(session);
        self.obstacle.iter_mut().for_each(|(_, obstacle)| obstacle.stop_waiting());
    }

    /// Watches die with their connection, and what was under way has no answer any more.
    pub(super) fn disconnected(&mut self) {
        self.session = None;
        self.fresh = false;
        self.armed = None;
        self.pending = None;
        self.follow_up = None;
    }

    /// What the session made goes with it, and nothing of it can come later.
    ///
    /// That goes for retired locks too. To remember their tokens would be wrong: an ensemble that was wiped counts
    /// from the start again, and every lock made there would pass for a retired one.
    pub(super) fn session_lost(&mut self) {
        self.disconnected();
        self.view = View::Unknown;
        self.maybe_ours = false;
        self.retired = None;
    }

    /// That somebody may not compete is no problem once nobody wants to.
    pub(super) fn withdraw(&mut self) {
        self.obstacle.take_if(|(step, _)| matches!(step, Step::Create | Step::Parents));
    }

    /// A lock that could not be read is read again: nothing tells us that its ACL was put right.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> bool {
        let Some((step, obstacle)) = &mut self.obstacle else { return false };
        let due = obstacle.pass_time(now);
        if due && *step == Step::ExistsUnreadable {
            self.fresh = false;
        }
        due
    }

    /// The term with this token is over: if its lock still stands, it is never led by again.
    pub(super) fn retire(&mut self, token: FencingToken) {
        if self.view == View::Ours(token) {
            self.retired = Some(token);
        }
    }

    pub(super) fn own_token(&self) -> Option<FencingToken> {
        match self.view {
            View::Ours(token) => Some(token),
            _ => None,
        }
    }

    /// The token of a lock that we hold and may lead by. One that was seen on an earlier connection may be gone.
    pub(super) fn held_token(&self) -> Option<FencingToken> {
        match self.view {
            View::Ours(token) if self.fresh && Some(token) > self.retired => Some(token),
            _ => None,
        }
    }

    /// Whether the lock with this token is known to be no longer there.
    pub(super) fn is_gone(&self, token: FencingToken) -> bool {
        match &self.view {
            View::Unknown => false,
            View::Ours(present) => *present != token,
            View::Absent | View::Theirs(_) | View::Squatted => true,
        }
    }

    /// Whether a lock of ours may exist that has not been released.
    pub(super) fn maybe_ours(&self) -> bool {
        self.maybe_ours || matches!(self.view, View::Ours(_))
    }

    /// Who holds the lock; `None` while that is not known.
    pub(super) fn master(&self) -> Option<Option<Master>> {
        match &self.view {
            View::Unknown => None,
            View::Absent | View::Squatted => Some(None),
            View::Ours(token) => Some(Some(Master::with_data(&self.data, *token))),
            View::Theirs(master) => Some(Some(master.clone())),
        }
    }

    /// Whether that was read on this connection, and nothing has put it in doubt since.
    pub(super) fn is_current(&self) -> bool {
        self.fresh && self.armed.is_some()
    }

    /// What keeps this candidate from the lock, other than its holder.
    pub(super) fn problem(&self) -> Option<&Problem> {
        self.obstacle.as_ref().map(|(_, obstacle)| obstacle.problem())
    }

    /// When a refused request is made again.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.obstacle.as_ref().and_then(|(_, obstacle)| obstacle.retry_at())
    }

    /// The request to make next, if there is one. It is under way from here on.
    pub(super) fn next_operation(&mut self, goal: Goal, op: OpId) -> Option<Operation> {
        if self.session.is_none() || self.pending.is_some() {
            return None;
        }
        let step = self.follow_up.take().or_else(|| self.next_step(goal))?;
        self.pending = Some((op, step));
        let path = self.path.clone();
        Some(match step {
            Step::Read => Operation::Read { path, watch: true },
            Step::Exists | Step::ExistsUnreadable => Operation::Exists { path },
            Step::Create => {
                self.maybe_ours = true;
                Operation::Create { path, data: self.data.clone() }
            }
            Step::Parents => Operation::CreateParents { path },
            Step::Confirm => {
                // From here on it is being released, and a change of mind comes too late.
                if let View::Ours(token) = self.view {
                    self.retire(token);
                }
                Operation::Confirm { path }
            }
            Step::Delete => Operation::Delete { path },
        })
    }

    fn next_step(&self, goal: Goal) -> Option<Step> {
        if !self.fresh {
            return self.unless_held_back(Step::Read);
        }
        let release = goal == Goal::Observe || self.held_token().is_none();
        match self.view {
            View::Absent if goal != Goal::Observe && !self.holds_back(Step::Create) => Some(Step::Create),
            View::Ours(_) if release && !self.holds_back(Step::Confirm) => Some(Step::Confirm),
            _ if self.armed.is_some() => None,
            View::Absent => self.unless_held_back(Step::Exists),
            _ => self.unless_held_back(Step::Read),
        }
    }

    fn unless_held_back(&self, step: Step) -> Option<Step> {
        Some(step).filter(|step| !self.holds_back(*step))
    }

    /// Whether `step` has to wait until what was refused may be asked again. Who may not create can still follow
    /// who is master, and a lock that cannot be read can still be released.
    fn holds_back(&self, step: Step) -> bool {
        let waiting = self.obstacle.as_ref().filter(|(_, obstacle)| obstacle.is_waiting());
        let Some((stopped, _)) = waiting else { return false };
        match stopped {
            Step::Create | Step::Parents => step == Step::Create,
            Step::ExistsUnreadable => false,
            _ => true,
        }
    }

    /// Whether this request is under way.
    pub(super) fn awaits(&self, op: OpId) -> bool {
        self.pending.is_some_and(|(pending, _)| pending == op)
    }

    /// Whether the watch that this request armed stands.
    pub(super) fn is_armed(&self, op: OpId) -> bool {
        self.armed == Some(op)
    }

    /// Takes in an answer. One to anything but the request under way is stale and changes nothing.
    pub(super) fn answered(&mut self, now: Timestamp, op: OpId, reply: Reply) {
        let Some((_, step)) = self.pending.take_if(|(pending, _)| *pending == op) else { return };
        match (step, reply) {
            (Step::Read, Reply::Found(znode)) => {
                self.armed = Some(op);
                self.see(&znode);
            }
            (Step::ExistsUnreadable, Reply::Found(znode)) => {
                self.armed = Some(op);
                self.see(&znode);
                let obstacle = Obstacle::unreadable("the lock").until(now + self.refused_retry);
                self.obstacle = Some((step, obstacle));
            }
            // Something has come in the meantime: read it, which arms the watch again.
            (Step::Exists, Reply::Found(_)) => self.fresh = false,
            (Step::Exists | Step::ExistsUnreadable, Reply::Missing) => {
                self.armed = Some(op);
                self.absent();
            }
            (Step::Create, Reply::Created(stat)) => self.created(stat),
            (Step::Create, Reply::Refused(Refusal::NodeExists)) => {
                self.parents_made = false;
                self.maybe_ours = false;
                self.fresh = false;
            }
            (Step::Parents, Reply::Done) => self.parents_made = true,
            (Step::Confirm, Reply::Found(znode)) => self.confirmed(&znode),
            (Step::Read | Step::Confirm | Step::Delete, Reply::Missing) | (Step::Delete, Reply::Done) => {
                self.absent()
            }
            (step, Reply::Refused(refusal)) => self.refused(now, step, refusal),
            // Either nobody knows what came of it, or the answer makes no sense: look again.
            (_, _) => self.fresh = false,
        }
    }

    /// Takes in an event of the watch that `op` armed. One of an older watch is stale and changes nothing.
    ///
    /// While a request on the same znode is under way the event only disarms: it is older than the answer.
    pub(super) fn watch_fired(&mut self, op: OpId, event: WatchEvent) {
        if self.armed.take_if(|armed| *armed == op).is_none() {
            return;
        }
        match (self.pending, event) {
            (None | Some((_, Step::Parents)), WatchEvent::Deleted) => self.absent(),
            (None | Some((_, Step::Parents)), _) => self.fresh = false,
            (Some(_), _) => {}
        }
    }

    fn absent(&mut self) {
        // That there is no lock says nothing of whether we may create one.
        let cannot_create = matches!(self.obstacle, Some((Step::Create | Step::Parents, _)));
        if self.view != View::Absent || !cannot_create {
            self.obstacle = None;
        }
        self.view = View::Absent;
        self.fresh = true;
        self.maybe_ours = false;
    }

    fn created(&mut self, stat: Stat) {
        self.parents_made = false;
        self.obstacle = None;
        if Some(SessionId(stat.ephemeral_owner)) == self.session {
            self.view = View::Ours(FencingToken::new(stat.czxid));
            self.fresh = true;
        } else {
            self.fresh = false;
        }
    }

    fn see(&mut self, znode: &Znode) {
        let Stat { czxid, ephemeral_owner } = znode.stat;
        let token = FencingToken::new(czxid);
        self.fresh = true;
        self.obstacle = None;
        self.maybe_ours = false;
        if ephemeral_owner == 0 {
            self.view = View::Squatted;
            self.obstacle = Some((Step::Read, Obstacle::not_ephemeral(&self.path, "lock")));
        } else if Some(SessionId(ephemeral_owner)) == self.session {
            self.view = View::Ours(token);
        } else {
            self.view = View::Theirs(Master::of(znode));
        }
    }

    /// What stands at the path was read behind a probe: only the very lock that we release is deleted.
    fn confirmed(&mut self, znode: &Znode) {
        let before = self.view.clone();
        self.see(znode);
        match self.view {
            View::Ours(_) if self.view == before => self.follow_up = Some(Step::Delete),
            // It is another one, and the watch that stands need not be on it.
            _ => self.fresh = false,
        }
    }

    fn refused(&mut self, now: Timestamp, step: Step, refusal: Refusal) {
        match (step, refusal) {
            (Step::Read, Refusal::NoAuth) => {
                self.follow_up = Some(Step::ExistsUnreadable);
                return;
            }
            (Step::Create, Refusal::NoParent) if !self.parents_made => {
                self.maybe_ours = false;
                self.follow_up = Some(Step::Parents);
                return;
            }
            (Step::Create, _) => self.maybe_ours = false,
            (Step::Delete | Step::Confirm, _) => self.fresh = false,
            _ => {}
        }
        self.parents_made = false;
        let doing = match step {
            Step::Read => "read the lock",
            Step::Exists | Step::ExistsUnreadable => "watch the lock",
            Step::Create => "create the lock",
            Step::Parents => "create its parents",
            Step::Confirm => "read the lock before it is released",
            Step::Delete => "delete the lock",
        };
        let doing = format!("{doing} at {}", self.path);
        // Whoever may not even look has to wait before the next attempt to read.
        let stopped = if step == Step::ExistsUnreadable { Step::Read } else { step };
        self.obstacle = Some((stopped, Obstacle::refused(doing, refusal, now, self.refused_retry)));
    }
}
