//! A look, ten times a second, at what nobody tells an election: one for all the elections of an arbiter.
//!
//! A timer of its own would wake each of ten thousand elections ten times a second to find that all is well.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use actix::fut::ActorFuture;
use actix::prelude::*;
use actix_election_core::{ElectionPath, Timestamp};

use super::actor::ElectionActor;
use super::ledger::{Change, Ledger};
use super::roles::RoleActors;
use crate::clock::Clock;

/// How often it is checked whether the roles live and whether something is due.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is due within so long has a timer of its own; the sweep sees it come.
pub(super) const NEAR: Duration = INTERVAL.saturating_mul(2);

thread_local! {
    static HERE: RefCell<Weak<Sweep>> = const { RefCell::new(Weak::new()) };
}

/// The elections of an arbiter, and the one timer that looks at them.
pub(super) struct Sweep {
    clock: Clock,
    watched: RefCell<Vec<Weak<SweepEntry>>>,
    ledger: Ledger,
}

/// What is looked at in one election, and how it is called if something is found.
#[derive(Default)]
pub(super) struct SweepEntry {
    pub(super) roles: RefCell<RoleActors>,
    /// When the election has to do something. A timer does not count the time that the machine spends suspended, and a lease
    /// does.
    pub(super) due: Cell<Option<Timestamp>>,
    called: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Sweep {
    /// Starts to look, on this thread's arbiter, for as long as somebody holds what is returned.
    pub(super) fn start(clock: Clock) -> Rc<Sweep> {
        let sweep = Rc::new(Sweep { clock, watched: RefCell::default(), ledger: Ledger::default() });
        let swept = Rc::downgrade(&sweep);
        actix::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(sweep) = swept.upgrade() else { return };
                sweep.look();
            }
        });
        sweep
    }

    /// The one of this thread's arbiter, started if there is none: all elections of a session live on one.
    pub(super) fn here() -> Rc<Sweep> {
        HERE.with_borrow_mut(|here| {
            here.upgrade().unwrap_or_else(|| {
                let sweep = Sweep::start(Clock::Boot);
                *here = Rc::downgrade(&sweep);
                sweep
            })
        })
    }

    /// Logs what waits for others of its kind.
    pub(super) fn flush_here() {
        if let Some(sweep) = HERE.with_borrow(Weak::upgrade) {
            sweep.ledger.flush();
        }
    }

    pub(super) fn watch(&self) -> Rc<SweepEntry> {
        let watched = Rc::<SweepEntry>::default();
        self.watched.borrow_mut().push(Rc::downgrade(&watched));
        watched
    }

    /// Logs a change of one of the elections, alone or together with others.
    pub(super) fn note(&self, path: &ElectionPath, change: Change) {
        self.ledger.note(self.clock.now(), self.watched.borrow().len(), path, change);
    }

    fn look(&self) {
        let now = self.clock.now();
        self.ledger.look(now);
        self.watched.borrow_mut().retain(|watched| match watched.upgrade() {
            Some(watched) => {
                watched.look(now);
                true
            }
            None => false,
        });
    }
}

impl SweepEntry {
    fn look(&self, now: Timestamp) {
        if self.roles.borrow_mut().look() || self.due.get().is_some_and(|due| now + NEAR >= due) {
            self.called.set(true);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }
}

/// The election's end: comes when it is called, and when the last address of the election is gone.
pub(super) struct SweepTask(pub(super) Rc<SweepEntry>);

impl ActorFuture<ElectionActor> for SweepTask {
    type Output = ();

    /// actix polls this whenever the election has something to do, and wakes the election when its last address is dropped.
    fn poll(
        self: Pin<&mut Self>,
        election: &mut ElectionActor,
        ctx: &mut Context<ElectionActor>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let mut waker = self.0.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(task.waker())) {
            *waker = Some(task.waker().clone());
        }
        drop(waker);
        if self.0.called.take() {
            election.check(ctx);
        }
        if !ctx.connected() {
            election.orphaned(ctx);
        }
        Poll::Pending
    }
}
