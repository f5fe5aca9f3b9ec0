//! The task that starts the storm, which lives with the end-to-end tests.

use std::path::Path;
use std::process::Command;

use crate::command::{cargo, run};
use crate::{Outcome, zookeeper};

/// Asks a process to end when its parent is gone, where util-linux is there.
const SETPRIV: &str = "/usr/bin/setpriv";

/// Rages for so many minutes.
pub(crate) fn storm(minutes: f64, seed: Option<u64>, strategies: &[String]) -> Outcome {
    let mut arguments = vec!["--minutes".to_owned(), minutes.to_string()];
    arguments.extend(seed.map(|seed| format!("--seed={seed}")));
    arguments.extend(strategies.iter().map(|strategy| format!("--strategy={strategy}")));
    start(&arguments)
}

/// Shows that the judge finds two masters where there are two, and where it has to.
pub(crate) fn self_test() -> Outcome {
    start(&["--self-test".to_owned()])
}

fn start(arguments: &[String]) -> Outcome {
    let zookeeper = zookeeper::provide()?;
    let mut command = tied(cargo());
    command.args(["run", "--quiet", "-p", "election-tests", "--bin", "storm", "--"]).args(arguments);
    zookeeper.name_in(&mut command);
    run(&mut command)
}

/// The same program with the same folder, but it does not outlive this task.
fn tied(program: Command) -> Command {
    if !Path::new(SETPRIV).exists() {
        return program;
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "TERM"]).arg(program.get_program()).stdin(std::process::Stdio::null());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command
}
