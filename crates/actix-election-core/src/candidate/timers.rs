//! What is to be done without any input, and when.

use std::time::Duration;

use super::{Candidate, Output, StandbyReason, Timer};
use crate::Timestamp;

impl Candidate {
    /// When to call with [`Input::Timer`](super::Input::Timer), and why.
    pub fn next_timer(&self) -> Option<(Timestamp, Timer)> {
        let overdue = self.overdue_at().filter(|_| self.own_problems.overdue.is_none());
        let short = self.is_winning().then(|| self.now + self.session.timeout().probe_interval() / 2);
        let resign_watch = self.terms.running().and_then(|_| self.resign_watch.retry_at());
        let resign_watch = resign_watch.filter(|_| self.session.is_connected());
        let retry = [self.next_retry(), resign_watch].into_iter().flatten().min();
        [
            (self.notice_at(), Timer::Notice),
            (self.terms.ending().map(|ending| ending.at), Timer::StepDown),
            (overdue, Timer::StepDown),
            (short, Timer::LeaseShort),
            (self.first_word_at(), Timer::FirstWord),
            (self.intent.pause, Timer::Pause),
            (retry, Timer::Retry),
            (self.problem().and_then(|_| self.reports.next_report()), Timer::Report),
        ]
        .into_iter()
        .filter_map(|(at, timer)| Some((at?, timer)))
        .min()
    }

    /// When the ensemble is asked again, if that waits for a time.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        // What is due before the pause is over waits for that.
        self.pace.until().or(self.contest.retry_at()).filter(|_| self.session.is_connected())
    }

    /// When the term has to end because its lease does.
    fn notice_at(&self) -> Option<Timestamp> {
        self.terms.running().and_then(|_| self.session.notice_at())
    }

    /// When a role that has still to acknowledge `BecameStandby` has had its time.
    fn overdue_at(&self) -> Option<Timestamp> {
        self.roles.unacknowledged_since().map(|since| since + self.config.step_down_timeout)
    }

    /// When a role that knows nothing has waited long enough.
    fn first_word_at(&self) -> Option<Timestamp> {
        let waits = self.intent.campaigning && self.terms.is_over() && !self.is_winning();
        let since = self.roles.waiting_since().filter(|_| waits);
        since.map(|since| since + self.session.timeout().first_word())
    }

    pub(super) fn pass_time(&mut self) {
        self.intent.pass_time(self.now);
        self.resign_watch.pass_time(self.now);
        self.pace.pass_time(self.now);
        if self.contest.pass_time(self.now) {
            // Two such rhythms side by side would otherwise never be quiet.
            self.pace.event();
        }
        if let Some(lease) = self.session.lease()
            && self.notice_at().is_some_and(|at| self.now >= at)
        {
            self.outbox.push(Output::LeaseCapped(lease));
            self.begin_end(StandbyReason::LeaseEnding, lease, Duration::ZERO);
        }
        if let Some(ending) = self.terms.ending()
            && self.now >= ending.at
        {
            self.end_term(ending);
        }
        if self.overdue_at().is_some_and(|at| self.now >= at) {
            self.own_problems.overdue(self.config.step_down_timeout);
        }
    }
}
