//! `elect status`: who is master?

use std::time::Duration;

use actix::System;
use actix_election::Master;
use tracing::level_filters::LevelFilter;

use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Format, StatusReport};
use crate::exit::{Ending, NO_MASTER, SUCCESS};
use crate::logs;
use crate::news::{Account, Inquiry, News};
use crate::output::Output;
use crate::stop::{Kind, Stop};

/// How long to look for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(ensemble: &EnsembleArgs, args: &PathArgs) -> Ending {
    logs::start(LevelFilter::ERROR);
    let stop = match Stop::on_signals(Kind::OneShot) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    System::new().block_on(status(ensemble, args, &stop)).unwrap_or_else(|ending| ending)
}

async fn status(ensemble: &EnsembleArgs, args: &PathArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
    let mut inquiry = Inquiry::start(ensemble)?;
    let answer = tokio::select! {
        answer = ask(&mut inquiry, args) => answer,
        why = stop.requested() => Err(stop.ending(why)),
    };
    if let Ok(master) = &answer {
        output.print(StatusReport::of_lock(master.as_ref()).line(Format::new(args.json)));
    }
    inquiry.close().await;
    output.written().await;
    let code = if answer?.is_some() { SUCCESS } else { NO_MASTER };
    Ok(stop.ending_unless_output_failed(Ending::Code(code)))
}

async fn ask(inquiry: &mut Inquiry, args: &PathArgs) -> Result<Option<Master>, Ending> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    inquiry.observe(&args.path).await?;
    let mut account = Account::default();
    loop {
        let Ok(news) = tokio::time::timeout_at(deadline, inquiry.news.recv()).await else {
            let why = account.no_answer(PATIENCE, "the ensemble has not said who is master");
            return Err(Ending::Failed(why));
        };
        match news {
            Some(News::Master(master)) => return Ok(master),
            // Of the election itself: it would only be tried again.
            Some(News::Problem(problem)) if problem.path.is_some() => {
                return Err(Ending::Failed(problem.message));
            }
            Some(news) => account.note(&news),
            None => return Err(Ending::Failed("the session is closed".into())),
        }
    }
}
