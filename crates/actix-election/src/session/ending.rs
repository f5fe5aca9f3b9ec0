//! The end of a session's thread, and who waits for it.
//!
//! A process that returns from `main` takes its threads with it. If a session is just being closed then, because its last
//! handle was dropped or because the actix system has ended, its locks would stand until it expires. So the thread that has
//! started a session waits, at its own end, for sessions that are being closed. That is when thread-local values are
//! dropped: on the main thread after `main` has returned.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_election_core::SessionState;
use tokio::sync::Notify;

use super::SessionBoard;

/// How long the end of a thread may be held up in all: the step-down timeout and the close, at their defaults.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    static STARTED: Started = const { Started(RefCell::new(Vec::new())) };
}

/// Whether a session's thread has ended.
#[derive(Default)]
pub(crate) struct ThreadEnd {
    ended: Mutex<bool>,
    changed: Condvar,
    notify: Notify,
}

impl ThreadEnd {
    fn set(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
        self.notify.notify_waiters();
    }

    fn has_come(&self) -> bool {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the thread has ended.
    pub(super) async fn come(&self) {
        // Before the look: the end must not fall in between.
        let ended = self.notify.notified();
        if !self.has_come() {
            ended.await;
        }
    }

    /// Blocks until the thread has ended, until then at most.
    fn block_until(&self, limit: Instant) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let left = limit.saturating_duration_since(Instant::now());
        let _ = self.changed.wait_timeout_while(ended, left, |ended| !*ended);
    }
}

/// Held by the session's thread: its end is that of the thread, be it by a panic.
pub(super) struct EndGuard(Arc<ThreadEnd>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What every handle of a session and of its elections holds a copy of.
pub(crate) type Held = Arc<()>;

/// A session that was started on this thread.
struct StartedSession {
    held: Weak<()>,
    board: Arc<SessionBoard>,
    end: Arc<ThreadEnd>,
}

impl StartedSession {
    /// Whether it is being closed: nobody holds it any more, or its actor is gone with the actix system.
    fn ends(&self) -> bool {
        self.held.strong_count() == 0 || self.board.read().value.state == SessionState::Closed
    }
}

struct Started(RefCell<Vec<StartedSession>>);

impl Drop for Started {
    fn drop(&mut self) {
        let limit = Instant::now() + EXIT_TIMEOUT;
        for session in self.0.take() {
            if session.ends() {
                session.end.block_until(limit);
            }
        }
    }
}

/// Makes what tells of the end of a session's thread.
pub(super) fn new() -> (EndGuard, Arc<ThreadEnd>) {
    let end = Arc::<ThreadEnd>::default();
    (EndGuard(Arc::clone(&end)), end)
}

/// At its end, this thread will wait for this session if that is being closed then.
pub(super) fn wait_at_exit(held: &Held, board: &Arc<SessionBoard>, end: &Arc<ThreadEnd>) {
    let session =
        StartedSession { held: Arc::downgrade(held), board: Arc::clone(board), end: Arc::clone(end) };
    // An error says that the thread is ending already.
    let _ = STARTED.try_with(|started| {
        let mut started = started.0.borrow_mut();
        started.retain(|session| !session.end.has_come());
        started.push(session);
    });
}
