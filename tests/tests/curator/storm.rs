//! Candidates of both kinds come and go at random.

#![allow(clippy::print_stdout, reason = "a run that fails shows how to have it again")]

use std::sync::Arc;
use std::time::Duration;

use actix_election_core::queue_order;
use election_tests::{History, Node, Options, PATH, PATIENCE, Strategy, Verdict, What, judge};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::wire::RawClient;

use crate::latch::{self, id};
use crate::world::{Candidate, Kind, ask_elect};

/// A killed one is waited for so long.
const T: Duration = Duration::from_secs(4);
const CROWD: usize = 4;
const ROUNDS: usize = 12;

/// How one of them leaves its place.
#[derive(Clone, Copy, Debug)]
enum End {
    Leaves,
    Killed,
    /// It stands again, at the end.
    StepsDown,
}

struct Crowd {
    server: TestServer,
    random: StdRng,
    candidates: Vec<Candidate>,
    histories: Vec<(String, Arc<History>)>,
}

impl Crowd {
    fn join(&mut self, kind: Kind) {
        let name = format!("n{}", self.histories.len());
        let zookeeper = self.server.connect_string();
        let command = match kind {
            Kind::Curators => latch::Options::new(zookeeper, T).latch(&name),
            Kind::Ours => {
                Options { strategy: Strategy::Queue, zookeeper, timeout: T, more: Vec::new() }.campaign(&name)
            }
        };
        println!("{name} of {kind:?} joins");
        let node = Node::start(&name, command);
        self.histories.push((name, Arc::clone(&node.history)));
        self.candidates.push(Candidate { kind, node });
    }

    /// Waits until just the living stand in the queue, and its head leads. Returns the head's index.
    async fn head(&self) -> usize {
        let mut living: Vec<_> = self.candidates.iter().map(|candidate| id(&candidate.node.name)).collect();
        living.sort();
        let deadline = Instant::now() + PATIENCE;
        let head = loop {
            let ids = self.ids().await.unwrap_or_default();
            let mut standing = ids.clone();
            standing.sort();
            if standing == living {
                break ids[0].clone();
            }
            assert!(Instant::now() < deadline, "{ids:?} stand in the queue, not {living:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let index = self.candidates.iter().position(|candidate| id(&candidate.node.name) == head).unwrap();
        let node = &self.candidates[index].node;
        node.holding(node.history.mark()).await;
        index
    }

    /// The ids in the queue, in its order; `None` if it has changed meanwhile.
    async fn ids(&self) -> Option<Vec<String>> {
        let mut hand = RawClient::connect(self.server.address(), T, None).await.ok()?;
        let names = hand.get_children(PATH).await.unwrap_or_default();
        let mut ids = Some(Vec::new());
        for name in queue_order(&names) {
            let read = hand.get_data(&format!("{PATH}/{name}")).await.ok();
            ids = ids.zip(read).map(|(mut ids, (data, _))| {
                ids.push(String::from_utf8(data).unwrap());
                ids
            });
        }
        hand.close().await.unwrap();
        ids
    }

    async fn end(&mut self, index: usize, end: End) {
        let candidate = &mut self.candidates[index];
        println!("{} {end:?}", candidate.node.name);
        match (end, candidate.kind) {
            (End::Leaves, _) => candidate.leave().await,
            (End::Killed, _) => candidate.node.kill(),
            (End::StepsDown, Kind::Curators) => {
                latch::close(&mut candidate.node).await;
                latch::stand(&mut candidate.node).await;
                return;
            }
            (End::StepsDown, Kind::Ours) => {
                let connect = self.server.connect_string();
                let output = ask_elect(&["resign", PATH, "--zookeeper", &connect]).await;
                assert!(output.status.success(), "{output:?}");
                return;
            }
        }
        self.candidates.remove(index);
        let kind = if self.random.random() { Kind::Curators } else { Kind::Ours };
        self.join(kind);
    }
}

/// The head leads, whoever it is, and nobody else; whoever ends, in whatever way.
#[tokio::test]
async fn both_kinds_come_and_go() {
    let given = std::env::var("TESTKIT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("TESTKIT_SEED={seed}");
    let server = TestServer::builder().tick(Duration::from_millis(500)).start().await.unwrap();
    let random = StdRng::seed_from_u64(seed);
    let mut crowd = Crowd { server, random, candidates: Vec::new(), histories: Vec::new() };
    for kind in [Kind::Curators, Kind::Ours].into_iter().cycle().take(CROWD) {
        crowd.join(kind);
    }
    for _ in 0..ROUNDS {
        let head = crowd.head().await;
        let index = if crowd.random.random_ratio(2, 3) { head } else { crowd.random.random_range(0..CROWD) };
        let end = match crowd.random.random_range(0..3) {
            0 => End::Leaves,
            1 => End::Killed,
            // Only the master is asked to.
            _ if index == head => End::StepsDown,
            _ => End::Leaves,
        };
        crowd.end(index, end).await;
    }
    while !crowd.candidates.is_empty() {
        let head = crowd.head().await;
        crowd.candidates[head].leave().await;
        crowd.candidates.remove(head);
    }
    let said: Vec<_> =
        crowd.histories.iter().map(|(name, history)| (name.clone(), history.events())).collect();
    let verdict = judge(&said, &[]);
    assert_eq!(verdict, Verdict::default(), "{verdict}{:#?}", crowd.histories);
    let led = |with: bool| {
        let is =
            |what: &What| matches!(what, What::BecameMaster { remaining, .. } if remaining.is_some() == with);
        said.iter().flat_map(|(_, events)| events).any(|event| is(&event.what))
    };
    assert!(led(true) && led(false), "both kinds were to lead");
    let nothing_left = crowd.server.wait_for(PATIENCE, |view| view.sessions.is_empty() && view.watches == 0);
    nothing_left.await.unwrap();
}
