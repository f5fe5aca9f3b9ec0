//! The requests of a connection that wait to be sent, and in which order.

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::Timestamp;

use super::driver::Job;
use super::link::Request;

/// The server has nothing to say if nothing has come from it for so long.
const QUIET: Duration = Duration::from_millis(2);

/// No request waits any longer than this for that.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests that were not sent yet. They end with the connection that they were made for.
pub(super) struct Waiting {
    urgent: VecDeque<Job>,
    /// Those that let others go first, each with the time at which it came.
    patient: VecDeque<(Timestamp, Job)>,
    /// When something last came from the server.
    heard: Timestamp,
}

impl Waiting {
    pub(super) fn new(now: Timestamp) -> Self {
        Waiting { urgent: VecDeque::new(), patient: VecDeque::new(), heard: now }
    }

    pub(super) fn push(&mut self, now: Timestamp, job: Job) {
        match job.request {
            Request::WhenQuiet(_) => self.patient.push_back((now, job)),
            _ => self.urgent.push_back(job),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.patient.is_empty()
    }

    /// Something has come from the server.
    pub(super) fn heard(&mut self, now: Timestamp) {
        self.heard = now;
    }

    /// What is to be sent next.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Job> {
        let urgent = self.urgent.pop_front();
        urgent.or_else(|| {
            self.due().filter(|due| now >= *due).and_then(|_| self.patient.pop_front()).map(|(_, job)| job)
        })
    }

    /// When the next request is to be sent that is not yet.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let (came, _) = self.patient.front()?;
        Some((self.heard + QUIET).min(*came + PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use actix_election_core::{OpId, Operation};

    use super::super::link::notice_channel;
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn push(waiting: &mut Waiting, millis: u64, op: u64) {
        let operation = Operation::Exists { path: "/m".into() };
        // The odd ones are patient.
        let request = if op % 2 == 1 { Request::WhenQuiet(operation) } else { Request::Election(operation) };
        waiting.push(at(millis), Job { notices: notice_channel().0, op: OpId(op), request });
    }

    fn next(waiting: &mut Waiting, millis: u64) -> Option<u64> {
        waiting.next(at(millis)).map(|job| job.op.0)
    }

    #[test]
    fn the_patient_go_once_the_server_is_quiet() {
        let mut waiting = Waiting::new(at(0));
        for op in 1..=4 {
            push(&mut waiting, 10, op);
        }
        waiting.heard(at(10));
        assert_eq!(next(&mut waiting, 10), Some(2));
        assert_eq!(next(&mut waiting, 10), Some(4));
        assert_eq!(next(&mut waiting, 11), None);
        waiting.heard(at(11));
        assert_eq!((next(&mut waiting, 12), waiting.due()), (None, Some(at(13))));
        assert_eq!(next(&mut waiting, 13), Some(1));
        assert_eq!(next(&mut waiting, 13), Some(3));
        assert_eq!((next(&mut waiting, 99), waiting.due()), (None, None));
    }

    #[test]
    fn they_do_not_wait_for_ever() {
        let mut waiting = Waiting::new(at(0));
        push(&mut waiting, 10, 1);
        push(&mut waiting, 11, 3);
        for millis in 11..1010 {
            waiting.heard(at(millis));
            assert_eq!(next(&mut waiting, millis), None);
        }
        waiting.heard(at(1010));
        assert_eq!(next(&mut waiting, 1010), Some(1));
        assert_eq!(next(&mut waiting, 1010), None);
        assert_eq!(next(&mut waiting, 1011), Some(3));
    }
}
