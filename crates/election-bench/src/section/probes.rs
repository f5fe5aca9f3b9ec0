//! What do the probes of a thousand processes cost the servers?

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::wire::RawClient;

use crate::measure::{processor_time, servers, servers_time};
use crate::report::{Chart, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::{Outcome, progress};

const HOW: &str = "A thousand processes at T = 10 s send 1,000 probes a second: writes that fail, which the quorum orders all the \
    same. Here one process keeps 1,000 sessions, evenly at three servers, and only pings (every T/3) or probes. Servers' \
    processor: all three together. \"Others' writes\" are those of one more client, one every 10 ms. All loads in turns, each for as \
    long, in several rounds; without the first, in which the JVMs compile. With forceSync=no, and again with the servers \
    writing every transaction to the disk (`fsync`).";

const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two writes of the other client.
const PACE: Duration = Duration::from_millis(10);
const NODE: &str = "/others";

/// A load: its name, and what the sessions are told.
type Load = (&'static str, &'static str);
const LOADS: [Load; 5] = [
    ("pings only: 300/s", "ping 3333"),
    ("250 probes/s", "probe 4000"),
    ("500 probes/s", "probe 2000"),
    ("1,000 probes/s", "probe 1000"),
    ("2,000 probes/s", "probe 500"),
];

/// What was measured under one load.
#[derive(Default)]
struct Cost {
    /// Shares of a core, a sample a round.
    all: Vec<f64>,
    leader: Vec<f64>,
    /// Milliseconds of every write.
    writes: Vec<f64>,
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let (sessions, rounds, time) = if scale.is_quick() {
        (50, 2, Duration::from_millis(300))
    } else {
        (1_000, 4, Duration::from_secs(6))
    };
    let mut tables = Vec::new();
    let mut charts = Vec::new();
    let syncs = [("forceSync=no", false), ("forceSync=yes", true)];
    for (name, synced) in syncs.into_iter().take(if scale.is_quick() { 1 } else { 2 }) {
        // The compiler that servers in production have, and the same heap.
        let jit = ["-XX:TieredStopAtLevel=4", "-Xmx1g"];
        let builder =
            jit.into_iter().fold(servers().force_sync(synced), |builder, flag| builder.jvm_flag(flag));
        let ensemble = builder.start().await?;
        let costs = measured(&ensemble, name, sessions, rounds, time).await?;
        tables.push(table(name, &costs));
        charts.push(chart(name, &costs));
    }
    Ok(Part {
        name: "probes",
        title: "What probes cost the servers".to_owned(),
        how: format!("{HOW} Rounds: {}, of {} s.", rounds - 1, time.as_secs()),
        tables,
        bars: Vec::new(),
        charts,
    })
}

async fn measured(
    ensemble: &Ensemble,
    name: &str,
    sessions: u32,
    rounds: usize,
    time: Duration,
) -> Outcome<Vec<(&'static str, Cost)>> {
    super::create(ensemble, [NODE.to_owned()]).await?;
    let leader = ensemble.server(ensemble.leader().await?);
    let follower = ensemble.server(ensemble.followers().await?[0]);
    let mut writer = RawClient::connect(follower.address(), TIMEOUT, None).await?;
    let mut load = LoadProcess::start(&ensemble.connect_string(), sessions)?;
    let mut costs: Vec<_> = LOADS.iter().map(|(name, _)| (*name, Cost::default())).collect();
    for round in 0..rounds {
        progress(&format!("probes: {name}, round {round} of {rounds}"));
        for ((_, order), (_, cost)) in LOADS.iter().zip(&mut costs) {
            load.tell(order)?;
            let process = leader.process_id().ok_or("the leader is gone")?;
            let before = (servers_time(ensemble)?, processor_time(process)?);
            let (started, writes) = (Instant::now(), writes(&mut writer, time).await?);
            let share = |after: Duration, before| {
                100.0 * after.saturating_sub(before).as_secs_f64() / started.elapsed().as_secs_f64()
            };
            let (all, of_leader) = (servers_time(ensemble)?, processor_time(process)?);
            if round > 0 {
                cost.all.push(share(all, before.0));
                cost.leader.push(share(of_leader, before.1));
                cost.writes.extend(writes);
            }
        }
    }
    Ok(costs)
}

/// Writes at its pace for so long; the milliseconds that each took.
async fn writes(writer: &mut RawClient, time: Duration) -> Outcome<Vec<f64>> {
    let end = Instant::now() + time;
    let (mut next, mut taken) = (Instant::now(), Vec::new());
    while next < end {
        sleep_until(next).await;
        let started = Instant::now();
        writer.set_data(NODE, b"as small as most", None).await?;
        taken.push(1e3 * started.elapsed().as_secs_f64());
        next = (next + PACE).max(Instant::now());
    }
    Ok(taken)
}

fn table(name: &str, costs: &[(&str, Cost)]) -> Table {
    let mut table = Table::new(&[
        &format!("1,000 sessions, {name}"),
        "servers' processor, % of a core",
        "of it the leader's",
        "others' writes, ms, median",
        "p99",
    ]);
    for (name, cost) in costs {
        let of = |values: &[f64]| values.iter().copied().collect::<Samples>();
        let writes = of(&cost.writes);
        let cells = [of(&cost.all).median(), of(&cost.leader).median(), writes.median(), writes.p99()];
        table.row([(*name).to_owned()].into_iter().chain(cells.map(number)));
    }
    table
}

fn chart(name: &str, costs: &[(&str, Cost)]) -> Chart {
    let bar = |(load, cost): &(&str, Cost)| {
        let share = cost.all.iter().copied().collect::<Samples>().median();
        ((*load).to_owned(), share, format!("{} %", number(share)))
    };
    Chart {
        title: format!("1,000 sessions, {name}: processor of all servers"),
        bars: costs.iter().map(bar).collect(),
    }
}

/// The process that makes the load; killed when dropped.
struct LoadProcess {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl LoadProcess {
    fn start(connect: &str, sessions: u32) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load", connect, &sessions.to_string(), &TIMEOUT.as_millis().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut load = LoadProcess { child, input, output };
        load.answer()?;
        Ok(load)
    }

    fn tell(&mut self, order: &str) -> Outcome<()> {
        writeln!(self.input, "{order}")?;
        self.answer()
    }

    fn answer(&mut self) -> Outcome<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.starts_with("ok") { Ok(()) } else { Err("the process that makes the load has ended".into()) }
    }
}

impl Drop for LoadProcess {
    fn drop(&mut self) {
        // Both fail only for a process that has been reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
