//! How the in-process server compares with a real one: throughput, memory, and the time to the first reply.
//!
//! ```sh
//! cargo run --release --package zookeeper-testkit --example compare
//! ```
//!
//! Both are asked the same by the same client, in turns, in one run: only the ratios are worth something. For throughput
//! and memory the in-process server is put into a process of its own, so that the client is not counted with it. The
//! real one runs as the launcher starts it, with `forceSync=no`: its JVM is tuned to start fast. Where every change is to be
//! on the disk before it is answered, the real one has `forceSync=yes` and ours a folder. It fails where the in-process
//! server misses what it is meant to reach.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod load;
mod subject;

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use load::{Connection, create_all, read_all};
use subject::Subject;
use zookeeper_testkit::{Ensemble, TestServer};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CONNECTIONS: usize = 4;
/// Requests of one round, by each connection.
const REQUESTS: usize = 10_000;
/// Rounds that count, after one that does not. The medians are shown.
const ROUNDS: usize = 5;
const STARTS: usize = 5;
const SESSIONS: usize = 5_000;
const ZNODES: usize = 100_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == subject::SERVE) {
        return subject::serve(arguments.get(1).map(OsString::as_os_str)).await;
    }
    println!("| | in-process | real | ratio, in-process : real |\n|---|---:|---:|---:|");
    let start = starts().await?;
    row("start to first reply", start.0, start.1, |seconds| format!("{:.2} ms", 1e3 * seconds));
    let memory_only = [Subject::in_process(None)?, Subject::real(false).await?];
    let [creates, reads] = throughput(&memory_only).await?;
    row("creates per second", creates.0, creates.1, |rate| format!("{rate:.0}"));
    row("reads per second", reads.0, reads.1, |rate| format!("{rate:.0}"));
    let folder = tempfile::tempdir()?;
    let synced = [Subject::in_process(Some(folder.path()))?, Subject::real(true).await?];
    let [kept, _] = throughput(&synced).await?;
    row("creates per second, each on the disk", kept.0, kept.1, |rate| format!("{rate:.0}"));
    drop(synced);
    let ours = memory(&Subject::in_process(None)?).await?;
    let theirs = memory(&Subject::real(false).await?).await?;
    let names = [
        "resident, started".to_owned(),
        format!("resident, {SESSIONS} sessions"),
        format!("resident, {SESSIONS} sessions and {ZNODES} znodes"),
    ];
    for (name, (ours, theirs)) in names.iter().zip(ours.into_iter().zip(theirs)) {
        row(name, ours, theirs, |bytes| format!("{:.1} MiB", bytes / f64::from(1 << 20)));
    }
    judge(&[
        ("the first reply within 20 ms", start.0 < 0.020),
        ("twice the creates of the real one", creates.0 >= 2.0 * creates.1),
        ("twice the reads of the real one", reads.0 >= 2.0 * reads.1),
        ("everything in less than 200 MB", ours.iter().all(|bytes| *bytes < 200e6)),
    ])
}

/// Fails where a goal is missed.
fn judge(goals: &[(&str, bool)]) -> Outcome<()> {
    let missed: Vec<_> = goals.iter().filter(|(_, met)| !met).map(|(goal, _)| *goal).collect();
    if missed.is_empty() { Ok(()) } else { Err(format!("missed: {}", missed.join("; ")).into()) }
}

fn row(name: &str, ours: f64, theirs: f64, show: impl Fn(f64) -> String) {
    println!("| {name} | {} | {} | {:.4} |", show(ours), show(theirs), ours / theirs);
}

/// Seconds from nothing to the reply to a ping.
async fn starts() -> Outcome<(f64, f64)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = TestServer::start().await?;
        first_reply(server.address()).await?;
        ours.push(started.elapsed().as_secs_f64());

        let started = Instant::now();
        let ensemble = Ensemble::single().await?;
        first_reply(ensemble.server(0).address()).await?;
        theirs.push(started.elapsed().as_secs_f64());
    }
    Ok((median(ours), median(theirs)))
}

async fn first_reply(server: SocketAddr) -> Outcome<()> {
    let timeout = Duration::from_secs(10);
    Ok(zookeeper_testkit::wire::RawClient::connect(server, timeout, None).await?.ping().await?)
}

/// Creates and reads per second, each of the in-process server and of the real one.
async fn throughput(subjects: &[Subject; 2]) -> Outcome<[(f64, f64); 2]> {
    let mut rates = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for round in 0..=ROUNDS {
        for (subject, [creates, reads]) in subjects.iter().zip(&mut rates) {
            let create = create_all(subject.address(), round, CONNECTIONS, REQUESTS).await?;
            let read = read_all(subject.address(), round, CONNECTIONS, REQUESTS).await?;
            if round > 0 {
                creates.push(create);
                reads.push(read);
            }
        }
    }
    let [[our_creates, our_reads], [their_creates, their_reads]] = rates.map(|rates| rates.map(median));
    Ok([(our_creates, their_creates), (our_reads, their_reads)])
}

/// Resident bytes: started, with sessions, and with znodes as well.
async fn memory(subject: &Subject) -> Outcome<[f64; 3]> {
    first_reply(subject.address()).await?;
    let started = subject.resident()?;
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(Connection::open(subject.address()).await?);
    }
    let with_sessions = subject.resident()?;
    create_all(subject.address(), 0, CONNECTIONS, ZNODES / CONNECTIONS).await?;
    Ok([started, with_sessions, subject.resident()?])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
