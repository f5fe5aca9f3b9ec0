//! How an election comes to leave, and who waits for that.

use tokio::sync::oneshot;

/// The end of taking part.
#[derive(Default)]
pub(super) struct Departure {
    /// Those who wait until the election is left.
    waiting: Vec<oneshot::Sender<()>>,
    /// Nobody holds a handle any more: the actor ends once the election is left.
    pub(super) is_orphaned: bool,
    /// Nothing of it is left at the ensemble, and the actor ends.
    pub(super) is_final: bool,
    /// The actor is there only to release what another one has left.
    pub(super) is_heir: bool,
}

impl Departure {
    /// Whoever sent this is notified once the election is left.
    pub(super) fn wait(&mut self, left: oneshot::Sender<()>) {
        self.waiting.push(left);
    }

    /// It is entered again: whoever waits for the end waits for something that will not be.
    pub(super) fn revoke(&mut self) {
        self.waiting.clear();
    }

    /// The election is left; returns whether the actor ends.
    pub(super) fn left(&mut self) -> bool {
        for waiting in self.waiting.drain(..) {
            // Nobody may wait any more.
            let _ = waiting.send(());
        }
        self.is_final = self.is_orphaned;
        self.is_final
    }
}
