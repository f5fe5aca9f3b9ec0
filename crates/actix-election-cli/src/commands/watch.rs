//! `elect watch`: who is master, now and on every change.

use std::time::Duration;

use actix_election::{Session, SessionState, chroot_exists};

use super::Context;
use super::query::{News, Query, no_chroot};
use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Event, Format, Moment};
use crate::exit::Ending;
use crate::output::Output;
use crate::stop::{Stop, Why};

/// How often it is said that the chroot does not exist.
const SAY_AGAIN: Duration = Duration::from_secs(60);

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: &PathArgs,
    Context { output, stop }: &Context,
) -> Result<Ending, Ending> {
    let mut query = Query::start(ensemble)?;
    let session = query.session.clone();
    let why = tokio::select! {
        ending = follow(&mut query, args, output, stop) => Err(ending),
        never = tell_of_chroot(&session, ensemble.chroot()) => never,
        why = stop.requested() => Ok(why),
    };
    query.close().await;
    output.finish().await;
    Ok(stop.ending(why?))
}

/// Returns only if something is wrong. What the ensemble has to say about it is logged by the library.
async fn follow(query: &mut Query, args: &PathArgs, output: &Output, stop: &Stop) -> Ending {
    if let Err(error) = query.observe(&args.path).await {
        return error.into();
    }
    let mut last = None;
    while let Some(news) = query.news.recv().await {
        match news {
            News::Master(master) if last.as_ref() != Some(&master) => {
                let event = Event::master_changed(master.as_ref());
                output.print(event.line(Moment::now(), Format::new(args.json)));
                last = Some(master);
            }
            // Nobody asks for that before this is over.
            News::Session(SessionState::Closed) => break,
            _ => {}
        }
    }
    stop.ending(Why::SessionEnded)
}

/// "No master" is all that can be seen below a chroot that does not exist: says that it may be mistyped, now and once a minute
/// until it is there. The news comes by itself then.
async fn tell_of_chroot<T>(session: &Session, chroot: Option<&str>) -> T {
    if let Some(chroot) = chroot {
        loop {
            match chroot_exists(session, Duration::MAX).await {
                Ok(true) => break,
                Ok(false) => tracing::warn!("{}: waiting for it to be created", no_chroot(chroot)),
                Err(error) => {
                    tracing::warn!("cannot find out whether the chroot {chroot} exists: {error}");
                    break;
                }
            }
            tokio::time::sleep(SAY_AGAIN).await;
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use actix::System;

    use super::*;
    use crate::args::{self, Command, Parsed};
    use crate::stop::Kind;

    #[test]
    fn a_session_that_ends_unasked_ends_the_command_as_a_failure() {
        let args = ["elect", "watch", "/m", "--zookeeper", "127.0.0.1:1"].map(Into::into);
        let Ok(Parsed::Run(cli)) = args::parse(args) else { panic!() };
        let Command::Watch(args) = cli.command else { panic!() };
        let ending = System::new().block_on(async {
            let stop = Stop::unasked(Kind::Endless);
            let output = Output::start(stop.clone()).unwrap();
            let mut query = Query::start(&cli.ensemble).unwrap();
            let session = query.session.clone();
            let (ending, ()) = tokio::join!(follow(&mut query, &args, &output, &stop), session.close());
            ending
        });
        assert!(matches!(&ending, Ending::Failed(why) if why.contains("session")), "{ending:?}");
    }
}
