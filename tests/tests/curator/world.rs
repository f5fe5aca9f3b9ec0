//! The world of a test: one real server, and candidates of both kinds.

use std::time::Duration;

use actix_election_core::queue_order;
use election_tests::{LONG, Node, Options, PATH, PATIENCE, Strategy, What, World, elect};
use tokio::time::Instant;
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::wire::{ErrorCode, RawClient, WireError};

use crate::latch;

/// Which kind a candidate is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Curators,
    Ours,
}

/// A candidate of either kind.
pub(crate) struct Candidate {
    pub(crate) kind: Kind,
    pub(crate) node: Node,
}

impl Kind {
    pub(crate) fn other(self) -> Self {
        match self {
            Kind::Curators => Kind::Ours,
            Kind::Ours => Kind::Curators,
        }
    }
}

impl Candidate {
    /// It leaves for good and in order.
    pub(crate) async fn leave(&mut self) {
        match self.kind {
            Kind::Curators => latch::quit(&mut self.node).await,
            Kind::Ours => self.node.stop().await,
        }
    }
}

pub(crate) async fn new_world(timeout: Duration) -> World {
    World::new(Strategy::Queue, 1, timeout).await
}

/// Starts a candidate and waits until it is one of `count` in the queue.
pub(crate) async fn join(world: &mut World, kind: Kind, name: &str, count: usize) -> Candidate {
    let node = match kind {
        Kind::Curators => start_latch(world, name),
        Kind::Ours => world.campaign(name),
    };
    all_stand(world, count).await;
    Candidate { kind, node }
}

/// Starts a candidate whose network is a proxy.
pub(crate) fn start_behind(world: &mut World, proxy: &FaultProxy, kind: Kind, name: &str) -> Candidate {
    let zookeeper = proxy.connect_string();
    let node = match kind {
        Kind::Curators => world.start(name, latch::Options::new(zookeeper, world.timeout).latch(name)),
        Kind::Ours => {
            let options = Options { zookeeper, ..world.options() };
            world.campaign_with(name, &options)
        }
    };
    Candidate { kind, node }
}

/// Starts a candidate of Curator's by the usual options.
pub(crate) fn start_latch(world: &mut World, name: &str) -> Node {
    let options = latch::Options::new(world.ensemble.connect_string(), world.timeout);
    world.start(name, options.latch(name))
}

pub(crate) async fn hand(world: &World) -> RawClient {
    RawClient::connect(world.ensemble.server(0).address(), LONG, None).await.unwrap()
}

/// The names of those who stand in the queue at `path`, in their order, once they are so many.
pub(crate) async fn standing(hand: &mut RawClient, path: &str, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let names = match hand.get_children(path).await {
            Err(WireError::Refused(ErrorCode::NoNode)) => Vec::new(),
            names => names.unwrap(),
        };
        let order: Vec<_> = queue_order(&names).into_iter().map(str::to_owned).collect();
        if order.len() == count {
            return order;
        }
        assert!(Instant::now() < deadline, "in {PATIENCE:?} there were not {count}, but {order:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until so many stand in the queue.
pub(crate) async fn all_stand(world: &World, count: usize) {
    let mut hand = hand(world).await;
    standing(&mut hand, PATH, count).await;
    hand.close().await.unwrap();
}

/// What `elect` with these arguments says, and how it ends.
pub(crate) async fn ask_elect(arguments: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(elect());
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

/// What `elect status --json` shows: the addresses and tokens of the candidates in their order.
pub(crate) async fn status(world: &World) -> Vec<(String, i64)> {
    let connect = world.ensemble.connect_string();
    let output = ask_elect(&["status", PATH, "--json", "--zookeeper", &connect]).await;
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let one = |value: &serde_json::Value| {
        (value["address"].as_str().unwrap().to_owned(), value["token"].as_i64().unwrap())
    };
    let candidates: Vec<_> = shown["candidates"].as_array().unwrap().iter().map(one).collect();
    assert_eq!(candidates.first(), Some(&one(&shown["master"])), "{shown}");
    candidates
}

/// The address and the token of the master, as a standby of ours was told after `mark`.
pub(crate) async fn master_seen_by(node: &Node, mark: usize) -> (String, i64) {
    let (event, _) = node.standby(mark, "outranked").await;
    match event.what {
        What::BecameStandby { master: Some(master), .. } => (master.address, master.token),
        other => panic!("{other:?}"),
    }
}
