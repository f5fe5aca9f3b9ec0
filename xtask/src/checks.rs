//! The tasks that call cargo: lint, test, and all of them in a row.

use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

use crate::command::{cargo, run};
use crate::{Outcome, api, bench, clients, fuzz, licences, msrv, mutants, package, storm, zookeeper};

/// Installs what is missing for any of the tasks.
pub(crate) fn setup() -> Outcome {
    zookeeper::provide()?;
    clients::provide()?;
    fuzz::provide_compiler()
}

/// What needs no test to be run, with warnings as errors: what is quick first.
pub(crate) fn lint() -> Outcome {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    mutants::mutants(&mutants::Options::check())?;
    licences::check()?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    run(cargo().env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--workspace", "--no-deps"]))?;
    api::api(&api::Options::default())?;
    fuzz::lint()
}

/// Every test of the workspace, after making sure of a real ZooKeeper. `extra` goes to `cargo test`.
pub(crate) fn test(extra: &[OsString]) -> Outcome {
    let zookeeper = zookeeper::provide()?;
    clients::provide()?;
    let with_zookeeper = |mut command: Command| {
        zookeeper.name_in(&mut command);
        command
    };

    // Cargo builds a package's binary for that package's own tests only; the end-to-end tests live in another.
    let profile = extra.iter().take_while(|word| *word != "--").filter(|word| *word == "--release");
    run(cargo().args(["build", "-p", "actix-election-cli"]).args(profile))?;

    run(with_zookeeper(cargo()).args(["test", "--workspace", "--all-targets"]).args(extra))?;
    // `--all-targets` leaves the documentation's examples out.
    run(with_zookeeper(cargo()).args(["test", "--workspace", "--doc"]).args(extra))
}

/// How many minutes the storm rages in continuous integration, under a fresh seed each time.
const CI_STORM: f64 = 3.0;

/// Everything that has to hold before a change is merged.
pub(crate) fn ci() -> Outcome {
    let started = Instant::now();
    timed("lint", lint)?;
    timed("msrv", msrv::check)?;
    timed("test", || test(&[]))?;
    timed("package", package::package)?;
    timed("bench", || bench::bench(&["--quick".into()]))?;
    timed("fuzz", || fuzz::fuzz(&fuzz::Options::default()))?;
    timed("mutants", || mutants::mutants(&mutants::Options::default()))?;
    timed("judge's self-test", storm::self_test)?;
    timed("storm", || storm::storm(CI_STORM, None, &["lock".to_owned(), "queue".to_owned()]))?;
    println!("==> all passed in {}", seconds(started));
    Ok(())
}

fn timed(name: &str, task: impl FnOnce() -> Outcome) -> Outcome {
    println!("==> {name}");
    let started = Instant::now();
    let outcome = task();
    let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
    println!("==> {name} {verdict} after {}", seconds(started));
    outcome
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
