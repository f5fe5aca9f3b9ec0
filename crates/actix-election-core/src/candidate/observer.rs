//! Who is master, for those who do not compete: whatever the strategy of those who do.
//!
//! An ephemeral znode at the election path is a lock, and its owner is master. Below a persistent one stands a queue,
//! and its head is master. [`Observer`] keeps a watch on what decides: on the election path, and on the head of the queue,
//! or, while nobody stands in it, on its children.

use std::time::Duration;

use super::obstacle::Obstacle;
use super::{Master, Problem};
use crate::{ElectionPath, OpId, Operation, Refusal, Reply, Timestamp, WatchEvent, Znode, queue_order};

/// What stands at the election path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Unknown,
    Missing,
    Lock,
    Queue,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    /// Read the election path and arm the watch.
    Path,
    /// Arm the watch where there is nothing to read, or nothing that we may read.
    PathExists,
    Children,
    /// The same, and arm the watch on them: there were none.
    ChildrenToCome,
    Head,
    /// Arm the watch on a head that we may not read.
    HeadExists,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Observer {
    path: ElectionPath,
    refused_retry: Duration,
    connected: bool,
    pending: Option<(OpId, Step)>,
    follow_up: Option<Step>,
    kind: Kind,
    /// The request whose watch stands on the election path.
    path_armed: Option<OpId>,
    /// The head of the queue by name; the inner `None` if nobody stands in it, the outer if that is to be looked up.
    head: Option<Option<String>>,
    /// The request whose watch stands on the head, or on the children while there is none.
    head_armed: Option<OpId>,
    master: Option<Option<Master>>,
    obstacle: Option<Obstacle>,
}

impl Observer {
    pub(super) fn new(path: &ElectionPath, refused_retry: Duration) -> Self {
        Observer {
            path: path.clone(),
            refused_retry,
            connected: false,
            pending: None,
            follow_up: None,
            kind: Kind::Unknown,
            path_armed: None,
            head: None,
            head_armed: None,
            master: None,
            obstacle: None,
        }
    }

    pub(super) fn connected(&mut self) {
        self.disconnected();
        self.connected = true;
        self.obstacle.iter_mut().for_each(Obstacle::stop_waiting);
    }

    pub(super) fn disconnected(&mut self) {
        self.connected = false;
        self.pending = None;
        self.look_anew();
    }

    /// What was known may be of an ensemble that has been wiped since.
    pub(super) fn session_lost(&mut self) {
        self.disconnected();
        self.master = None;
    }

    /// Who is master; `None` while that is not known.
    pub(super) fn master(&self) -> Option<Option<Master>> {
        self.master.clone()
    }

    /// Whether that was read on this connection, and watches stand on all that decides.
    pub(super) fn is_current(&self) -> bool {
        let decided = self.kind != Kind::Queue || self.head.is_some() && self.head_armed.is_some();
        self.kind != Kind::Unknown && self.path_armed.is_some() && decided
    }

