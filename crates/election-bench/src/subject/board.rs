//! What the candidates of a subject were told, and when.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Written by handlers, read by commands.
#[derive(Default)]
pub(crate) struct Board {
    notes: Mutex<Notes>,
    changed: Notify,
}

#[derive(Default)]
struct Notes {
    sessions: BTreeMap<u32, Told>,
    /// When a session last became master somewhere, and which.
    last: (u64, u32),
}

/// What one session was told.
#[derive(Default)]
struct Told {
    /// In how many elections it is master.
    masters: usize,
    /// How many messages it had, and when the last came.
    messages: (usize, u64),
    /// What the first candidate heard.
    log: String,
}

impl Board {
    /// Candidate `index` of the session is master since `at`.
    pub(crate) fn master(&self, session: u32, index: usize, at: u64) {
        self.note(session, index, at, '+', |told| told.masters += 1);
        let mut notes = self.notes();
        notes.last = notes.last.max((at, session));
        drop(notes);
        self.changed.notify_one();
    }

    /// Candidate `index` of the session is standby since `at`; it `was` master, or not.
    pub(crate) fn standby(&self, session: u32, index: usize, at: u64, was: bool) {
        self.note(session, index, at, '-', |told| told.masters -= usize::from(was));
        self.changed.notify_one();
    }

    fn note(&self, session: u32, index: usize, at: u64, sign: char, change: impl FnOnce(&mut Told)) {
        let mut notes = self.notes();
        let told = notes.sessions.entry(session).or_default();
        change(told);
        told.messages = (told.messages.0 + 1, at);
        if index == 0 {
            // Writing to a String does not fail.
            let _ = write!(told.log, "{sign}{at} ");
        }
    }

    /// Waits until the session is master in `count` elections; when it last became one.
    pub(crate) async fn masters(&self, session: u32, count: usize) -> u64 {
        self.wait(|notes| {
            let told = notes.sessions.get(&session)?;
            (told.masters >= count).then_some(told.messages.1)
        })
        .await
    }

    /// Waits until the session was told `count` things; when it was told the last.
    pub(crate) async fn told(&self, session: u32, count: usize) -> u64 {
        self.wait(|notes| {
            let (messages, at) = notes.sessions.get(&session)?.messages;
            (messages >= count).then_some(at)
        })
        .await
    }

    /// Waits until a session becomes master after this time.
    pub(crate) async fn next(&self, after: u64) -> (u64, u32) {
        self.wait(|notes| (notes.last.0 > after).then_some(notes.last)).await
    }

    /// What the first candidate of the session heard.
    pub(crate) fn log(&self, session: u32) -> String {
        self.notes().sessions.get(&session).map(|told| told.log.trim().to_owned()).unwrap_or_default()
    }

    /// One command waits at a time, so that a permit that was stored is never another's.
    async fn wait<T>(&self, mut look: impl FnMut(&Notes) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(&self.notes()) {
                return found;
            }
            self.changed.notified().await;
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts_what_is_so_now_and_remembers_the_first_candidate() {
        let board = Board::default();
        board.master(1, 0, 10);
        board.master(1, 1, 11);
        board.standby(1, 0, 12, true);
        board.standby(2, 1, 13, false);
        assert_eq!(board.log(1), "+10 -12");
        assert_eq!(board.masters(1, 1).await, 12);
        assert_eq!(board.told(2, 1).await, 13);
        assert_eq!(board.next(10).await, (11, 1));
        assert_eq!(board.log(2), "");
    }
}
