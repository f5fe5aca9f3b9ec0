//! What the driver hears of unasked.

use std::time::Duration;

use super::{Candidate, Master, Output, Problem};
use crate::Timestamp;

/// How often a problem that lasts is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// What was said last, so that nothing is said twice.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reports {
    /// Whether the session's lease is needed.
    lease_needed: bool,
    master: Option<Option<Master>>,
    problem: Option<(Problem, Timestamp)>,
}

impl Reports {
    /// The master that was announced last.
    pub(super) fn announced(&self) -> Option<&Option<Master>> {
        self.master.as_ref()
    }

    /// When a problem that lasts is reported again.
    pub(super) fn next_report(&self) -> Option<Timestamp> {
        self.problem.as_ref().map(|(_, at)| *at + REPORT_INTERVAL)
    }
}

impl Candidate {
    /// From the first moment on: a lease that was not kept up never comes back in the same session.
    pub(super) fn ask_for_lease(&mut self) {
        let needed = self.intent.campaigning || self.intent.leaving || !self.terms.is_over();
        if needed != self.reports.lease_needed {
            self.reports.lease_needed = needed;
            self.outbox.push(Output::LeaseNeeded(needed));
        }
    }

    pub(super) fn announce_master(&mut self) {
        let Some(master) = self.contest.master() else { return };
        if self.reports.announced() != Some(&master) {
            self.reports.master = Some(master.clone());
            self.outbox.push(Output::MasterChanged(master));
        }
    }

    pub(super) fn report_problem(&mut self) {
        let Some(problem) = self.problem() else { return };
        let again = match &self.reports.problem {
            Some((last, at)) => last != problem || self.now >= *at + REPORT_INTERVAL,
            None => true,
        };
        if again {
            let problem = problem.clone();
            self.reports.problem = Some((problem.clone(), self.now));
            self.outbox.push(Output::Report(problem));
        }
    }

    /// After a withdrawal: nothing of this candidate is left.
    pub(super) fn say_goodbye(&mut self) {
        if self.intent.leaving && self.terms.is_over() && !self.contest.maybe_ours() {
            self.intent.leaving = false;
            self.ask_for_lease();
            self.outbox.push(Output::Left);
        }
    }
}
