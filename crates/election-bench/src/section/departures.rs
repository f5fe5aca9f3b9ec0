//! A master's process dies, or ends in order: when is another one master?

use std::time::Duration;

use election_tests::Node;
use tokio::time::sleep;

use crate::candidate::{Place, STRATEGIES, named, now};
use crate::measure::servers;
use crate::report::{Bar, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::{Outcome, progress};

const HOW_CRASH: &str = "Pairs of `elect campaign` processes, tick k = 0.5 s. The master is killed (`kill -9`), and the time is taken \
    until the other one's `became_master`, as a multiple of T. The promise is T + 1.5 k + 1 s.";
const HOW_EXIT: &str = "A pair of `elect campaign` processes, each started anew once it has ended: from SIGTERM to the other one's \
    `became_master`, both strategies in turns.";

const TICK: Duration = Duration::from_millis(500);
/// Pairs that are killed at about the same time.
const PAIRS: usize = 10;
/// Between two kills: no divisor of any period of the servers or of the probes.
const STAGGER: Duration = Duration::from_millis(137);

pub(crate) async fn crash(scale: Scale) -> Outcome<Part> {
    let (timeouts, rounds, pairs): (&[u64], _, _) =
        if scale.is_quick() { (&[1], 1, 2) } else { (&[4, 10], 3, PAIRS) };
    let ensemble = servers().tick(TICK).start().await?;
    let mut table =
        Table::new(&["crash to takeover", "kills", "median, T", "p99, T", "longest, T", "promised, T"]);
    let mut bars = Vec::new();
    for &seconds in timeouts {
        let timeout = Duration::from_secs(seconds);
        for strategy in STRATEGIES {
            progress(&format!("crash: {strategy}, T = {seconds} s"));
            let place = |pair| Place {
                zookeeper: ensemble.connect_string(),
                path: format!("/crash-{strategy}-{seconds}-{pair}"),
                strategy,
                timeout,
            };
            let taken = kills(rounds, pairs, place).await?;
            let multiple: Samples = taken.iter().map(|taken| taken / timeout.as_secs_f64()).collect();
            let promised =
                (timeout + TICK * 3 / 2 + Duration::from_secs(1)).as_secs_f64() / timeout.as_secs_f64();
            let name = format!("{}, T = {seconds} s", named(strategy));
            let values = [multiple.median(), multiple.p99(), multiple.greatest(), promised].map(number);
            table.row([name.clone(), multiple.len().to_string()].into_iter().chain(values));
            bars.push(Bar::at_most(format!("{name}: longest"), multiple.greatest(), promised, " T"));
        }
    }
    let how = HOW_CRASH.to_owned();
    let title = "Crash to takeover".to_owned();
    Ok(Part { name: "crash", title, how, tables: vec![table], bars, charts: Vec::new() })
}

/// Kills the masters of all pairs, round after round, and says how long each takeover took, in seconds.
async fn kills(rounds: usize, pairs: usize, place: impl Fn(usize) -> Place) -> Outcome<Vec<f64>> {
    let mut taken = Vec::new();
    for _ in 0..rounds {
        let mut standing = Vec::new();
        for pair in 0..pairs {
            let place = place(pair);
            standing.push(place.pair(&place.zookeeper).await?);
        }
        let mut killed = Vec::new();
        for (master, _) in &mut standing {
            killed.push(now());
            master.kill();
            sleep(STAGGER).await;
        }
        for ((_, standby), killed) in standing.iter_mut().zip(killed) {
            taken.push(standby.master(0).await.0.at - killed);
            standby.stop().await;
        }
    }
    Ok(taken)
}

/// A pair whose master ends in order.
struct Pair {
    place: Place,
    master: Node,
    standby: Node,
    taken: Vec<f64>,
}

pub(crate) async fn exit(scale: Scale) -> Outcome<Part> {
    let rounds = if scale.is_quick() { 2 } else { 30 };
    let ensemble = servers().tick(TICK).start().await?;
    let mut pairs = Vec::new();
    for strategy in STRATEGIES {
        let (zookeeper, path) = (ensemble.connect_string(), format!("/exit-{strategy}"));
        let place = Place { zookeeper, path, strategy, timeout: Duration::from_secs(10) };
        let (master, standby) = place.pair(&place.zookeeper).await?;
        pairs.push(Pair { place, master, standby, taken: Vec::new() });
    }
    for round in 0..rounds {
        progress(&format!("exit: round {round} of {rounds}"));
        for pair in &mut pairs {
            pair.end_master(round).await?;
        }
    }
    let mut table = Table::new(&["SIGTERM to takeover, ms", "exits", "median", "p99"]);
    for pair in &pairs {
        let taken: Samples = pair.taken.iter().map(|seconds| 1e3 * seconds).collect();
        let values = [taken.median(), taken.p99()].map(number);
        table.row([named(pair.place.strategy).to_owned(), taken.len().to_string()].into_iter().chain(values));
    }
    let (how, title) = (HOW_EXIT.to_owned(), "Handover on SIGTERM".to_owned());
    Ok(Part { name: "exit", title, how, tables: vec![table], bars: Vec::new(), charts: Vec::new() })
}

impl Pair {
    async fn end_master(&mut self, round: usize) -> Outcome<()> {
        let ended = now();
        self.master.terminate();
        self.taken.push(self.standby.master(0).await.0.at - ended);
        let status = self.master.ended().await;
        if !status.success() {
            return Err(format!("a master that was to end in order ended with {status}").into());
        }
        let next = self.place.stand(&format!("node-{round}"))?;
        next.standby(0, "outranked").await;
        self.master = std::mem::replace(&mut self.standby, next);
        Ok(())
    }
}
