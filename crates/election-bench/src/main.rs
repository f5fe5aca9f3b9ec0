//! Benchmarks: elections of this library beside Curator's LeaderLatch, kazoo's Election and the bare client.
//!
//! ```sh
//! cargo xtask bench [SECTION...] [--quick] [--docs]
//! ```
//!
//! All subjects of a section are measured in one run, in turns, on the same three real servers: only the ratios between
//! them are worth something. The report goes to standard output, and with charts into `target/bench`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report is what it is for")]

mod candidate;
mod chart;
mod load;
mod measure;
mod peer;
mod report;
mod section;
mod stats;
mod subject;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_election::Strategy;
use clap::{Parser, Subcommand, ValueEnum};
use report::Part;
use section::{Scale, Section};
use subject::board::Board;
use subject::ours::Ours;
use subject::raw::{Floor, Raw};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Benchmarks of actix-election", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    /// What to measure; everything unless given
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Only see whether the harness works; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Also put the results and the charts into docs/benchmarks.md and docs/benchmarks
    #[arg(long, conflicts_with = "quick")]
    docs: bool,
    /// Fail where a bar is missed
    #[arg(long)]
    strict: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Stand in elections as standard input says: for the harness
    #[command(hide = true)]
    Subject {
        #[arg(value_enum)]
        kind: SubjectKind,
    },
    /// Keep sessions that probe or ping as standard input says: for the harness
    #[command(hide = true)]
    Load { connect: String, sessions: u32, timeout_millis: u64 },
}

#[derive(Clone, Copy, ValueEnum)]
enum SubjectKind {
    Queue,
    Lock,
    QueueFloor,
    LockFloor,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.role {
        Some(Role::Subject { kind }) => subject(kind).map(|()| ExitCode::SUCCESS),
        Some(Role::Load { connect, sessions, timeout_millis }) => runtime()
            .and_then(|runtime| {
                runtime.block_on(load::run(&connect, sessions, Duration::from_millis(timeout_millis)))
            })
            .map(|()| ExitCode::SUCCESS),
        None => measure_all(cli),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("election-bench: {error}");
        ExitCode::FAILURE
    })
}

fn subject(kind: SubjectKind) -> Outcome<()> {
    let board = Arc::new(Board::default());
    actix::System::new().block_on(async {
        let own = Arc::clone(&board);
        match kind {
            SubjectKind::Queue => subject::serve(Ours::new(Strategy::Queue, own), &board).await,
            SubjectKind::Lock => subject::serve(Ours::new(Strategy::Lock, own), &board).await,
            SubjectKind::QueueFloor => subject::serve(Raw::new(Floor::Queue, own), &board).await,
            SubjectKind::LockFloor => subject::serve(Raw::new(Floor::Lock, own), &board).await,
        }
    })
}

fn measure_all(cli: Cli) -> Outcome<ExitCode> {
    let sections = if cli.sections.is_empty() { Section::value_variants().to_vec() } else { cli.sections };
    let scale = if cli.quick { Scale::Quick } else { Scale::Full };
    let output = peer::target()?.join("bench");
    std::fs::create_dir_all(&output)?;
    let runtime = runtime()?;
    let mut parts = Vec::new();
    for section in sections {
        let part = runtime.block_on(section.run(scale))?;
        std::fs::write(output.join(format!("{}.svg", part.name)), chart::svg(&part))?;
        if cli.docs {
            publish(&part)?;
        }
        parts.push(part);
        // After each, so that what a long run has found is never lost.
        std::fs::write(output.join("report.md"), report::markdown(&parts))?;
    }
    println!("{}", report::markdown(&parts));
    progress(&format!("written to {}", output.display()));
    let missed = parts.iter().flat_map(|part| &part.bars).filter(|bar| !bar.is_met()).count();
    Ok(if cli.strict && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Puts a section into the page for users.
fn publish(part: &Part) -> Outcome<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (page, charts) = (docs.join("benchmarks.md"), docs.join("benchmarks"));
    let filled = report::fill(&std::fs::read_to_string(&page)?, std::slice::from_ref(part), "benchmarks")?;
    if !part.charts.is_empty() {
        std::fs::create_dir_all(&charts)?;
        std::fs::write(charts.join(format!("{}.svg", part.name)), chart::svg(part))?;
    }
    Ok(std::fs::write(page, filled)?)
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// Says what is being done: on standard error, apart from the report.
pub(crate) fn progress(text: &str) {
    eprintln!("election-bench: {text}");
}
