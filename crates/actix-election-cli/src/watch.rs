//! `elect watch`: who is master, now and on every change.

use actix::System;
use actix_election::clock;
use tracing::level_filters::LevelFilter;

use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Event, Format};
use crate::exit::Ending;
use crate::logs;
use crate::news::{Inquiry, News};
use crate::output::Output;
use crate::stop::{Kind, Stop};

pub(crate) fn run(ensemble: &EnsembleArgs, args: &PathArgs) -> Ending {
    logs::start(LevelFilter::WARN);
    let stop = match Stop::on_signals(Kind::Endless) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    System::new().block_on(watch(ensemble, args, &stop)).unwrap_or_else(|ending| ending)
}

async fn watch(ensemble: &EnsembleArgs, args: &PathArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
    let mut inquiry = Inquiry::start(ensemble)?;
    let why = tokio::select! {
        ending = follow(&mut inquiry, args, &output) => Err(ending),
        why = stop.requested() => Ok(why),
    };
    inquiry.close().await;
    output.finish().await;
    Ok(stop.ending(why?))
}

/// Returns only if something is wrong. What the ensemble has to say about it is logged by the library.
async fn follow(inquiry: &mut Inquiry, args: &PathArgs, output: &Output) -> Ending {
    if let Err(error) = inquiry.observe(&args.path).await {
        return error.into();
    }
    let mut last = None;
    while let Some(news) = inquiry.news.recv().await {
        if let News::Master(master) = news
            && last.as_ref() != Some(&master)
        {
            let event = Event::master_changed(master.as_ref());
            output.print(event.line(clock::now(), Format::new(args.json)));
            last = Some(master);
        }
    }
    Ending::Failed("the session is closed".into())
}
