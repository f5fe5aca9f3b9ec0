//! What the ensemble is asked, and what comes of its answers.

use super::{Candidate, Output};
use crate::{OpId, Reply, WatchEvent};

impl Candidate {
    pub(super) fn ask_ensemble(&mut self) {
        if self.pace.until().is_some() {
            return;
        }
        let goal = self.goal();
        while let Some(operation) = self.contest.next_operation(goal, self.outbox.next_op()) {
            let op = self.outbox.next_op();
            self.outbox.push_request(Output::Request(op, operation));
        }
        let running = self.terms.running();
        if let Some(session) = self.session.connected().filter(|_| running.is_some())
            && let Some(request) =
                self.resign_watch.next_request(&self.config.path, session, self.outbox.next_op())
        {
            self.outbox.push_request(request);
        }
    }

    pub(super) fn answered(&mut self, op: OpId, reply: Reply) {
        if self.contest.awaits(op) || self.resign_watch.awaits(op) {
            self.pace.answered(self.now, &reply);
        }
        let retry = self.now + self.config.refused_retry;
        let asked_to_resign = self.resign_watch.answered(op, &reply, self.terms.running(), retry);
        self.contest.answered(self.now, op, reply);
        if asked_to_resign {
            self.resign(self.terms.token());
        }
    }

    pub(super) fn watch_fired(&mut self, op: OpId, event: WatchEvent) {
        if self.contest.is_armed(op) || self.resign_watch.is_armed(op) {
            self.pace.event();
        }
        self.resign_watch.watch_fired(op);
        self.contest.watch_fired(op, event);
    }
}
