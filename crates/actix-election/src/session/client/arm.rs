//! The watch of a request: what the client crate calls when it fires, and what the user is told then.
//!
//! The event of a watch never comes before the answer of the request that armed it, whatever the order in which the client crate
//! wakes its tasks, and it never comes for a request that armed none, though the crate keeps the closures of those as well.

use std::sync::{Arc, Mutex, PoisonError};

use actix_election_core::{OpId, Reply, WatchEvent};
use zookeeper_async::{WatchedEvent, WatchedEventType};

use super::super::link::{Notice, NoticeSender};

/// A watch that a request arms: holds its event back until the request's answer is out.
pub(super) struct Arm {
    op: OpId,
    notices: NoticeSender,
    state: Arc<Mutex<ArmState>>,
}

#[derive(Default)]
enum ArmState {
    #[default]
    Unanswered,
    /// The event was here before the answer.
    Early(WatchEvent),
    Answered,
    /// The server set no watch: what the client crate takes for its event is another's.
    Disarmed,
}

impl Arm {
    pub(super) fn new(op: OpId, notices: NoticeSender) -> Self {
        Arm { op, notices, state: Arc::default() }
    }

    /// What the client crate calls when the watch fires. It runs in the client's own task, so it never blocks.
    pub(super) fn watcher(&self) -> impl FnOnce(WatchedEvent) + Send + 'static {
        let (op, notices, state) = (self.op, self.notices.clone(), Arc::clone(&self.state));
        move |event| {
            let event = match event.event_type {
                WatchedEventType::NodeDeleted => WatchEvent::Deleted,
                WatchedEventType::NodeCreated => WatchEvent::Created,
                _ => WatchEvent::Changed,
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match *state {
                ArmState::Unanswered | ArmState::Early(_) => *state = ArmState::Early(event),
                // If nobody listens any more, nobody needs to know.
                ArmState::Answered => drop(notices.unbounded_send(Notice::WatchFired(op, event))),
                ArmState::Disarmed => {}
            }
        }
    }

    pub(super) fn disarm(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = ArmState::Disarmed;
    }

    pub(super) fn answered(&self, reply: Reply) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.notices.unbounded_send(Notice::Answered(self.op, reply));
        if let ArmState::Early(event) = *state {
            let _ = self.notices.unbounded_send(Notice::WatchFired(self.op, event));
        }
        if !matches!(*state, ArmState::Disarmed) {
            *state = ArmState::Answered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::link::notice_channel;
    use super::*;

    fn deleted() -> WatchedEvent {
        WatchedEvent {
            event_type: WatchedEventType::NodeDeleted,
            keeper_state: zookeeper_async::KeeperState::SyncConnected,
            path: Some("/m".into()),
        }
    }

    #[test]
    fn a_request_that_armed_no_watch_has_no_event() {
        let (notices, mut received) = notice_channel();
        let arm = Arm::new(OpId(1), notices);
        let watcher = arm.watcher();
        arm.disarm();
        arm.answered(Reply::Missing);
        assert!(matches!(received.try_recv(), Ok(Notice::Answered(OpId(1), Reply::Missing))));
        watcher(deleted());
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn an_event_waits_for_the_answer_that_armed_it() {
        let (notices, mut received) = notice_channel();
        let arm = Arm::new(OpId(1), notices);
        arm.watcher()(deleted());
        assert!(received.try_recv().is_err());
        arm.answered(Reply::Missing);
        assert!(matches!(received.try_recv(), Ok(Notice::Answered(OpId(1), Reply::Missing))));
        assert!(matches!(received.try_recv(), Ok(Notice::WatchFired(OpId(1), WatchEvent::Deleted))));
    }
}
