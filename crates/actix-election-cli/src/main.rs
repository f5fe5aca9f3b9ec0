//! The `elect` command: leader election on ZooKeeper for scripts and operators.
//!
//! - [`args`] says what can be given, [`values`] refuses what cannot be used; [`help`] is what `--help` shows.
//! - [`campaign`], [`watch`], [`status`], [`resign`] and [`dev`] are the commands.
//! - [`news`] is the actor behind all commands but `campaign`.
//! - [`events`] is what they print, and [`output`] are the threads that print it.
//! - [`runtime`] is what a command runs in.
//! - [`stop`] is how the process comes to its end, whatever blocks; [`signals`] is what makes it.

mod args;
mod campaign;
mod dev;
mod events;
mod exit;
mod help;
mod logs;
mod news;
mod output;
mod resign;
mod runtime;
mod signals;
mod status;
mod stop;
mod values;
mod watch;

use std::process::ExitCode;

use args::{Command, Parsed};
use exit::Ending;

fn main() -> ExitCode {
    exit::tell_panics();
    let cli = match args::parse(std::env::args_os()) {
        Ok(Parsed::Run(cli)) => cli,
        Ok(Parsed::Show(text)) => return exit::show(&text),
        Err(refused) => return Ending::Unusable(refused).conclude(),
    };
    let ending = match cli.command {
        Command::Campaign(args) => campaign::run(&cli.ensemble, args),
        Command::Status(args) => status::run(&cli.ensemble, &args),
        Command::Watch(args) => watch::run(&cli.ensemble, &args),
        Command::Resign(args) => resign::run(&cli.ensemble, &args),
        Command::Dev(args) => dev::run(&args),
    };
    ending.conclude()
}
