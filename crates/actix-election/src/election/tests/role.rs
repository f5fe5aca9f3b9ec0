//! A role actor that records what it handles, and does as it is told.

use std::cell::Cell;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{FencingToken, Master, StandbyReason};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{next, soon};
use crate::{BecameMaster, BecameStandby, Lease};

/// What a role has handled.
#[derive(Debug)]
pub(super) enum News {
    Master(Lease),
    Standby(StandbyReason, Option<Master>, bool),
}

/// And when, in the time of the test.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) at: Duration,
    pub(super) news: News,
}

/// Whether the futures that the handlers return are to finish.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Gates {
    master: bool,
    standby: bool,
}

pub(super) struct Role {
    told: mpsc::UnboundedSender<Told>,
    gates: watch::Receiver<Gates>,
    /// Whether it ties its terms to its context.
    ties: bool,
}

impl Actor for Role {
    type Context = Context<Self>;
}

impl Supervised for Role {}

impl Role {
    fn tell(&self, news: News) {
        let _ = self.told.send(Told { at: origin().elapsed(), news });
    }

    /// Waits until the gate is open.
    fn pass(&self, open: impl Fn(&Gates) -> bool + 'static) -> ResponseActFuture<Self, ()> {
        let mut gates = self.gates.clone();
        Box::pin(async move { gates.wait_for(open).await.map(|_| ()).unwrap_or_default() }.into_actor(self))
    }
}

impl Handler<BecameMaster> for Role {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, message: BecameMaster, ctx: &mut Context<Self>) -> Self::Result {
        if self.ties {
            message.lease.tie_to(ctx);
        }
        self.tell(News::Master(message.lease));
        self.pass(|gates| gates.master)
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, message: BecameStandby, _: &mut Context<Self>) -> Self::Result {
        self.tell(News::Standby(message.reason, message.master, message.is_self));
        self.pass(|gates| gates.standby)
    }
}

/// Be busy, and handle no message, until the sender is dropped.
#[derive(Message)]
#[rtype(result = "()")]
struct Busy(oneshot::Receiver<()>);

impl Handler<Busy> for Role {
    type Result = ();

    fn handle(&mut self, Busy(until): Busy, ctx: &mut Context<Self>) {
        ctx.wait(async move { until.await.unwrap_or_default() }.into_actor(self));
    }
}

/// Tie this term to your context.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Tie(pub(super) Lease);

impl Handler<Tie> for Role {
    type Result = ();

    fn handle(&mut self, Tie(lease): Tie, ctx: &mut Context<Self>) {
        lease.tie_to(ctx);
    }
}

/// End in one of the ways in which an actor ends.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub(super) enum Die {
    Stop,
    Panic,
}

impl Handler<Die> for Role {
    type Result = ();

    fn handle(&mut self, die: Die, ctx: &mut Context<Self>) {
        match die {
            Die::Stop => ctx.stop(),
            Die::Panic => panic!("as the test wants it"),
        }
    }
}

/// Counts for nothing but a place in the mailbox.
#[derive(Message)]
#[rtype(result = "()")]
struct Ballast;

impl Handler<Ballast> for Role {
    type Result = ();

    fn handle(&mut self, _: Ballast, _: &mut Context<Self>) {}
}

/// A role, and what it has been told.
pub(super) struct Watched {
    pub(super) address: Addr<Role>,
    told: mpsc::UnboundedReceiver<Told>,
    gates: watch::Sender<Gates>,
}

impl Watched {
    pub(super) fn start() -> Self {
        Watched::started(false, Actor::start)
    }

    /// Under a supervisor, which restarts it whenever it stops.
    pub(super) fn supervised() -> Self {
        Watched::started(false, |role| Supervisor::start(|_| role))
    }

    /// The same, and it ties its terms to its context.
    pub(super) fn tied() -> Self {
        Watched::started(true, |role| Supervisor::start(|_| role))
    }

    fn started(ties: bool, start: impl FnOnce(Role) -> Addr<Role>) -> Self {
        origin();
        let (tell, told) = mpsc::unbounded_channel();
        let (gates, watched) = watch::channel(Gates { master: true, standby: true });
        Watched { address: start(Role { told: tell, gates: watched, ties }), told, gates }
    }

    /// The next thing that it handles.
    pub(super) async fn told(&mut self) -> Told {
        next(&mut self.told, "the role is told something").await
    }

    /// The next thing must be `BecameMaster`.
    pub(super) async fn master(&mut self) -> Lease {
        match self.told().await.news {
            News::Master(lease) => lease,
            News::Standby(reason, ..) => panic!("BecameStandby ({reason}) in place of BecameMaster"),
        }
    }

    /// The next thing must be `BecameStandby` for this reason; returns when it was handled.
    pub(super) async fn standby(&mut self, reason: StandbyReason) -> Duration {
        self.outranked(reason, None).await
    }

    /// The next thing must be `BecameStandby` for this reason, with this term of another master.
    pub(super) async fn outranked(&mut self, reason: StandbyReason, master: Option<i64>) -> Duration {
        let Told { at, news } = self.told().await;
        match news {
            News::Standby(told, known, _) => {
                assert_eq!((told, known.map(|known| known.token)), (reason, master.map(FencingToken::new)));
            }
            News::Master(lease) => panic!("BecameMaster ({lease:?}) in place of BecameStandby ({reason})"),
        }
        at
    }

    /// Lets go of the last address, and waits until the actor is gone.
    pub(super) async fn gone(self) {
        let Watched { address, mut told, gates: _gates } = self;
        drop(address);
        if let Some(told) = soon(told.recv(), "the role is gone").await {
            panic!("unexpected: {told:?}");
        }
    }

    /// It has been told nothing more so far. Whatever is under way between actors arrives first.
    pub(super) async fn nothing_more(&mut self) {
        settle().await;
        if let Ok(told) = self.told.try_recv() {
            panic!("unexpected: {told:?}");
        }
    }

    /// Nothing but silence until this moment of the test's time.
    pub(super) async fn nothing_until(&mut self, at: Duration) {
        tokio::time::sleep_until(origin() + at).await;
        self.nothing_more().await;
    }

    /// From now on the handler of `BecameMaster` finishes only if `open`.
    pub(super) fn master_gate(&self, open: bool) {
        self.gates.send_modify(|gates| gates.master = open);
    }

    /// From now on the handler of `BecameStandby` finishes only if `open`.
    pub(super) fn standby_gate(&self, open: bool) {
        self.gates.send_modify(|gates| gates.standby = open);
    }

    /// Keeps it from handling any message until the returned value is dropped.
    pub(super) async fn busy(&self) -> oneshot::Sender<()> {
        let (free, until) = oneshot::channel();
        soon(self.address.send(Busy(until)), "the role is busy").await.unwrap();
        free
    }

    /// Fills its mailbox beyond what it holds.
    pub(super) fn stuff(&self) {
        for _ in 0..100 {
            self.address.do_send(Ballast);
        }
    }

    /// Has its supervisor restart it.
    pub(super) fn restart(&self) {
        self.die(Die::Stop);
    }

    pub(super) fn die(&self, die: Die) {
        self.address.do_send(die);
    }
}

/// Lets everybody on this thread do what there is to do now.
pub(super) async fn settle() {
    // Time leaps only once nobody has anything left to do.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// When this test began. From then on its clock is paused.
pub(super) fn origin() -> Instant {
    thread_local! {
        static ORIGIN: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    ORIGIN.get().unwrap_or_else(|| {
        tokio::time::pause();
        let now = Instant::now();
        ORIGIN.set(Some(now));
        now
    })
}
