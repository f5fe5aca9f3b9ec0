//! Many elections on one session: how fast they are won, joined and taken over, and what they cost.
//!
//! ```sh
//! cargo run --release --package election-tests --example many -- [lock|queue] [in-process|real] [ELECTIONS]
//! ```
//!
//! Both sides are sessions of this process; the servers are processes of their own. One role actor serves all elections
//! of a side. The real ensemble has three servers with `forceSync=no`. It prints figures and judges nothing.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

mod floor;
mod handover;
mod process;
mod role;
mod subject;

use std::error::Error;
use std::time::{Duration, Instant};

use actix_election::prelude::*;
use actix_election::{Close, Strategy};

use process::Process;
use role::Tally;
use subject::Subject;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(10);

#[actix::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if has(subject::SERVE) {
        return subject::serve().await;
    }
    let strategy = if has("queue") { Strategy::Queue } else { Strategy::Lock };
    let count = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(5_000);
    let subject = if has("real") { Subject::real().await? } else { Subject::in_process()? };
    println!("{strategy:?}, {}, {count} elections", if has("real") { "real" } else { "in-process" });
    if !has("handover") {
        many(&subject, strategy, count).await?;
    }
    if !has("many") {
        handover::measure(&subject, strategy).await?;
    }
    Ok(())
}

async fn many(subject: &Subject, strategy: Strategy, count: usize) -> Outcome<()> {
    let process = Process::own();
    let before = process.resident()?;
    let first = Side::open(subject)?;
    let elections = first.campaign_all("elect all", strategy, count).await?;
    first.tally.masters(count).await;
    first.say("elect all");
    let one_side = process.resident()?;

    let second = Side::open(subject)?;
    let others = second.campaign_all("join all", strategy, count).await?;
    second.tally.standbys(count).await;
    second.say("join all as standby");
    let both_sides = process.resident()?;
    let each = |bytes: f64| bytes / 1024.0 / count as f64;
    println!("{:32} {:9.1} KiB each", "memory, master", each(one_side - before));
    println!("{:32} {:9.1} KiB each", "memory, standby", each(both_sides - one_side));
    println!("{:32} {:9.1} MiB", "memory of the process", both_sides / f64::from(1 << 20));

    let (cpu, packets) = (process.cpu()?, subject.packets().await?);
    tokio::time::sleep(IDLE).await;
    let (cpu, packets) = (process.cpu()? - cpu, subject.packets().await? - packets);
    println!("{:32} {:9.2} % of a core", "idle, both sides", 100.0 * cpu.as_secs_f64() / IDLE.as_secs_f64());
    println!("{:32} {:9.1} per second", "idle, requests", packets / IDLE.as_secs_f64());

    let started = Instant::now();
    let closed = first.session.send(Close);
    first.tally.standbys(count).await;
    println!("{:32} {:9.3} s", "  take over all: stepped down", started.elapsed().as_secs_f64());
    second.tally.masters(count).await;
    println!("{:32} {:9.3} s", "take over all", started.elapsed().as_secs_f64());
    closed.await?;
    drop((elections, others));
    second.session.send(Close).await?;
    Ok(())
}

/// A session, and the role of all its elections.
struct Side {
    session: Addr<Session>,
    tally: Tally,
    started: Instant,
}

impl Side {
    fn open(subject: &Subject) -> Outcome<Self> {
        let session = Session::builder(&subject.connect_string()).session_timeout(SESSION_TIMEOUT).start()?;
        Ok(Side { session, tally: Tally::start(), started: Instant::now() })
    }

    async fn campaign_all(
        &self,
        what: &str,
        strategy: Strategy,
        count: usize,
    ) -> Outcome<Vec<Addr<Election>>> {
        let starts = (0..count).map(|number| {
            let builder = Election::builder(&format!("/many/{number}")).address("127.0.0.1:8080");
            builder.strategy(strategy).role(&self.tally.role).campaign(&self.session)
        });
        let elections = futures::future::try_join_all(starts).await?;
        println!("{:32} {:9.3} s", format!("  {what}: started"), self.started.elapsed().as_secs_f64());
        Ok(elections)
    }

    fn say(&self, what: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        println!("{what:32} {seconds:9.3} s");
    }
}
