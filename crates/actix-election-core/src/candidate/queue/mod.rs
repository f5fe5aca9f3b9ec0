//! The `Queue` strategy: ephemeral sequential znodes below the election path, first come, first served.
//!
//! ZooKeeper counts the creations below a path, so every new znode goes to the end, and nobody ever comes to stand before
//! one that is there: who has once been the head of the queue remains it for as long as its znode stands. That is why a
//! list decides, however old it is, if our own znode is in it; and why the end of the only znode before ours makes us the
//! head, with nothing read. Whoever gets the number 0 is the first that ever came, and so the head without a list.
//!
//! Each candidate watches its own znode and its predecessor's, so that a change wakes one candidate, however many wait.
//! Whoever stands further back learns of a new master when its turn comes nearer, unless somebody observes.

mod ahead;
mod own;
mod step;
mod view;

use std::time::Duration;

use super::goal::Goal;
use super::observer::Observer;
use super::obstacle::Obstacle;
use super::{Master, Problem, ProblemKind};
use crate::{
    ElectionPath, FencingToken, OpId, Operation, QueueId, Refusal, Reply, SessionId, Stat, Timestamp,
    WatchEvent, Znode, queue_name, queue_order,
};
use own::{Own, Standing};
use step::Step;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    path: ElectionPath,
    /// What the names of our znodes begin with.
    prefix: String,
    data: Vec<u8>,
    refused_retry: Duration,
    /// The session that we are connected in.
    session: Option<SessionId>,
    own: Option<Own>,
    /// Our own znodes may not be read: somebody has changed the ACL of one.
    own_unreadable: bool,
    /// A create was sent in this session, and what came of it is not known.
    maybe_created: bool,
    /// The znode that may be the one that this create made.
    suspect: Option<String>,
    /// What sessions that we gave up have left in the queue, by name. Nobody leads by it any more, and it stands in the way
    /// until its session has ended. A name is never given twice, so whatever still bears one of these is not needed.
    left_over: Vec<String>,
    pending: Vec<(OpId, Step)>,
    /// The parents are missing: to be created before anything else.
    parents_missing: bool,
    /// They were just created: if they are missing again, somebody deletes them.
    parents_made: bool,
    /// What stands in the way, and the step that ran into it.
    obstacle: Option<(Step, Obstacle)>,
    observed: bool,
    /// Follows who is master while we do not stand in the queue; keeps who it is while we do.
    observer: Observer,
}

impl Queue {
    pub(super) fn new(path: &ElectionPath, id: QueueId, data: Vec<u8>, refused_retry: Duration) -> Self {
        Queue {
            path: path.clone(),
            prefix: queue_name::prefix(id),
            data,
            refused_retry,
            session: None,
            own: None,
            own_unreadable: false,
            maybe_created: false,
            suspect: None,
            left_over: Vec::new(),
            pending: Vec::new(),
            parents_missing: false,
            parents_made: false,
            obstacle: None,
            observed: false,
            observer: Observer::new(path, refused_retry),
        }
    }

    /// As if a create had been sent, of which nothing is known.
    pub(super) fn inherit(&mut self) {
        self.maybe_created = true;
    }

    pub(super) fn connected(&mut self, session: SessionId) {
        self.disconnected();
        self.session = Some(session);
        self.obstacle.iter_mut().for_each(|(_, obstacle)| obstacle.stop_waiting());
        self.observer.connected();
    }

    pub(super) fn disconnected(&mut self) {
        self.session = None;
        self.pending.clear();
        self.suspect = None;
        self.left_over.clear();
        self.parents_missing = false;
        self.own_unreadable = false;
        self.own.iter_mut().for_each(Own::disconnected);
        self.observer.disconnected();
    }

    pub(super) fn session_lost(&mut self) {
        self.disconnected();
        self.own = None;
        self.maybe_created = false;
        self.observer.session_lost();
    }

    pub(super) fn withdraw(&mut self) {
        self.overcome(&[Step::Create, Step::Parents, Step::List]);
    }

    pub(super) fn observed(&mut self) {
        self.observed = true;
    }

    pub(super) fn pass_time(&mut self, now: Timestamp) -> bool {
        let observed = self.observer.pass_time(now);
        let Some((step, obstacle)) = &mut self.obstacle else { return observed };
        let due = obstacle.pass_time(now);
        if due && *step == Step::PredecessorExists {
            // Nothing tells us that it has gone.
            self.own.iter_mut().for_each(Own::look_up);
        }
        due || observed
    }

