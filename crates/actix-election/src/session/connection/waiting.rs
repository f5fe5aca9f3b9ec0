//! The requests of a connection that wait to be sent, and in which order.

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::Timestamp;

use super::super::hub::PendingRequest;
use super::super::link::Request;

/// The server has nothing to say if nothing has come from it for so long.
const QUIET: Duration = Duration::from_millis(2);

/// No request is deferred any longer than this for that.
const DEFER_TIMEOUT: Duration = Duration::from_secs(1);

/// Requests that were not sent yet. They end with the connection that they were made for.
pub(super) struct Waiting {
    urgent: VecDeque<PendingRequest>,
    /// Those that are deferred until the server is quiet, each with the time at which it came.
    deferred: VecDeque<(Timestamp, PendingRequest)>,
    /// When something last came from the server.
    heard: Timestamp,
}

impl Waiting {
    pub(super) fn new(now: Timestamp) -> Self {
        Waiting { urgent: VecDeque::new(), deferred: VecDeque::new(), heard: now }
    }

    pub(super) fn push(&mut self, now: Timestamp, pending: PendingRequest) {
        match pending.request {
            Request::WhenQuiet(_) => self.deferred.push_back((now, pending)),
            _ => self.urgent.push_back(pending),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.deferred.is_empty()
    }

    /// Something has come from the server.
    pub(super) fn heard(&mut self, now: Timestamp) {
        self.heard = now;
    }

    /// What is to be sent next.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<PendingRequest> {
        let urgent = self.urgent.pop_front();
        urgent.or_else(|| {
            self.due()
                .filter(|due| now >= *due)
                .and_then(|_| self.deferred.pop_front())
                .map(|(_, request)| request)
        })
    }

    /// When the next request is to be sent that is not yet.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let (came, _) = self.deferred.front()?;
        Some((self.heard + QUIET).min(*came + DEFER_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
    use actix_election_core::{OpId, Operation};

    use super::super::super::link::notice_channel;
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn push(waiting: &mut Waiting, millis: u64, op: u64) {
        let operation = Operation::Exists { path: "/m".into() };
        // The odd ones are deferred.
        let request = if op % 2 == 1 { Request::WhenQuiet(operation) } else { Request::Election(operation) };
        waiting.push(at(millis), PendingRequest { notices: notice_channel().0, op: OpId(op), request });
    }

    fn next(waiting: &mut Waiting, millis: u64) -> Option<u64> {
        waiting.next(at(millis)).map(|pending| pending.op.0)
    }

    #[test]
    fn the_deferred_go_once_the_server_is_quiet() {
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
