//! The servers are restarted one by one: who steps down for nothing?

use std::time::Duration;

use election_tests::{Node, What};
use tokio::time::sleep;
use zookeeper_testkit::Ensemble;

use crate::candidate::{Place, STRATEGIES, named};
use crate::measure::servers;
use crate::peer::{Kind, Peer};
use crate::report::{Part, Table};
use crate::section::Scale;
use crate::{Outcome, progress};

const HOW: &str = "Three servers, tick 0.5 s, are stopped (SIGTERM) and started again one after the other, the next one 2 s after the \
    one before serves again. Six elections with two candidates each live through it in the same run, on connect strings with all \
    servers. A false step-down is a master that is told that it is not, though its process and the network are well; promised is \
    none where the interruption is shorter than T/4.";

const TICK: Duration = Duration::from_millis(500);
/// After each server.
const REST: Duration = Duration::from_secs(2);
const TIMEOUTS: [u64; 2] = [4, 10];

struct Ours {
    name: String,
    pair: [Node; 2],
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let rolls = if scale.is_quick() { 1 } else { 20 };
    let ensemble = servers().tick(TICK).start().await?;
    let connect = ensemble.connect_string();
    let mut ours = Vec::new();
    let mut curator = Peer::start(Kind::Curator).await?;
    for seconds in TIMEOUTS {
        let timeout = Duration::from_secs(seconds);
        for strategy in STRATEGIES {
            let path = format!("/roll-{strategy}-{seconds}");
            let (master, standby) =
                Place { zookeeper: connect.clone(), path, strategy, timeout }.pair(&connect).await?;
            ours.push(Ours {
                name: format!("{}, T = {seconds} s", named(strategy)),
                pair: [master, standby],
            });
        }
        for session in sessions(seconds)? {
            curator.session(session, &connect, timeout).await?;
            curator.campaign(session, &format!("/latch-{seconds}"), 1).await?;
            curator.standing(session).await?;
        }
    }
    for roll in 0..rolls {
        progress(&format!("rolling: restart {roll} of {rolls}"));
        let rest = if scale.is_quick() { Duration::ZERO } else { REST };
        restart_one_by_one(&ensemble, rest).await?;
    }
    let mut table = Table::new(&["rolling restarts", "restarts of a server", "false step-downs"]);
    let restarts = (rolls * ensemble.len()).to_string();
    for ours in &ours {
        let false_steps: usize = ours.pair.iter().map(step_downs).sum();
        table.row([ours.name.clone(), restarts.clone(), false_steps.to_string()]);
    }
    for seconds in TIMEOUTS {
        let mut false_steps = 0;
        for session in sessions(seconds)? {
            false_steps += curator.log(session).await?.iter().filter(|(master, _)| !master).count();
        }
        table.row([
            format!("Curator LeaderLatch, T = {seconds} s"),
            restarts.clone(),
            false_steps.to_string(),
        ]);
    }
    Ok(Part {
        name: "rolling",
        title: "Rolling restarts of the servers".to_owned(),
        how: HOW.to_owned(),
        tables: vec![table],
        bars: Vec::new(),
        charts: Vec::new(),
    })
}

/// The two sessions of Curator at this timeout.
fn sessions(seconds: u64) -> Outcome<[u32; 2]> {
    let first = 10 * u32::try_from(seconds)?;
    Ok([first, first + 1])
}

async fn restart_one_by_one(ensemble: &Ensemble, rest: Duration) -> Outcome<()> {
    for server in ensemble.servers() {
        server.stop().await?;
        server.start().await?;
        ensemble.wait_for_quorum().await?;
        sleep(rest).await;
    }
    Ok(())
}

/// How often a candidate was told that it is master no more.
fn step_downs(node: &Node) -> usize {
    let events = node.history.events();
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event.what {
            What::BecameMaster { .. } => Some(true),
            What::BecameStandby { .. } => Some(false),
            _ => None,
        })
        .collect();
    told.windows(2).filter(|pair| pair == &[true, false]).count()
}