    /// Somebody else has seen who is master, or that nobody knows any more.
    pub(super) fn set_master(&mut self, master: Option<Option<Master>>) {
        self.master = master;
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.obstacle.as_ref().map(Obstacle::problem)
    }

    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.obstacle.as_ref().and_then(Obstacle::retry_at)
    }

    /// Nothing tells us that an ACL was put right: look again.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> bool {
        let due = self.obstacle.as_mut().is_some_and(|obstacle| obstacle.pass_time(now));
        if due {
            self.look_anew();
        }
        due
    }

    fn look_anew(&mut self) {
        self.follow_up = None;
        self.kind = Kind::Unknown;
        self.path_armed = None;
        self.head = None;
        self.head_armed = None;
    }

    pub(super) fn next_operation(&mut self, op: OpId) -> Option<Operation> {
        if !self.connected || self.pending.is_some() {
            return None;
        }
        let step = self.follow_up.take().or_else(|| self.next_step())?;
        self.pending = Some((op, step));
        let path = self.path.as_str().to_owned();
        let head = || format!("{path}/{}", self.head.iter().flatten().next().map_or("", String::as_str));
        Some(match step {
            Step::Path => Operation::Read { path, watch: true },
            Step::PathExists => Operation::Exists { path },
            Step::Children => Operation::Children { path, watch: false },
            Step::ChildrenToCome => Operation::Children { path, watch: true },
            Step::Head => Operation::Read { path: head(), watch: true },
            Step::HeadExists => Operation::Exists { path: head() },
        })
    }

    fn next_step(&self) -> Option<Step> {
        if self.obstacle.as_ref().is_some_and(Obstacle::is_waiting) {
            return None;
        }
        if self.path_armed.is_none() {
            return Some(if self.kind == Kind::Missing { Step::PathExists } else { Step::Path });
        }
        match &self.head {
            _ if self.kind != Kind::Queue => None,
            None => Some(Step::Children),
            _ if self.head_armed.is_some() => None,
            Some(None) => Some(Step::ChildrenToCome),
            Some(Some(_)) => Some(Step::Head),
        }
    }

    /// Whether this request is under way.
    pub(super) fn awaits(&self, op: OpId) -> bool {
        self.pending.is_some_and(|(pending, _)| pending == op)
    }

    /// Whether the watch that this request armed stands.
    pub(super) fn is_armed(&self, op: OpId) -> bool {
        [self.path_armed, self.head_armed].contains(&Some(op))
    }

    /// Takes in an answer; returns whether it was one to a request of this.
    pub(super) fn answered(&mut self, now: Timestamp, op: OpId, reply: &Reply) -> bool {
        let Some((_, step)) = self.pending.take_if(|(pending, _)| *pending == op) else { return false };
        match (step, reply) {
            (Step::Path, Reply::Found(znode)) => self.see_path(op, znode),
            (Step::PathExists, Reply::Found(_)) if self.kind == Kind::Missing => self.kind = Kind::Unknown,
            (Step::PathExists, Reply::Found(znode)) => {
                self.see_path(op, znode);
                if self.kind == Kind::Lock {
                    self.unreadable(now, "the lock");
                }
            }
            (Step::Path, Reply::Missing) => self.kind = Kind::Missing,
            (Step::PathExists, Reply::Missing) => {
                self.path_armed = Some(op);
                self.kind = Kind::Missing;
                self.found(None);
            }
            (Step::Path, Reply::Refused(Refusal::NoAuth)) => self.follow_up = Some(Step::PathExists),
            (Step::Children | Step::ChildrenToCome, Reply::Children(names)) => {
                let head = queue_order(names).first().map(|name| (*name).to_owned());
                self.head_armed = None;
                if head.is_none() {
                    self.found(None);
                    self.head_armed = Some(op).filter(|_| step == Step::ChildrenToCome);
                }
                self.head = Some(head);
            }
            (Step::Head, Reply::Found(znode)) => self.see_head(now, op, znode),
            (Step::HeadExists, Reply::Found(znode)) => {
                self.see_head(now, op, znode);
                self.unreadable(now, "the head of the queue");
            }
            (Step::Head, Reply::Refused(Refusal::NoAuth)) => self.follow_up = Some(Step::HeadExists),
            (Step::Head | Step::HeadExists, Reply::Missing) => self.head = None,
            (step, Reply::Refused(refusal)) => self.refused(now, step, *refusal),
            // The path has gone, or nobody knows what came of it: look again.
            _ => self.look_anew(),
        }
        true
    }

    fn see_path(&mut self, op: OpId, znode: &Znode) {
        self.path_armed = Some(op);
        if znode.stat.ephemeral_owner == 0 {
            self.kind = Kind::Queue;
        } else {
            self.kind = Kind::Lock;
            self.found(Some(Master::of(znode)));
        }
    }

    fn see_head(&mut self, now: Timestamp, op: OpId, znode: &Znode) {
        self.head_armed = Some(op);
        if znode.stat.ephemeral_owner != 0 {
            return self.found(Some(Master::of(znode)));
        }
        self.found(None);
        let name = self.head.iter().flatten().next().map_or("", String::as_str);
        let obstacle = Obstacle::not_ephemeral(format!("{}/{name}", self.path), "candidate");
        self.obstacle = Some(obstacle.until(now + self.refused_retry));
    }

    fn found(&mut self, master: Option<Master>) {
        self.master = Some(master);
        self.obstacle = None;
    }

    /// Takes in an event of the watch that `op` armed. One of an older watch is stale and changes nothing.
    pub(super) fn watch_fired(&mut self, op: OpId, event: WatchEvent) {
        if self.path_armed.take_if(|armed| *armed == op).is_some() {
            self.look_anew();
            self.obstacle.iter_mut().for_each(Obstacle::stop_waiting);
            if event == WatchEvent::Deleted {
                self.kind = Kind::Missing;
                self.found(None);
            }
        } else if self.head_armed.take_if(|armed| *armed == op).is_some() {
            let overwritten = event == WatchEvent::Changed && self.head.as_ref().is_some_and(Option::is_some);
            if !overwritten {
                self.head = None;
            }
        }
    }

    fn unreadable(&mut self, now: Timestamp, what: &str) {
        let obstacle = Obstacle::unreadable(format!("{what} at {}", self.path));
        self.obstacle = Some(obstacle.until(now + self.refused_retry));
    }

    fn refused(&mut self, now: Timestamp, step: Step, refusal: Refusal) {
        let doing = match step {
            Step::Path => "read",
            Step::PathExists | Step::HeadExists => "watch",
            Step::Children | Step::ChildrenToCome => "list the queue at",
            Step::Head => "read the head of the queue at",
        };
        let doing = format!("{doing} {}", self.path);
        self.obstacle = Some(Obstacle::refused(doing, refusal, now, self.refused_retry));
    }
}
