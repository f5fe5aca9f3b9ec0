//! The commands, and what all of them begin and end with.
//!
//! [`query`] is what those have in common that ask an ensemble without competing.

mod campaign;
mod completions;
mod dev;
mod man;
mod query;
mod resign;
mod status;
mod watch;

use tracing::level_filters::LevelFilter;

use crate::args::{Cli, Command};
use crate::exit::Ending;
use crate::output::Output;
use crate::stop::{Kind, Stop};
use crate::{logs, runtime};

/// What a command has that runs for a while.
struct Context {
    output: Output,
    stop: Stop,
}

/// Carries out the command.
pub(crate) fn run(cli: Cli) -> Ending {
    let Cli { ensemble, command } = cli;
    match command {
        Command::Campaign(args) => {
            logs::start(LevelFilter::WARN);
            within(Kind::Endless, async |context| campaign::run(&ensemble, args, context).await)
        }
        Command::Watch(args) => {
            logs::start(LevelFilter::WARN);
            within(Kind::Endless, async |context| watch::run(&ensemble, &args, context).await)
        }
        Command::Status(args) => {
            logs::start(LevelFilter::ERROR);
            within(Kind::OneShot, async |context| status::run(&ensemble, &args, context).await)
        }
        Command::Resign(args) => {
            logs::start(LevelFilter::ERROR);
            within(Kind::OneShot, async |context| resign::run(&ensemble, &args, context).await)
        }
        Command::Dev(args) => {
            dev::start_logs(&args);
            within(Kind::Endless, async |context| dev::run(&args, context).await)
        }
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// Runs this in an actix system, with signals listened to and standard output open.
fn within(kind: Kind, command: impl AsyncFnOnce(&Context) -> Result<Ending, Ending>) -> Ending {
    let begin_and_run = || {
        // First of all: from here on a signal does not simply kill.
        let stop = Stop::on_signals(kind)?;
        let system = runtime::system()?;
        let output = Output::start(stop.clone()).map_err(Ending::output_failed)?;
        system.block_on(command(&Context { output, stop }))
    };
    begin_and_run().unwrap_or_else(|ending| ending)
}
