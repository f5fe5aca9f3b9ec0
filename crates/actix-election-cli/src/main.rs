//! The `elect` command: leader election on ZooKeeper for scripts and operators.
//!
//! - [`args`] is the command line: what can be given, what is refused, and what `--help` shows.
//! - [`commands`] are the commands, and what all of them begin and end with.
//! - [`events`] is what they print, in which [`colour`]; [`output`] are the threads that print it.
//! - [`exit`] is how they end; [`stop`] ends them, whatever blocks, and [`signals`] is what makes it.
//! - [`logs`] and [`runtime`] are what they run with.

mod args;
mod colour;
mod commands;
mod events;
mod exit;
mod logs;
mod output;
mod runtime;
mod signals;
mod stop;

use std::process::ExitCode;

use args::Parsed;
use exit::Ending;

fn main() -> ExitCode {
    exit::tell_panics();
    let ending = match args::parse(std::env::args_os()) {
        Ok(Parsed::Run(cli)) => commands::run(cli),
        Ok(Parsed::Show(text)) => exit::show(&text),
        Err(refused) => {
            if let Some(help) = &refused.help {
                // Why it is shown is told in any case.
                exit::show(help);
            }
            Ending::Unusable(refused.why)
        }
    };
    ending.conclude()
}
