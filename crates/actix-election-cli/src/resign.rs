//! `elect resign`: asks the master to step down in order.

use std::time::Duration;

use actix_election::{Asked, ask_to_resign};
use tracing::level_filters::LevelFilter;

use crate::args::{EnsembleArgs, ResignArgs};
use crate::exit::{Ending, SUCCESS};
use crate::logs;
use crate::news::Inquiry;
use crate::output::Output;
use crate::runtime;
use crate::stop::{Kind, Stop};

/// How long the master has.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(ensemble: &EnsembleArgs, args: &ResignArgs) -> Ending {
    logs::start(LevelFilter::ERROR);
    let stop = match Stop::on_signals(Kind::OneShot) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    let system = match runtime::system() {
        Ok(system) => system,
        Err(ending) => return ending,
    };
    system.block_on(resign(ensemble, args, &stop)).unwrap_or_else(|ending| ending)
}

async fn resign(ensemble: &EnsembleArgs, args: &ResignArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
    let mut inquiry = Inquiry::start(ensemble)?;
    let asked = tokio::select! {
        asked = ask(&mut inquiry, args) => asked,
        why = stop.requested() => Err(stop.ending(why)),
    };
    if let Ok(asked) = &asked {
        output.print(match asked {
            Asked::Resigned(token) => format!("the master of token {token} has given up the lock"),
            _ => "there is no master".to_owned(),
        });
    }
    // A request that still stands goes with the session.
    inquiry.close().await;
    output.written().await;
    asked.map(|_| stop.ending_unless_output_failed(Ending::Code(SUCCESS)))
}

async fn ask(inquiry: &mut Inquiry, args: &ResignArgs) -> Result<Asked, Ending> {
    let session = inquiry.session.clone();
    let asked = ask_to_resign(&session, args.path.as_str(), PATIENCE);
    inquiry.answer(asked, "the ensemble has not said who is master").await
}