    pub(super) fn retire(&mut self, token: FencingToken) {
        if let Some(own) = self.own.as_mut().filter(|own| own.token == token) {
            own.retired = true;
        }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.obstacle.as_ref().map(|(_, obstacle)| obstacle.problem()).or(self.observer.problem())
    }

    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        let own = self.obstacle.as_ref().and_then(|(_, obstacle)| obstacle.retry_at());
        [own, self.observer.retry_at()].into_iter().flatten().min()
    }

    pub(super) fn next_operation(&mut self, goal: Goal, op: OpId) -> Option<Operation> {
        self.session?;
        if let Some(step) = self.next_step(goal) {
            return Some(self.operation(step, op));
        }
        // Whoever stands in the queue, or is about to, finds out there who is master.
        let out = self.own.as_ref().is_none_or(|own| own.retired);
        let aside = goal == Goal::Observe || out && self.is_waiting();
        if self.observed || aside { self.observer.next_operation(op) } else { None }
    }

    /// Whether this request is under way.
    pub(super) fn awaits(&self, op: OpId) -> bool {
        self.pending.iter().any(|(pending, _)| *pending == op) || self.observer.awaits(op)
    }

    fn is_under_way(&self, step: Step) -> bool {
        self.pending.iter().any(|(_, pending)| *pending == step)
    }

    fn next_step(&self, goal: Goal) -> Option<Step> {
        let idle = |step: &Step| !self.is_under_way(*step) && !self.holds_back(*step);
        let step = match &self.own {
            Some(own) if own.retired || self.releases(goal) => Step::Delete,
            Some(own) => return self.steps_of(own).into_iter().flatten().find(idle),
            None if self.is_under_way(Step::Create) => return None,
            None if self.suspect.is_some() => Step::Recover,
            None if self.maybe_created => Step::Search,
            None if goal == Goal::Observe => return None,
            None if self.parents_missing => Step::Parents,
            // Whoever may not list the queue must not stand in it: it would never lead, nor anybody after it.
            None if self.is_stopped_at(Step::List) => Step::List,
            None => Step::Create,
        };
        Some(step).filter(idle)
    }

    /// What is yet to be done for a znode of ours to stand well.
    fn steps_of(&self, own: &Own) -> [Option<Step>; 5] {
        // One that may have gone is looked for first: in a list without it there is nothing to learn.
        let list = (own.seen && matches!(own.place, Standing::Unknown(_))).then_some(Step::List);
        let watch_own = own.armed.is_none().then_some(Step::Own);
        let clear = self.left_over.first().map(|_| Step::Clear);
        let Some(ahead) = own.ahead() else { return [list, watch_own, clear, None, None] };
        let predecessor = if ahead.unreadable { Step::PredecessorExists } else { Step::Predecessor };
        let predecessor = ahead.armed.is_none().then_some(predecessor);
        [list, watch_own, clear, predecessor, ahead.unread_head.as_ref().map(|_| Step::Head)]
    }

    fn releases(&self, goal: Goal) -> bool {
        goal == Goal::Observe || goal == Goal::Compete && self.is_stopped_at(Step::List)
    }

    /// Whether `step` has to wait until what was refused may be asked again.
    fn holds_back(&self, step: Step) -> bool {
        let Some((stopped, _)) = self.obstacle.as_ref().filter(|_| self.is_waiting()) else { return false };
        match stopped {
            Step::Create | Step::Parents => matches!(step, Step::Create | Step::Parents),
            Step::PredecessorExists => matches!(step, Step::Predecessor),
            Step::List => matches!(step, Step::List | Step::Create),
            stopped => *stopped == step,
        }
    }

    fn operation(&mut self, step: Step, op: OpId) -> Operation {
        self.pending.push((op, step));
        let path = match self.name_for(step) {
            Some(name) => format!("{}/{name}", self.path),
            None => self.path.as_str().to_owned(),
        };
        match step {
            Step::Create => {
                self.maybe_created = true;
                Operation::CreateSequential { path, data: self.data.clone() }
            }
            Step::Parents => Operation::CreateParents { path },
            Step::List | Step::Search => Operation::Children { path, watch: false },
            Step::Recover | Step::Own if self.own_unreadable => Operation::Exists { path },
            Step::PredecessorExists => Operation::Exists { path },
            // Of our own only the stat is wanted. But where it has gone, to ask whether it exists would leave a watch on a name
            // that never comes again, and the server would keep that for as long as the connection lasts.
            Step::Recover | Step::Own | Step::Predecessor => Operation::Read { path, watch: true },
            Step::Head => Operation::Read { path, watch: false },
            Step::Clear => {
                // Where it is still to be seen in a list that is yet to come, it is asked for once more.
                self.left_over.remove(0);
                Operation::Delete { path }
            }
            Step::Delete => {
                // From here on a change of mind comes too late.
                self.own.iter_mut().for_each(|own| own.retired = true);
                Operation::Delete { path }
            }
        }
    }

    /// The name of the znode below the election path that `step` is about.
    fn name_for(&self, step: Step) -> Option<&str> {
        let own = self.own.as_ref();
        let ahead = own.and_then(Own::ahead);
        match step {
            Step::Create | Step::Parents => Some(&self.prefix),
            Step::List | Step::Search => None,
            Step::Recover => self.suspect.as_deref(),
            Step::Own | Step::Delete => own.map(|own| own.name.as_str()),
            Step::Predecessor | Step::PredecessorExists => ahead.map(|ahead| ahead.predecessor.as_str()),
            Step::Head => ahead?.unread_head.as_deref(),
            Step::Clear => self.left_over.first().map(String::as_str),
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp, op: OpId, reply: Reply) {
        if self.observer.answered(now, op, &reply) {
            return;
        }
        let Some(index) = self.pending.iter().position(|(pending, _)| *pending == op) else { return };
        let (_, step) = self.pending.swap_remove(index);
        match (step, reply) {
            (Step::Create, Reply::CreatedSequential { name, stat }) => self.created(now, name, stat),
            (Step::Parents, Reply::Done) => {
                self.parents_missing = false;
                self.parents_made = true;
            }
            (Step::List, Reply::Children(names)) => self.listed(&names),
            (Step::List, Reply::Missing) => self.listed(&[]),
            (Step::Search, Reply::Children(names)) => self.searched(&names),
            (Step::Search, Reply::Missing) | (Step::Recover, Reply::Missing) => self.not_created(),
            (Step::Recover, Reply::Found(znode)) => self.recovered(op, &znode),
            (Step::Own, Reply::Found(znode)) => self.saw_own(op, &znode),
            (Step::Own | Step::Delete, Reply::Missing) | (Step::Delete, Reply::Done) => self.own_is_gone(),
            (Step::Predecessor, Reply::Found(znode)) => self.saw_predecessor(now, op, &znode),
            (Step::PredecessorExists, Reply::Found(znode)) => {
                self.saw_predecessor(now, op, &znode);
                let obstacle = Obstacle::unreadable("the znode before it in the queue");
                self.stopped(now, Step::PredecessorExists, obstacle);
            }
            (Step::Head, Reply::Found(znode)) => self.saw_head(now, &znode),
            // It goes with its session in any case: where that may not be hastened, it is waited for.
            (Step::Clear, Reply::Done | Reply::Missing | Reply::Refused(_)) => {}
            // It has gone: who stands before us now?
            (Step::Predecessor | Step::PredecessorExists | Step::Head, Reply::Missing) => {
                self.own.iter_mut().for_each(Own::look_up);
            }
            (step, Reply::Refused(refusal)) => self.refused(now, step, refusal),
            // Nobody knows what came of it, or the answer makes no sense: look again.
            (_, _) => self.look_anew(),
        }
    }

    fn created(&mut self, now: Timestamp, name: String, stat: Stat) {
        self.parents_made = false;
        self.maybe_created = false;
        self.obstacle = None;
        let number = queue_name::place(&name);
        self.enter(name, stat, None);
        if number == Some(0) {
            // The first that was ever created there: nobody stands before it.
            self.now_head();
        } else if number.is_none() {
            self.own.iter_mut().for_each(|own| own.retired = true);
            let text = format!(
                "too many znodes have been created below {}: ZooKeeper can order no more there; \
                 delete it while nobody competes",
                self.path
            );
            self.stopped(now, Step::Create, Obstacle::new(ProblemKind::PathTaken, text));
        }
    }

    /// A znode of ours stands in the queue.
    fn enter(&mut self, name: String, stat: Stat, armed: Option<OpId>) {
        if Some(SessionId(stat.ephemeral_owner)) == self.session {
            let token = FencingToken::new(stat.czxid);
            self.own = Some(Own::new(name, token, armed));
            // What was found before may be named like this one, if the election path was made anew in between.
            self.left_over.clear();
        }
    }

    /// No znode of ours came of the create.
    fn not_created(&mut self) {
        self.maybe_created = false;
        self.suspect = None;
    }

    /// Finds what a create may have made whose reply was lost. The last of those with our identity is the only one
    /// that this session can have made: what earlier sessions made stands before it.
    fn searched(&mut self, names: &[String]) {
        self.obstacle = None;
        match queue_order(names).iter().rfind(|name| name.starts_with(&self.prefix)) {
            Some(name) => self.suspect = Some((*name).to_owned()),
            None => self.not_created(),
        }
    }

    /// Whether it is ours is decided by its owner alone: an earlier session may have made it.
    fn recovered(&mut self, op: OpId, znode: &Znode) {
        let name = self.suspect.take().unwrap_or_default();
        self.maybe_created = false;
        self.obstacle = None;
        self.enter(name, znode.stat, Some(op));
    }

    fn listed(&mut self, names: &[String]) {
        self.overcome(&[Step::List]);
        let Some(own) = self.own.as_mut().filter(|own| own.place != Standing::Head) else { return };
        let left_over = names.iter().filter(|name| name.starts_with(&self.prefix) && **name != own.name);
        self.left_over = left_over.cloned().collect();
        match own.find(names) {
            Some(Standing::Head) => self.now_head(),
            Some(place) => own.place = place,
            // Gone, or listed before it was created: reading it tells.
            None => {
                own.seen = false;
                own.armed = None;
            }
        }
    }

    fn now_head(&mut self) {
        let Some(own) = &mut self.own else { return };
        own.place = Standing::Head;
        self.observer.set_master(Some(Some(Master::with_data(&self.data, own.token))));
        self.obstacle = None;
    }

    fn saw_own(&mut self, op: OpId, znode: &Znode) {
        let Some(own) = &mut self.own else { return };
        if Some(SessionId(znode.stat.ephemeral_owner)) == self.session
            && znode.stat.czxid == own.token.as_i64()
        {
            own.seen = true;
            own.armed = Some(op);
        } else {
            self.own_is_gone();
        }
    }

    fn own_is_gone(&mut self) {
        if self.own.take().is_some_and(|own| own.place == Standing::Head) {
            self.observer.set_master(None);
        }
        self.left_over.clear();
        self.overcome(&[Step::Own, Step::Delete]);
    }

    fn look_anew(&mut self) {
        self.suspect = None;
        if let Some(own) = &mut self.own {
            own.look_up();
            own.armed = None;
        }
    }

    pub(super) fn watch_fired(&mut self, op: OpId, event: WatchEvent) {
        self.observer.watch_fired(op, event);
        let Some(own) = &mut self.own else { return };
        if own.armed.take_if(|armed| *armed == op).is_some() {
            if event == WatchEvent::Deleted {
                self.own_is_gone();
            }
            return;
        }
        let own_stands = own.armed.is_some();
        let Some(ahead) = own.ahead_mut() else { return };
        if ahead.armed.take_if(|armed| *armed == op).is_none() || event != WatchEvent::Deleted {
            return;
        }
        // Events come in the order of what they tell. Had our own znode gone before, we would know.
        if ahead.count == 1 && own_stands {
            self.now_head();
        } else {
            own.look_up();
        }
    }

    fn refused(&mut self, now: Timestamp, step: Step, refusal: Refusal) {
        match (step, refusal) {
            (Step::Create, Refusal::NoParent) if !self.parents_made => {
                self.maybe_created = false;
                self.parents_missing = true;
                return;
            }
            (Step::Recover | Step::Own, Refusal::NoAuth) if !self.own_unreadable => {
                self.own_unreadable = true;
                return;
            }
            (Step::Predecessor | Step::Head, Refusal::NoAuth) => {
                if let Some(ahead) = self.own.as_mut().and_then(Own::ahead_mut) {
                    match step {
                        Step::Predecessor => ahead.unreadable = true,
                        // Who it is remains unknown; our turn comes all the same.
                        _ => ahead.unread_head = None,
                    }
                }
                return;
            }
            (Step::Create, _) => self.maybe_created = false,
            _ => {}
        }
        self.parents_made = false;
        let doing = format!("{step} at {}", self.path);
        self.obstacle = Some((step, Obstacle::refused(doing, refusal, now, self.refused_retry)));
    }

    /// Something stops this step; whether it still does is seen by a new attempt.
    fn stopped(&mut self, now: Timestamp, step: Step, obstacle: Obstacle) {
        self.obstacle = Some((step, obstacle.until(now + self.refused_retry)));
    }

    fn is_stopped_at(&self, step: Step) -> bool {
        self.obstacle.as_ref().is_some_and(|(stopped, _)| *stopped == step)
    }

    fn is_waiting(&self) -> bool {
        self.obstacle.as_ref().is_some_and(|(_, obstacle)| obstacle.is_waiting())
    }

    /// What stopped any of these steps is in the way no more.
    fn overcome(&mut self, steps: &[Step]) {
        self.obstacle.take_if(|(step, _)| steps.contains(step));
    }
}
