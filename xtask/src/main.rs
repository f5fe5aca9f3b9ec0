//! The project's own tasks, run as `cargo xtask <task>`.
//!
//! A check lives here and nowhere else, so that the command a contributor types, the README and the
//! continuous integration (`.ci/run`) cannot come to differ. Tasks stop at the first failure and hand on the
//! exit code of the command that failed.
//!
//! A task that is missing something it needs fails and says what to do. None is skipped in silence.

// The tasks report to a person or to a log: standard output is what they are for.
#![allow(clippy::print_stdout)]

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod checks;
mod clients;
mod command;
mod fuzz;
mod licences;
mod metadata;
mod msrv;
mod mutants;
mod package;
mod storm;
mod zookeeper;

use command::Failure;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Checks and tests of actix-election", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, the ones against a real ZooKeeper included (installed if it is missing)
    Test {
        /// Handed to both calls of `cargo test`: a name to filter by, say, or `--release`; what follows a
        /// second `--` goes to the test binaries
        #[arg(last = true, value_name = "ARGS")]
        extra: Vec<OsString>,
    },
    /// Install what the tests need and this machine has not: a real ZooKeeper, Java, the clients of others, a C++ compiler
    ///
    /// Each package is named before it is installed, with the command that does it by hand. The other tasks do the same with
    /// what they need themselves.
    Setup,
    /// Check formatting, clippy, the documentation, licences, the public API and that all mutants fit
    ///
    /// A warning is an error.
    Lint,
    /// Compare the public API of what is published with the lists in `docs/api`
    Api(api::Options),
    /// See that the crates could be published: make the packages and compile each from what it holds
    Package,
    /// Check that the declared minimum Rust version holds
    ///
    /// If rustup has that very toolchain, the workspace is compiled with it. If not, no package that the workspace depends on
    /// may declare a newer one. Uses of the standard library that are too new are found by clippy's `incompatible_msrv`, too,
    /// which is part of `lint`.
    Msrv,
    /// Look for bytes and transactions that break the in-process server, guided by what they reach in its code
    ///
    /// What was found to lead anywhere is kept in `target/fuzz/corpus`, so that a longer run goes on from there.
    Fuzz(fuzz::Options),
    /// Make mistakes in a copy of the core, one at a time, and see that its tests find each
    Mutants(mutants::Options),
    /// Hurt real servers and real candidates for a while, and judge what they say
    ///
    /// Without a seed it takes a fresh one, and prints it.
    Storm {
        /// How long, in minutes
        #[arg(long, default_value_t = 3.0)]
        minutes: f64,
        /// Do what was done under this seed
        #[arg(long)]
        seed: Option<u64>,
        /// Handed to `elect campaign`; with several, the elections take them in turn
        #[arg(long, value_name = "lock|queue")]
        strategy: Vec<String>,
        /// Instead, let the judge find the faults of an elector that trusts its client
        #[arg(long, conflicts_with_all = ["minutes", "seed", "strategy"])]
        self_test: bool,
    },
    /// Measure elections beside Curator, kazoo and the bare client, on real servers
    ///
    /// Every argument goes to `election-bench`: sections by name, `--quick`, `--docs`,
    /// `--strict`; `--help` tells of them.
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<OsString>,
    },
    /// Run lint, msrv, test, package, bench --quick, fuzz, mutants and two short storms, in that order
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test { extra } => checks::test(&extra),
        Task::Setup => checks::setup(),
        Task::Lint => checks::lint(),
        Task::Api(options) => api::api(&options),
        Task::Package => package::package(),
        Task::Msrv => msrv::check(),
        Task::Fuzz(options) => fuzz::fuzz(&options),
        Task::Mutants(options) => mutants::mutants(&options),
        Task::Storm { self_test: true, .. } => storm::self_test(),
        Task::Storm { minutes, seed, strategy, .. } => storm::storm(minutes, seed, &strategy),
        Task::Bench { arguments } => bench::bench(&arguments),
        Task::Ci => checks::ci(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// What a task comes to.
type Outcome = Result<(), Failure>;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_for_cargo_test_are_kept_as_given() {
        let cli =
            Cli::try_parse_from(["xtask", "test", "--", "--release", "name", "--", "--nocapture"]).unwrap();
        let Task::Test { extra } = cli.task else { panic!("not the test task") };
        assert_eq!(extra, ["--release", "name", "--", "--nocapture"]);
    }

    #[test]
    fn arguments_for_the_benchmarks_are_kept_as_given() {
        let cli = Cli::try_parse_from(["xtask", "bench", "handover", "--quick", "--help"]).unwrap();
        let Task::Bench { arguments } = cli.task else { panic!("not the bench task") };
        assert_eq!(arguments, ["handover", "--quick", "--help"]);
    }

    #[test]
    fn a_crash_is_replayed_on_its_target_only() {
        let parsed = |line: &str| Cli::try_parse_from(line.split(' ')).is_ok();
        assert!(parsed("xtask fuzz") && parsed("xtask fuzz server --seconds 600"));
        assert!(parsed("xtask fuzz server --replay crash"));
        assert!(!parsed("xtask fuzz --replay crash"), "of which target?");
        assert!(!parsed("xtask fuzz server --replay crash --seconds 9") && !parsed("xtask fuzz --seconds 0"));
    }
}
