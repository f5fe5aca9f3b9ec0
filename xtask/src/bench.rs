//! The benchmarks, with what they measure beside the library.

use std::ffi::OsString;

use crate::command::{cargo, run};
use crate::{Outcome, clients, zookeeper};

/// Builds everything that is measured in one profile, and measures. `arguments` goes to `election-bench`.
///
/// A quick run shows that the harness works: there, what the tests have built is good enough.
pub(crate) fn bench(arguments: &[OsString]) -> Outcome {
    let zookeeper = zookeeper::provide()?;
    clients::provide()?;
    let profile = if arguments.iter().any(|argument| argument == "--quick") { "dev" } else { "release" };
    // The processes that some sections start.
    run(cargo().args(["build", "--profile", profile, "-p", "actix-election-cli", "-p", "election-bench"]))?;
    let mut command = cargo();
    match &zookeeper.home {
        Some(home) => command.env(zookeeper::HOME, home),
        None => command.env_remove(zookeeper::HOME),
    };
    run(command.args(["run", "--profile", profile, "-p", "election-bench", "--"]).args(arguments))
}
