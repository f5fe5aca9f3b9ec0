//! Standard output, written by a thread of its own.
//!
//! A reader that does not read must stall neither the handling of signals nor that of messages. What is printed
//! keeps its order; nothing is buffered beyond the queue of this thread.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::stop::{Stop, Why};

/// So many lines may wait before those that only repeat a state are left out.
const BACKLOG: usize = 1_000;

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_millis(300);

/// Where the pause between two attempts lies when the reader's end is non-blocking and full.
const FULL: Duration = Duration::from_millis(10);

enum Item {
    Line(String),
    /// Everything before it has been written, or cannot be.
    Mark(oneshot::Sender<()>),
}

/// A handle to the writing thread.
#[derive(Clone)]
pub(crate) struct Output {
    items: mpsc::Sender<Item>,
    waiting: Arc<AtomicUsize>,
}

impl Output {
    /// Starts the thread. If writing fails it asks for the end of the process, and everything further is dropped.
    pub(crate) fn start(stop: Stop) -> io::Result<Self> {
        // Past the standard library's own buffer, which a stalled write would keep locked.
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (items, received) = mpsc::channel();
        let waiting = Arc::<AtomicUsize>::default();
        let written = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("stdout".into())
            .spawn(move || write_all(file, &received, &written, |error| stop.request(Why::Output(error))))?;
        Ok(Output { items, waiting })
    }

    /// Prints a line.
    pub(crate) fn print(&self, mut line: String) {
        line.push('\n');
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as this handle.
        let _ = self.items.send(Item::Line(line));
    }

    /// Prints a line that may be left out if the reader is far behind: it would only grow the queue without end.
    pub(crate) fn print_if_read(&self, line: String) {
        if self.waiting.load(Ordering::Relaxed) < BACKLOG {
            self.print(line);
        }
    }

    /// Resolves once everything printed so far is written, or cannot be.
    pub(crate) fn written(&self) -> impl Future<Output = ()> + use<> {
        let (mark, reached) = oneshot::channel();
        let _ = self.items.send(Item::Mark(mark));
        async move {
            let _ = reached.await;
        }
    }

    /// As [`written`](Self::written), for a limited time.
    pub(crate) async fn finish(&self) {
        let _ = tokio::time::timeout(LAST_LINES, self.written()).await;
    }
}

fn write_all(
    mut out: impl Write,
    items: &mpsc::Receiver<Item>,
    waiting: &AtomicUsize,
    failed: impl FnOnce(String),
) {
    let mut failed = Some(failed);
    for item in items {
        match item {
            Item::Line(line) => {
                waiting.fetch_sub(1, Ordering::Relaxed);
                if failed.is_some()
                    && let Err(error) = write_line(&mut out, line.as_bytes())
                    && let Some(failed) = failed.take()
                {
                    failed(error.to_string());
                }
            }
            Item::Mark(mark) => {
                // Whoever waited may have gone.
                let _ = mark.send(());
            }
        }
    }
}

fn write_line(out: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match out.write(line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the other end may have made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(FULL),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one byte at a time, is full now and then, and is closed in the end.
    struct Reluctant {
        taken: Vec<u8>,
        calls: usize,
        room: usize,
    }

    impl Write for &mut Reluctant {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            match self.calls % 3 {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                1 => Err(io::ErrorKind::Interrupted.into()),
                _ if self.taken.len() == self.room => Err(io::ErrorKind::BrokenPipe.into()),
                _ => {
                    self.taken.push(buffer[0]);
                    Ok(1)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_whole_until_nobody_reads_and_marks_are_reached_all_the_same() {
        let (items, received) = mpsc::channel();
        let (mark, mut reached) = oneshot::channel();
        for line in ["a\n", "b\n", "c\n"] {
            items.send(Item::Line(line.into())).unwrap();
        }
        items.send(Item::Mark(mark)).unwrap();
        drop(items);
        let waiting = AtomicUsize::new(3);
        let mut out = Reluctant { taken: Vec::new(), calls: 0, room: 4 };
        let mut why = None;
        write_all(&mut out, &received, &waiting, |error| why = Some(error));
        assert_eq!(out.taken, b"a\nb\n");
        assert!(why.is_some_and(|why| why.contains("broken pipe")));
        assert_eq!(waiting.into_inner(), 0);
        reached.try_recv().unwrap();
    }
}
