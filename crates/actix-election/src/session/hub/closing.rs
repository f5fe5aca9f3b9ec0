//! The close of the session, from when it is asked for.

use std::time::Duration;

use actix_election_core::Timestamp;
use tokio::sync::oneshot;

/// How long a session that is being closed may take to be attached once more for that.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the session is to be closed, and who waits for that.
#[derive(Default)]
pub(super) struct SessionClose {
    /// Until when, since it was first asked for.
    until: Option<Timestamp>,
    done: Vec<oneshot::Sender<()>>,
}

impl SessionClose {
    pub(super) fn ask(&mut self, now: Timestamp) {
        self.until.get_or_insert(now + CLOSE_TIMEOUT);
    }

    /// Somebody is to hear of its end.
    pub(super) fn answer_to(&mut self, done: oneshot::Sender<()>) {
        self.done.push(done);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.until.is_some()
    }

    /// When nothing more is done about it; `None` while nobody has asked for it.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// It is over: whoever waits hears of it.
    pub(super) fn finish(&mut self) {
        for done in self.done.drain(..) {
            let _ = done.send(());
        }
    }
}
