//! The storm, to be started by `cargo xtask storm`.
//!
//! Ends with 0 if all is well and with 1 if not. A signal ends it, and everything that it has started.

#![allow(clippy::print_stdout, reason = "speaking on standard output is what it is for")]

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use election_tests::storm::{END_LIMIT, Settings, self_test, storm};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// The longest storm: seven days.
const LONGEST: f64 = 7.0 * 24.0 * 60.0;
/// Exit codes: a signal's number is added to the first, as shells do.
const SIGNAL: u8 = 128;
const HANGS: i32 = 3;

#[derive(Parser)]
#[command(about = "Hurts real servers and real processes, and judges what the processes say")]
struct Arguments {
    /// How long it rages
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// Where all chance comes from; a fresh one unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Given to the candidates; with several, the elections take them in turn
    #[arg(long)]
    strategy: Vec<String>,
    /// Instead, show that the judge finds what an elector does wrong that trusts its client
    #[arg(long)]
    self_test: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !(arguments.minutes > 0.0 && arguments.minutes <= LONGEST) {
        eprintln!("storm: --minutes has to be more than 0 and at most {LONGEST}");
        return ExitCode::from(2);
    }
    let length = Duration::from_secs_f64(60.0 * arguments.minutes);
    // What waits does so for a limited time. Should that be wrong, everything ends all the same.
    std::thread::spawn(move || {
        std::thread::sleep(length + END_LIMIT);
        eprintln!("storm: it hangs");
        std::process::exit(HANGS);
    });
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("storm: {error}");
            return ExitCode::FAILURE;
        }
    };
    // On this thread, whose end ends the processes that it starts.
    runtime.block_on(async {
        tokio::select! {
            well = rage(arguments, length) => if well { ExitCode::SUCCESS } else { ExitCode::FAILURE },
            number = interrupted() => ExitCode::from(SIGNAL + number),
        }
    })
}

async fn rage(arguments: Arguments, length: Duration) -> bool {
    if arguments.self_test {
        return self_test().await;
    }
    // A hasher's random keys serve as the random number.
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    storm(Settings::new(seed, &arguments.strategy), length).await
}

/// Returns the number of the first signal that asks for the end.
async fn interrupted() -> u8 {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    }
}
