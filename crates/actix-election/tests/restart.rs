//! Role actors under a real supervisor, which restarts them, against the in-process server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::time::Duration;

use actix_election::prelude::*;
use common::{LONG, News, Role, session, soon};
use tokio::sync::{mpsc, watch};
use zookeeper_testkit::TestServer;

const PATH: &str = "/supervised";

/// How it lets the election know of a restart.
#[derive(Clone)]
enum Way {
    /// By a tie to its context.
    Tie,
    /// By adding itself whenever it is started. The election is handed to it once it is there.
    Add(watch::Receiver<Option<Election>>),
}

/// Works as a role actor may: with handlers that return nothing, and in its context.
struct Worker {
    told: mpsc::UnboundedSender<News>,
    way: Way,
    /// Whether its handler of `BecameStandby` gets to its end.
    gate: watch::Receiver<bool>,
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Way::Add(election) = &self.way
            && let Some(election) = election.borrow().as_ref()
        {
            election.add_role(&ctx.address());
        }
    }
}

impl Supervised for Worker {}

impl Handler<BecameMaster> for Worker {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, ctx: &mut Self::Context) {
        if let Way::Tie = self.way {
            message.lease.tie_to(ctx);
        }
        let _ = self.told.send(News::Master(message));
    }
}

impl Handler<BecameStandby> for Worker {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, message: BecameStandby, _: &mut Self::Context) -> Self::Result {
        let _ = self.told.send(News::Standby(message));
        let mut gate = self.gate.clone();
        let passed = async move { gate.wait_for(|open| *open).await.map(|_| ()).unwrap_or_default() };
        Box::pin(passed.into_actor(self))
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Restart;

impl Handler<Restart> for Worker {
    type Result = ();

    fn handle(&mut self, _: Restart, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// A master whose worker is supervised, and a standby.
struct Nodes {
    server: TestServer,
    worker: Addr<Worker>,
    told: mpsc::UnboundedReceiver<News>,
    gate: watch::Sender<bool>,
    lease: Lease,
    other: Role,
    sessions: [Session; 2],
    elections: [Election; 2],
}

impl Nodes {
    async fn start(way: Way) -> Self {
        let server = TestServer::builder().max_session_timeout(LONG).start().await.unwrap();
        let sessions = [(); 2].map(|()| session(server.address(), LONG));
        let (tell, mut told) = mpsc::unbounded_channel();
        let (gate, watched) = watch::channel(true);
        let worker = Supervisor::start(|_| Worker { told: tell, way, gate: watched });
        let election = Election::builder(PATH)
            .failure_pause(Duration::from_secs(1))
            .step_down_timeout(LONG)
            .role(&worker);
        let election = election.campaign(&sessions[0]).await.unwrap();
        let News::Master(BecameMaster { lease, .. }) = soon(told.recv(), "the worker leads").await.unwrap()
        else {
            panic!("it is told that it is standby")
        };
        let mut other = Role::start();
        let behind = Election::builder(PATH).role(&other.address).campaign(&sessions[1]).await.unwrap();
        other.standby(StandbyReason::Outranked).await;
        Nodes { server, worker, told, gate, lease, other, sessions, elections: [election, behind] }
    }

    /// The worker must be told next that it is standby, for this reason.
    async fn standby(&mut self, reason: StandbyReason) {
        match soon(self.told.recv(), "the worker is told something").await.unwrap() {
            News::Standby(message) if message.reason == reason => {}
            told => panic!("{told:?} in place of BecameStandby ({reason})"),
        }
    }

    /// The other takes over, and when it leaves, the worker leads again.
    async fn hand_over_and_back(mut self) {
        let next = self.other.master().await;
        assert!(next.token() > self.lease.token() && !self.lease.is_valid());
        soon(self.sessions[1].close(), "closed").await;
        match soon(self.told.recv(), "the worker leads again").await.unwrap() {
            News::Master(message) => assert!(message.lease.token() > next.token()),
            told => panic!("{told:?} in place of BecameMaster"),
        }
        soon(self.sessions[0].close(), "closed").await;
        assert_eq!(self.server.view().owner(PATH), None);
    }
}

#[actix::test]
async fn a_tied_master_that_is_restarted_hands_over() {
    let mut nodes = Nodes::start(Way::Tie).await;
    nodes.worker.do_send(Restart);
    nodes.standby(StandbyReason::RoleFailed).await;
    nodes.hand_over_and_back().await;
}

#[actix::test]
async fn a_master_that_adds_itself_when_it_is_restarted_hands_over() {
    let (hand, handed) = watch::channel(None);
    let mut nodes = Nodes::start(Way::Add(handed)).await;
    hand.send_replace(Some(nodes.elections[0].clone()));
    nodes.worker.do_send(Restart);
    nodes.standby(StandbyReason::RoleFailed).await;
    hand.send_replace(None);
    nodes.hand_over_and_back().await;
}

#[actix::test]
async fn the_lock_waits_for_a_worker_that_is_restarted_while_it_steps_down() {
    let mut nodes = Nodes::start(Way::Tie).await;
    nodes.gate.send_replace(false);
    nodes.lease.resign();
    nodes.standby(StandbyReason::Resigned).await;
    nodes.worker.do_send(Restart);
    nodes.standby(StandbyReason::Resigned).await;
    nodes.other.nothing_more();
    assert!(nodes.server.view().owner(PATH).is_some());
    nodes.gate.send_replace(true);
    nodes.hand_over_and_back().await;
}
