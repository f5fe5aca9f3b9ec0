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
use std::time::{Duration, Instant};

use arm::Arm;
use common::random::{Random, rounds, seed};
use steps::{Step, sequence};
use zookeeper_testkit::{Ensemble, TestServer};

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
    real: Ensemble,
    started: Instant,
    runs: u32,
}

impl Pair {
    async fn start() -> Self {
        let started = Instant::now();
        let in_process = TestServer::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap();
        let real = Ensemble::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap();
        Self { in_process, real, started, runs: 0 }
    }

    /// A difference that no sweep can have made.
    async fn differ(&mut self, steps: &[Step]) -> Option<Difference> {
        if self.started.elapsed() > BEFORE_THE_SWEEP {
            *self = Self::start().await;
        }
        self.run(steps).await
    }

    async fn run(&mut self, steps: &[Step]) -> Option<Difference> {
        self.runs += 1;
        let root = format!("/run-{}", self.runs);
        let (mut ours, mut theirs) = (
            Arm::start(self.in_process.address(), &root).await,
            Arm::start(self.real.server(0).address(), &root).await,
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
    let mut pair = Pair::start().await;
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
