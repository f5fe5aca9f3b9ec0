//! `elect watch`: who is master, now and on every change.

use actix_election::{SessionState, clock};
use tracing::level_filters::LevelFilter;

use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Event, Format};
use crate::exit::Ending;
use crate::logs;
use crate::news::{Inquiry, News};
use crate::output::Output;
use crate::runtime;
use crate::stop::{Kind, Stop, Why};

pub(crate) fn run(ensemble: &EnsembleArgs, args: &PathArgs) -> Ending {
    logs::start(LevelFilter::WARN);
    let stop = match Stop::on_signals(Kind::Endless) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    let system = match runtime::system() {
        Ok(system) => system,
        Err(ending) => return ending,
    };
    system.block_on(watch(ensemble, args, &stop)).unwrap_or_else(|ending| ending)
}

async fn watch(ensemble: &EnsembleArgs, args: &PathArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
    let mut inquiry = Inquiry::start(ensemble)?;
    let why = tokio::select! {
        ending = follow(&mut inquiry, args, &output, stop) => Err(ending),
        why = stop.requested() => Ok(why),
    };
    inquiry.close().await;
    output.finish().await;
    Ok(stop.ending(why?))
}

/// Returns only if something is wrong. What the ensemble has to say about it is logged by the library.
async fn follow(inquiry: &mut Inquiry, args: &PathArgs, output: &Output, stop: &Stop) -> Ending {
    if let Err(error) = inquiry.observe(&args.path).await {
        return error.into();
    }
    let mut last = None;
    while let Some(news) = inquiry.news.recv().await {
        match news {
            News::Master(master) if last.as_ref() != Some(&master) => {
                let event = Event::master_changed(master.as_ref());
                output.print(event.line(clock::now(), Format::new(args.json)));
                last = Some(master);
            }
            // Nobody asks for that before this is over.
            News::Session(SessionState::Closed) => break,
            _ => {}
        }
    }
    stop.ending(Why::SessionEnded)
}

#[cfg(test)]
mod tests {
    use actix::System;

    use super::*;
    use crate::args::{self, Command, Parsed};

    #[test]
    fn a_session_that_ends_unasked_ends_the_command_as_a_failure() {
        let args = ["elect", "watch", "/m", "--zookeeper", "127.0.0.1:1"].map(Into::into);
        let Ok(Parsed::Run(cli)) = args::parse(args) else { panic!() };
        let Command::Watch(args) = cli.command else { panic!() };
        let ending = System::new().block_on(async {
            let stop = Stop::unasked(Kind::Endless);
            let output = Output::start(stop.clone()).unwrap();
            let mut inquiry = Inquiry::start(&cli.ensemble).unwrap();
            let session = inquiry.session.clone();
            let (ending, ()) = tokio::join!(follow(&mut inquiry, &args, &output, &stop), session.close());
            ending
        });
        assert!(matches!(&ending, Ending::Failed(why) if why.contains("session")), "{ending:?}");
    }
}
