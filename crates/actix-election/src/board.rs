//! What a thread shows, and others read at any time: no reader ever waits for the writer, nor the writer for a reader.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

/// Something that is shown: written by one thread alone.
#[derive(Debug)]
pub(crate) struct Board<T> {
    shown: ArcSwap<Shown<T>>,
    changed: Notify,
}

/// What is shown at one time.
#[derive(Debug)]
pub(crate) struct Shown<T> {
    /// Counts what was shown.
    pub(crate) version: u64,
    /// Nothing will follow.
    pub(crate) is_last: bool,
    pub(crate) value: T,
}

impl<T> Board<T> {
    pub(crate) fn new(value: T) -> Self {
        let first = Shown { version: 0, is_last: false, value };
        Board { shown: ArcSwap::from_pointee(first), changed: Notify::new() }
    }

    pub(crate) fn read(&self) -> Arc<Shown<T>> {
        self.shown.load_full()
    }

    /// Nothing is shown any more after what was shown as the last.
    pub(crate) fn show(&self, value: T, is_last: bool) {
        let before = self.shown.load();
        if !before.is_last {
            self.shown.store(Arc::new(Shown { version: before.version + 1, is_last, value }));
            self.changed.notify_waiters();
        }
    }

    /// Waits for something newer than that; `None` once nothing will follow.
    pub(crate) async fn after(&self, version: u64) -> Option<Arc<Shown<T>>> {
        loop {
            // Before the look: a change must not fall in between.
            let changed = self.changed.notified();
            let shown = self.read();
            if shown.version > version {
                return Some(shown);
            }
            if shown.is_last {
                return None;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_sees_the_last_and_then_the_end() {
        let board = Board::new(0);
        let mut waiting = Box::pin(board.after(0));
        assert!(futures::FutureExt::now_or_never(&mut waiting).is_none());
        board.show(1, false);
        board.show(2, true);
        board.show(3, false);
        let shown = futures::executor::block_on(waiting).unwrap();
        assert_eq!((shown.value, shown.version), (2, 2), "what came in between is skipped");
        assert!(futures::executor::block_on(board.after(2)).is_none());
    }

    /// A reader that holds what it has read, for as long as it likes, keeps nobody from showing more.
    #[test]
    fn a_reader_holds_up_nobody() {
        let board = Board::new(0);
        let held = board.read();
        for value in 1..=1_000 {
            board.show(value, false);
        }
        assert_eq!((held.value, board.read().value), (0, 1_000));
    }
}
