//! `elect status`: who is master?

use std::time::Duration;

use actix_election::{Candidate, candidates};
use tracing::level_filters::LevelFilter;

use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Format, StatusReport};
use crate::exit::{Ending, NO_MASTER, SUCCESS};
use crate::logs;
use crate::news::Inquiry;
use crate::output::Output;
use crate::runtime;
use crate::stop::{Kind, Stop};

/// How long to look for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(ensemble: &EnsembleArgs, args: &PathArgs) -> Ending {
    logs::start(LevelFilter::ERROR);
    let stop = match Stop::on_signals(Kind::OneShot) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    let system = match runtime::system() {
        Ok(system) => system,
        Err(ending) => return ending,
    };
    system.block_on(status(ensemble, args, &stop)).unwrap_or_else(|ending| ending)
}

async fn status(ensemble: &EnsembleArgs, args: &PathArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
    let mut inquiry = Inquiry::start(ensemble)?;
    let answer = tokio::select! {
        answer = ask(&mut inquiry, args) => answer,
        why = stop.requested() => Err(stop.ending(why)),
    };
    if let Ok(candidates) = &answer {
        output.print(StatusReport::of(candidates).line(Format::new(args.json)));
    }
    inquiry.close().await;
    output.written().await;
    let code = if answer?.is_empty() { NO_MASTER } else { SUCCESS };
    Ok(stop.ending_unless_output_failed(Ending::Code(code)))
}

async fn ask(inquiry: &mut Inquiry, args: &PathArgs) -> Result<Vec<Candidate>, Ending> {
    let session = inquiry.session.clone();
    let answer = candidates(&session, args.path.as_str(), PATIENCE);
    inquiry.answer(answer, "the ensemble has not said who is master").await
}
