//! `elect completions`: a script for the shell.

use crate::args::{self, CompletionsArgs};
use crate::exit::{self, Ending};

pub(super) fn run(args: &CompletionsArgs) -> Ending {
    exit::show(&script(args.shell))
}

fn script(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "elect", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
