//! Log records, handed to the application's subscriber by a thread of their own.
//!
//! A subscriber may block: one that writes to a pipe does as soon as nobody reads that. No thread that an election, a
//! session or the end of a process waits for may wait for a log, so all they do is put a record into a queue. What finds no
//! room there is counted instead, and the count is logged once there is room again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

/// So many records may wait.
const ROOM: usize = 1_000;

/// Hands a record to the subscriber of this moment, without waiting for it. The values of its fields are moved, and a record
/// of a level that nobody wants costs next to nothing.
macro_rules! journal {
    ($level:ident, $($record:tt)+) => {
        if tracing::enabled!(tracing::Level::$level) {
            $crate::journal::hand_over(Box::new(move || tracing::event!(tracing::Level::$level, $($record)+)));
        }
    };
}
pub(crate) use journal;

type Record = Box<dyn FnOnce() + Send>;

enum Entry {
    /// With the subscriber that it is for.
    Record(Dispatch, Record),
    /// Everything before it has been logged.
    Mark(mpsc::Sender<()>),
}

struct Journal {
    entries: mpsc::Sender<Entry>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    dropped: AtomicUsize,
}

/// One for the process, from the start of its first session.
static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// Makes sure that there is somebody who logs: nothing is to happen in silence.
///
/// # Errors
///
/// There is no thread to be had for it.
pub(crate) fn ensure() -> std::io::Result<()> {
    if JOURNAL.get().is_none() {
        // Of two that start at once, one ends again.
        let _ = JOURNAL.set(Journal::start()?);
    }
    Ok(())
}

/// Queues a record.
pub(crate) fn hand_over(record: Record) {
    if let Some(journal) = JOURNAL.get() {
        journal.hand_over(get_default(Dispatch::clone), record);
    }
}

/// Waits until the subscriber has received everything that was logged before this call, for at most `limit`; returns whether
/// it has.
///
/// Sessions and elections log through a separate thread, so a subscriber that blocks delays none of them. A process that
/// ends at once loses what that thread has not yet passed on: call this first if the last lines matter. It blocks the calling
/// thread.
///
/// ```no_run
/// # #[actix::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # let session = actix_election::Session::builder("127.0.0.1:2181").start()?;
/// session.close().await;
/// actix_election::flush_logs(Duration::from_secs(1));
/// # Ok(())
/// # }
/// ```
pub fn flush_logs(limit: Duration) -> bool {
    JOURNAL.get().is_none_or(|journal| journal.flush(limit))
}

impl Journal {
    fn start() -> std::io::Result<Journal> {
        let (entries, received) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        std::thread::Builder::new().name("election-log".into()).spawn(move || log_all(&received, &shared))?;
        Ok(Journal { entries, counts })
    }

    fn hand_over(&self, to: Dispatch, record: Record) {
        if self.counts.waiting.fetch_add(1, Ordering::Relaxed) < ROOM {
            // The thread lives as long as this.
            let _ = self.entries.send(Entry::Record(to, record));
        } else {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self, limit: Duration) -> bool {
        let (mark, reached) = mpsc::channel();
        self.entries.send(Entry::Mark(mark)).is_ok() && reached.recv_timeout(limit).is_ok()
    }
}

fn log_all(entries: &mpsc::Receiver<Entry>, counts: &Counts) {
    for entry in entries {
        match entry {
            Entry::Record(to, record) => {
                counts.waiting.fetch_sub(1, Ordering::Relaxed);
                let log = || with_default(&to, record);
                // A subscriber that panics at one record may not at the next, and nobody is to log into the void.
                let _ = catch_unwind(AssertUnwindSafe(log));
                let dropped = counts.dropped.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    let log = || with_default(&to, || say_dropped(dropped));
                    let _ = catch_unwind(AssertUnwindSafe(log));
                }
            }
            Entry::Mark(mark) => {
                // Whoever waited may have gone.
                let _ = mark.send(());
            }
        }
    }
}

fn say_dropped(dropped: usize) {
    tracing::warn!(dropped, "log records were dropped: the subscriber did not take them in time");
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::field::{Field, Visit};
    use tracing::span;

    use super::*;

    /// Takes no record while the test holds the lock.
    struct Stubborn(Arc<Mutex<Vec<String>>>);

    impl tracing::Subscriber for Stubborn {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            struct Text(String);
            impl Visit for Text {
                fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                    self.0.push_str(&format!("{}={value:?} ", field.name()));
                }
            }
            let mut text = Text(String::new());
            event.record(&mut text);
            assert!(!text.0.contains("number=7 "), "a subscriber may panic");
            self.0.lock().unwrap().push(text.0);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn a_subscriber_that_blocks_holds_nobody_up_and_hears_how_much_it_has_missed() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let journal = Journal::start().unwrap();
        let to = Dispatch::new(Stubborn(Arc::clone(&seen)));
        let blocked = seen.lock().unwrap();
        for number in 0..ROOM + 10 {
            journal.hand_over(to.clone(), Box::new(move || tracing::info!(number, "record")));
        }
        assert!(!journal.flush(Duration::from_millis(1)));
        drop(blocked);
        assert!(journal.flush(Duration::from_secs(60)));
        let seen = seen.lock().unwrap();
        assert!(seen[0].contains("number=0 ") && seen.iter().any(|text| text.contains("number=8 ")));
        let dropped: usize = seen
            .iter()
            .filter_map(|text| text.split_once("dropped=")?.1.split(' ').next()?.parse::<usize>().ok())
            .sum();
        let records = seen.iter().filter(|text| text.contains("number=")).count();
        // The one at which the subscriber panicked is neither.
        assert_eq!(records + dropped + 1, ROOM + 10, "{dropped}");
        assert!(dropped >= 9, "{dropped}");
    }
}
