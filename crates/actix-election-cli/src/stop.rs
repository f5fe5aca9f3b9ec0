//! How the process comes to its end: by a signal, or because nobody can read what it says.
//!
//! Signals are taken by a thread of its own, so that nothing that blocks elsewhere holds the end up: it comes in
//! order if it can, and all the same if it cannot.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::exit::{self, Ending};
use crate::runtime::runtime;
use crate::signals::{Heard, SIGINT, Signals};

/// How long an end in order may take: less than the 5 s that are promised, for the process has to go as well.
const END_TIMEOUT: Duration = Duration::from_millis(4_500);

/// How long the last lines of logs may take if it comes to that.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Why the process is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// This signal came.
    Signal(u8),
    /// Standard output cannot be written, for this reason.
    Output(String),
    /// The session is closed, which nobody asked for, and does not come back.
    SessionEnded,
}

/// What a signal means to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// It runs until one comes: then all is well.
    Endless,
    /// It was not done yet.
    OneShot,
}

/// The wish that the process end. The first reason counts.
#[derive(Clone)]
pub(crate) struct Stop {
    why: Arc<watch::Sender<Option<Why>>>,
    kind: Kind,
}

impl Stop {
    /// Nobody has asked yet.
    pub(crate) fn unasked(kind: Kind) -> Self {
        Stop { why: Arc::new(watch::Sender::new(None)), kind }
    }

    /// From here on signals end the process in order; 4.5 s after the first at the latest, and at once after the
    /// second: see [`Heard`].
    pub(crate) fn on_signals(kind: Kind) -> Result<Self, Ending> {
        let stop = Self::unasked(kind);
        let listen = || -> io::Result<()> {
            let runtime = runtime()?;
            let guard = runtime.enter();
            // Before anything else is started: from here on a signal does not simply kill.
            let mut signals = Signals::listen()?;
            drop(guard);
            let listening = stop.clone();
            std::thread::Builder::new().name("signals".into()).spawn(move || {
                runtime.block_on(listening.listen(&mut signals));
            })?;
            Ok(())
        };
        listen().map_err(|error| Ending::Failed(format!("cannot listen for signals: {error}")))?;
        Ok(stop)
    }

    async fn listen(&self, signals: &mut Signals) {
        let mut heard = Heard::default();
        let mut deadline = None;
        loop {
            let signal = tokio::select! {
                signal = signals.next() => Some(signal),
                _ = self.requested(), if deadline.is_none() => None,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    tracing::warn!("the orderly exit takes too long: exiting now");
                    exit::flush(LAST_WORDS);
                    let why = self.why.borrow().clone();
                    std::process::exit(why.map_or(exit::SUCCESS, |why| self.code(&why)).into());
                }
            };
            if let Some(signal) = signal {
                if heard.is_second(signal, Instant::now()) {
                    std::process::exit((exit::SIGNAL + SIGINT).into());
                }
                self.request(Why::Signal(signal));
            }
            deadline.get_or_insert_with(|| Instant::now() + END_TIMEOUT);
        }
    }

    /// Asks for the end of the process.
    pub(crate) fn request(&self, why: Why) {
        self.why.send_if_modified(|reason| {
            let first = reason.is_none();
            reason.get_or_insert(why);
            first
        });
    }

    /// Resolves once the process is to end.
    pub(crate) async fn requested(&self) -> Why {
        let mut why = self.why.subscribe();
        match why.wait_for(Option::is_some).await.map(|why| why.clone()) {
            Ok(Some(why)) => why,
            // The sender is ours, so it is there.
            _ => std::future::pending().await,
        }
    }

    /// How the command ends if it ends for this reason.
    pub(crate) fn ending(&self, why: Why) -> Ending {
        match why {
            Why::Output(error) => Ending::output_failed(error),
            Why::SessionEnded => Ending::Failed("the session has ended for good".into()),
            why @ Why::Signal(_) => Ending::Code(self.code(&why)),
        }
    }

    /// What became of the command's own ending, if the process was to end meanwhile.
    pub(crate) fn ending_unless_output_failed(&self, ending: Ending) -> Ending {
        let why = self.why.borrow().clone();
        match why {
            Some(why @ Why::Output(_)) => self.ending(why),
            _ => ending,
        }
    }

    fn code(&self, why: &Why) -> u8 {
        match (why, self.kind) {
            (Why::Output(_) | Why::SessionEnded, _) => exit::FAILURE,
            (Why::Signal(_), Kind::Endless) => exit::SUCCESS,
            (Why::Signal(signal), Kind::OneShot) => exit::SIGNAL + signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::SIGTERM;

    #[tokio::test]
    async fn the_first_reason_counts() {
        let stop = Stop::unasked(Kind::Endless);
        stop.request(Why::Signal(SIGTERM));
        stop.request(Why::Output("broken pipe".into()));
        assert_eq!(stop.requested().await, Why::Signal(SIGTERM));
        assert_eq!(stop.ending(Why::Signal(SIGTERM)), Ending::Code(0));
        let once = Stop { kind: Kind::OneShot, ..stop };
        assert_eq!(once.ending(Why::Signal(SIGTERM)), Ending::Code(143));
    }
}
