//! A master is cut off: how early does it step down, and are there ever two?

use std::pin::pin;
use std::time::Duration;

use election_tests::Node;
use futures::future::select;
use tokio::time::sleep;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::{Ensemble, FaultProxy};

use crate::candidate::{Place, STRATEGIES, last_held, named, now, stepped_down};
use crate::measure::servers;
use crate::peer::{Kind, Peer};
use crate::report::{Bar, Chart, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::{Outcome, progress};

const HOW: &str = "T = 4 s. Partition: all that passes between the master and the servers is held, tick 0.5 s. Paused leader: \
    the ensemble's leader stands still (SIGSTOP) and goes on after T + k; the master is attached to a follower, whose pings are \
    answered all the time, and the standby to the other one; syncLimit 40; both sessions end, and one of the two is master next. \
    Isolated follower: the master is attached to a follower that hears nothing of the other servers any more, which the standby is \
    attached to; tick 1 s, syncLimit 8; Curator's LeaderLatch stands there in the same run, on the same servers. Times from the \
    beginning of the fault. The session's end is when the next master is told, which is a few milliseconds after it. Two masters: \
    from the moment that the new one is told to the last moment at which the old one took itself for master: that the lease of its \
    term was valid, looked at every 10 ms, or with Curator that `notLeader` had not been called.";

const TIMEOUT: Duration = Duration::from_secs(4);
const TICK: Duration = Duration::from_millis(500);
const SLOW_TICK: Duration = Duration::from_secs(1);

/// One fault, one subject: when the master stepped down, when the next one was told, and for how long there were two.
#[derive(Clone, Copy)]
struct Loss {
    stepped_down: f64,
    next: f64,
    two: f64,
}

/// What one subject did in all rounds of a scenario.
struct Row {
    name: String,
    losses: Vec<Loss>,
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let rounds = if scale.is_quick() { 1 } else { 10 };
    let mut rows = Vec::new();
    if !scale.is_quick() {
        rows.extend(partition(rounds).await?);
        rows.extend(paused_leader(rounds).await?);
    }
    rows.extend(isolated_follower(rounds, if scale.is_quick() { 5 } else { 8 }).await?);
    Ok(part(&rows, rounds))
}

fn place(ensemble: &Ensemble, path: String, strategy: &'static str) -> Place {
    Place { zookeeper: ensemble.connect_string(), path, strategy, timeout: TIMEOUT }
}

fn rows(scenario: &str) -> Vec<Row> {
    let row = |strategy| Row { name: format!("{scenario}, {}", named(strategy)), losses: Vec::new() };
    STRATEGIES.map(row).into_iter().collect()
}

/// A master that is about to be cut off, and the one that waits in turn.
struct Pair {
    master: Node,
    standby: Node,
    /// Of the master's term, and what it had said when the fault began.
    token: i64,
    mark: usize,
}

impl Pair {
    async fn start(place: &Place, master_at: &str) -> Outcome<Self> {
        let (master, standby) = place.pair(master_at).await?;
        let (_, token, _) = master.master(0).await;
        let mark = master.history.mark();
        Ok(Pair { master, standby, token, mark })
    }

    /// How it fared since `fault`: the master has stepped down, and one of the two is master next.
    async fn loss(&self, fault: f64) -> Loss {
        let (again, other) = (pin!(self.master.master(self.mark)), pin!(self.standby.master(0)));
        let (next, _, _) = select(again, other).await.factor_first().0;
        let stepped_down = stepped_down(&self.master, self.mark).await;
        let two = (last_held(&self.master, self.token) - next.at).max(0.0);
        Loss { stepped_down: stepped_down - fault, next: next.at - fault, two }
    }
}

async fn partition(rounds: usize) -> Outcome<Vec<Row>> {
    let ensemble = servers().tick(TICK).start().await?;
    let proxies: Vec<_> = ensemble
        .servers()
        .iter()
        .map(|server| FaultProxy::start(server.address()))
        .collect::<Result<_, _>>()?;
    let through = proxies.iter().map(|proxy| proxy.connect_string()).collect::<Vec<_>>().join(",");
    let mut rows = rows("partition");
    for round in 0..rounds {
        progress(&format!("step-down: partition, round {round} of {rounds}"));
        let mut pairs = Vec::new();
        for strategy in STRATEGIES {
            let place = place(&ensemble, format!("/cut-{strategy}-{round}"), strategy);
            pairs.push(Pair::start(&place, &through).await?);
        }
        let fault = now();
        let holds: Vec<_> = proxies.iter().map(|proxy| proxy.hold(Direction::Both)).collect();
        for (row, pair) in rows.iter_mut().zip(&pairs) {
            row.losses.push(pair.loss(fault).await);
        }
        drop(holds);
    }
    Ok(rows)
}

async fn paused_leader(rounds: usize) -> Outcome<Vec<Row>> {
    let ensemble = servers().tick(TICK).sync_limit(40).start().await?;
    let mut rows = rows("paused leader");
    for round in 0..rounds {
        progress(&format!("step-down: paused leader, round {round} of {rounds}"));
        let leader = ensemble.leader().await?;
        let followers = ensemble.followers().await?;
        let [here, elsewhere] = [0, 1].map(|index| ensemble.server(followers[index]).address().to_string());
        let mut pairs = Vec::new();
        for strategy in STRATEGIES {
            let place = place(&ensemble, format!("/pause-{strategy}-{round}"), strategy);
            pairs.push(Pair::start(&place.at(&elsewhere), &here).await?);
        }
        let fault = now();
        ensemble.server(leader).pause();
        sleep(TIMEOUT + TICK).await;
        ensemble.server(leader).resume();
        for (row, pair) in rows.iter_mut().zip(&pairs) {
            row.losses.push(pair.loss(fault).await);
        }
    }
    Ok(rows)
}

async fn isolated_follower(rounds: usize, sync_limit: u32) -> Outcome<Vec<Row>> {
    let mut rows = rows("isolated follower");
    rows.push(Row { name: "isolated follower, Curator LeaderLatch".to_owned(), losses: Vec::new() });
    let ensemble = servers().tick(SLOW_TICK).sync_limit(sync_limit).partable().start().await?;
    for round in 0..rounds {
        progress(&format!("step-down: isolated follower, round {round} of {rounds}"));
        let follower = ensemble.followers().await?[0];
        let here = ensemble.server(follower).address().to_string();
        let others: Vec<_> = (0..ensemble.len()).filter(|index| *index != follower).collect();
        let elsewhere: Vec<_> =
            others.iter().map(|index| ensemble.server(*index).address().to_string()).collect();
        let mut pairs = Vec::new();
        for strategy in STRATEGIES {
            let place = place(&ensemble, format!("/alone-{strategy}-{round}"), strategy);
            pairs.push(Pair::start(&place.at(elsewhere.join(",")), &here).await?);
        }
        let mut latches = Latches::start(&here, &elsewhere.join(","), round).await?;

        let (fault, on_their_clock) = (now(), crate::subject::now());
        let partings: Vec<_> = others.iter().map(|other| ensemble.part(follower, *other)).collect();
        for (row, pair) in rows.iter_mut().zip(&pairs) {
            row.losses.push(pair.loss(fault).await);
        }
        let theirs = latches.loss(on_their_clock).await?;
        rows.last_mut().ok_or("Curator has a row")?.losses.push(theirs);
        drop(partings);
        ensemble.server(follower).wait_for_service().await?;
        ensemble.wait_for_quorum().await?;
    }
    Ok(rows)
}

/// Two latches of Curator, the master's on the follower.
struct Latches(Peer);

impl Latches {
    async fn start(here: &str, elsewhere: &str, round: usize) -> Outcome<Self> {
        let mut peer = Peer::start(Kind::Curator).await?;
        let path = format!("/latch-{round}");
        peer.session(1, here, TIMEOUT).await?;
        peer.campaign(1, &path, 1).await?;
        peer.masters(1, 1).await?;
        peer.session(2, elsewhere, TIMEOUT).await?;
        peer.campaign(2, &path, 1).await?;
        peer.standing(2).await?;
        Ok(Latches(peer))
    }

    async fn loss(&mut self, fault: u64) -> Outcome<Loss> {
        let next = self.0.masters(2, 1).await?;
        let stepped_down = loop {
            let log = self.0.log(1).await?;
            if let Some((_, at)) = log.iter().find(|(master, at)| !master && *at > fault) {
                break *at;
            }
            sleep(Duration::from_millis(20)).await;
        };
        let seconds = |at: u64| at.saturating_sub(fault) as f64 / 1e9;
        Ok(Loss {
            stepped_down: seconds(stepped_down),
            next: seconds(next),
            two: stepped_down.saturating_sub(next) as f64 / 1e9,
        })
    }
}

fn part(rows: &[Row], rounds: usize) -> Part {
    let mut table = Table::new(&[
        "fault, master's",
        "steps down after, s",
        "session's end after, s",
        "early by, s, median",
        "least",
        "in T, median",
        "two masters, s, most",
    ]);
    let of = |row: &Row, value: fn(&Loss) -> f64| row.losses.iter().map(value).collect::<Samples>();
    let mut bars = Vec::new();
    let mut chart = Chart {
        title: "A follower cut off from its leader: seconds with two masters".to_owned(),
        bars: Vec::new(),
    };
    for row in rows {
        let early = of(row, |loss| loss.next - loss.stepped_down);
        let two = of(row, |loss| loss.two).greatest();
        let cells = [
            of(row, |loss| loss.stepped_down).median(),
            of(row, |loss| loss.next).median(),
            early.median(),
            early.least(),
            early.median() / TIMEOUT.as_secs_f64(),
            two,
        ];
        table.row([row.name.clone()].into_iter().chain(cells.map(number)));
        if !row.name.contains("Curator") {
            bars.push(Bar::at_most(format!("{}: two masters", row.name), two, 0.0, " s"));
        }
        if let Some((_, name)) = row.name.split_once("isolated follower, ") {
            chart.bars.push((name.to_owned(), two, format!("{} s", number(two))));
        }
    }
    Part {
        name: "step-down",
        title: "A master that is cut off".to_owned(),
        how: format!("{HOW} Rounds: {rounds}."),
        tables: vec![table],
        bars,
        charts: vec![chart],
    }
}
