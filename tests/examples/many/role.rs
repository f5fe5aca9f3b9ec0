//! One role actor for many elections: it counts.

use actix_election::prelude::*;
use tokio::sync::watch;

/// How many elections are won, and how many are known not to be.
#[derive(Clone, Copy, Default)]
struct Counts {
    masters: usize,
    standbys: usize,
}

pub(crate) struct Counter {
    counts: watch::Sender<Counts>,
}

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Counter {
    type Result = ();

    fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) {
        self.counts.send_modify(|counts| counts.masters += 1);
    }
}

impl Handler<BecameStandby> for Counter {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {
        self.counts.send_modify(|counts| counts.standbys += 1);
    }
}

/// A role on an arbiter of its own, and what it counts.
pub(crate) struct Tally {
    pub(crate) role: Addr<Counter>,
    counts: watch::Receiver<Counts>,
}

impl Tally {
    pub(crate) fn start() -> Self {
        let (counts, watched) = watch::channel(Counts::default());
        let role = Counter::start_in_arbiter(&Arbiter::new().handle(), move |ctx| {
            ctx.set_mailbox_capacity(65_536);
            Counter { counts }
        });
        Tally { role, counts: watched }
    }

    /// Waits until `BecameMaster` was handled so many times.
    pub(crate) async fn masters(&self, count: usize) {
        self.wait(|counts| counts.masters >= count).await;
    }

    /// Waits until `BecameStandby` was handled so many times.
    pub(crate) async fn standbys(&self, count: usize) {
        self.wait(|counts| counts.standbys >= count).await;
    }

    async fn wait(&self, enough: impl FnMut(&Counts) -> bool) {
        // An error says that the role is gone, and so is the arbiter that this waits on.
        let _ = self.counts.clone().wait_for(enough).await.map(|_| ());
    }
}
