//! The in-process server and a real ZooKeeper are asked the same, at random, and have to answer the same.
//!
//! Every reply with its zxid, error and body, every event and its place among the replies is compared. Zxids count from
//! the beginning of the sequence, sessions are named after their clients, and times do not matter. A difference is told
//! with the shortest sequence found that shows it.
//!
//! `TESTKIT_SEED` replays a run, `TESTKIT_ROUNDS` makes it longer.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

#[path = "../common/mod.rs"]
mod common;

mod arm;
mod steps;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arm::Arm;
use common::random::{Random, rounds, seed};
use steps::{Step, sequence};
use zookeeper_testkit::wire::{ErrorCode, OpCode};
use zookeeper_testkit::{Ensemble, ServerFault, TestServer};

const STEPS: usize = 40;

/// Where two servers parted.
struct Difference {
    step: usize,
    in_process: String,
    real: String,
}

/// A server sweeps its containers once a minute, and goes on with it for a while: zxids pass then that nobody asked for.
const BEFORE_THE_SWEEP: Duration = Duration::from_secs(45);

/// The two servers, with histories that are the same so far.
struct Pair {
    in_process: TestServer,
    other: Other,
    started: Instant,
    runs: u32,
}

/// What the in-process server is held against.
enum Other {
    Real(Ensemble),
    /// Another one like it, in which something is wrong.
    Wrong {
        server: TestServer,
        _fault: ServerFault,
    },
}

impl Other {
    async fn real() -> Self {
        Self::Real(Ensemble::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap())
    }

    async fn wrong() -> Self {
        let server = in_process().await;
        let _fault = server.answer_error(OpCode::SetData, ErrorCode::NotEmpty);
        Self::Wrong { server, _fault }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Real(ensemble) => ensemble.server(0).address(),
            Self::Wrong { server, .. } => server.address(),
        }
    }
}

async fn in_process() -> TestServer {
    TestServer::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap()
}

impl Pair {
    async fn start(other: Other) -> Self {
        Self { in_process: in_process().await, other, started: Instant::now(), runs: 0 }
    }

    /// A difference that no sweep can have made.
    async fn differ(&mut self, steps: &[Step]) -> Option<Difference> {
        if self.started.elapsed() > BEFORE_THE_SWEEP {
            let other = match self.other {
                Other::Real(_) => Other::real().await,
                Other::Wrong { .. } => Other::wrong().await,
            };
            *self = Self::start(other).await;
        }
        self.run(steps).await
    }

    async fn run(&mut self, steps: &[Step]) -> Option<Difference> {
        self.runs += 1;
        let root = format!("/run-{}", self.runs);
        let (mut ours, mut theirs) = (
            Arm::start(self.in_process.address(), &root).await,
            Arm::start(self.other.address(), &root).await,
        );
        let mut difference = None;
        for (index, step) in steps.iter().enumerate() {
            let (in_process, real) = (ours.perform(step).await, theirs.perform(step).await);
            if in_process != real {
                difference = Some(Difference { step: index, in_process, real });
                break;
            }
        }
        ours.end().await;
        theirs.end().await;
        difference
    }

    /// Leaves out what is not needed to see a difference, until nothing more can go.
    async fn shrink(&mut self, mut steps: Vec<Step>, mut difference: Difference) -> (Vec<Step>, Difference) {
        steps.truncate(difference.step + 1);
        let mut size = steps.len() / 2;
        while size > 0 {
            let mut start = 0;
            while start < steps.len() {
                let mut fewer = steps.clone();
                fewer.drain(start..(start + size).min(steps.len()));
                match self.differ(&fewer).await {
                    Some(shorter) => {
                        fewer.truncate(shorter.step + 1);
                        (steps, difference) = (fewer, shorter);
                    }
                    None => start += size,
                }
            }
            size /= 2;
        }
        (steps, difference)
    }
}

#[tokio::test]
async fn both_answer_the_same() {
    let seed = seed();
    println!("TESTKIT_SEED={seed}");
    let mut pair = Pair::start(Other::real().await).await;
    for round in 0..rounds(25) {
        // Each round has a seed of its own, so that it can be had without those before it.
        let seed = seed + round;
        let steps = sequence(&mut Random(seed), STEPS);
        let Some(difference) = pair.differ(&steps).await else { continue };
        let (steps, difference) = pair.shrink(steps, difference).await;
        let mut text = format!("TESTKIT_SEED={seed} TESTKIT_ROUNDS=1\n");
        steps.iter().for_each(|step| writeln!(text, "  {step:?}").unwrap());
        panic!("{text}in-process: {}\nreal:       {}", difference.in_process, difference.real);
    }
}

/// It finds differences, and the shortest way to them.
#[tokio::test]
async fn a_difference_is_told_by_the_step_that_makes_it() {
    let mut pair = Pair::start(Other::wrong().await).await;
    let steps = (0..).map(|seed| sequence(&mut Random(seed), STEPS));
    let steps = steps.into_iter().find(|steps| format!("{steps:?}").contains("Ask(0, [Set(")).unwrap();
    let difference = pair.differ(&steps).await.unwrap();
    let (steps, difference) = pair.shrink(steps, difference).await;
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(format!("{steps:?}").contains("Set("), "{steps:?}");
    assert!(!difference.in_process.contains("NotEmpty") && difference.real.contains("NotEmpty"));
}
