//! Standard output and standard error, each written by a thread of its own.
//!
//! A reader that does not read must stall neither the handling of signals nor that of messages, and no election. What is
//! printed keeps its order; nothing is buffered beyond the queue of the thread.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::stdio;
use tokio::sync::oneshot;

use crate::stop::{Stop, Why};

/// So many events may wait before those that only repeat a state are left out.
const EVENTS: usize = 1_000;

/// So many lines of logs may wait before further ones are dropped.
const LOGS: usize = 10_000;

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_millis(300);

/// Where the pause between two attempts lies when the reader's end is non-blocking and full.
const FULL: Duration = Duration::from_millis(10);

/// How often it is said that lines were dropped, while there is no end of them.
const SAY_AGAIN: Duration = Duration::from_secs(1);

enum Item {
    Line(String),
    /// Everything before it has been written, or cannot be.
    Mark(Box<dyn FnOnce() + Send>),
}

/// A handle to the writing thread.
#[derive(Clone)]
pub(crate) struct Output {
    items: mpsc::Sender<Item>,
    counts: Arc<Counts>,
    /// So many lines may wait before those that can be done without are left out.
    room: usize,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    /// Of those left out, how many nobody has been told of.
    dropped: AtomicUsize,
}

impl Output {
    /// Standard output. If writing fails it asks for the end of the process, and everything further is dropped.
    pub(crate) fn start(stop: Stop) -> io::Result<Self> {
        // An event that is left out was not worth a line; nor is that it was.
        Self::on("stdout", stdio::stdout(), EVENTS, |_| None, move |error| stop.request(Why::Output(error)))
    }

    /// Standard error; `None` if there is no thread to be had for it.
    pub(crate) fn errors() -> Option<&'static Self> {
        static ERRORS: OnceLock<Option<Output>> = OnceLock::new();
        let start = || {
            // If nobody reads it, the exit code has to do.
            Self::on("stderr", stdio::stderr(), LOGS, |dropped| Some(dropped_logs(dropped)), |_| ())
        };
        ERRORS.get_or_init(|| start().ok()).as_ref()
    }

    fn on(
        name: &str,
        fd: BorrowedFd<'static>,
        room: usize,
        say: fn(usize) -> Option<String>,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> io::Result<Self> {
        let out = Unbuffered(fd);
        let (items, received) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let mut writer = Writer { out, counts: Arc::clone(&counts), say, failed: Some(failed), said: None };
        std::thread::Builder::new().name(name.into()).spawn(move || writer.write_all(&received))?;
        Ok(Output { items, counts, room })
    }

    /// Prints a line.
    pub(crate) fn print(&self, mut line: String) {
        line.push('\n');
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as this handle.
        let _ = self.items.send(Item::Line(line));
    }

    /// Prints a line that may be left out if the reader is far behind: it would only grow the queue without end.
    pub(crate) fn print_if_read(&self, line: String) {
        if self.counts.waiting.load(Ordering::Relaxed) < self.room {
            self.print(line);
        } else {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Resolves once everything printed so far is written, or cannot be.
    pub(crate) fn written(&self) -> impl Future<Output = ()> + use<> {
        let (mark, reached) = oneshot::channel();
        self.mark(move || {
            let _ = mark.send(());
        });
        async move {
            let _ = reached.await;
        }
    }

    /// As [`written`](Self::written), for a limited time.
    pub(crate) async fn finish(&self) {
        let _ = tokio::time::timeout(LAST_LINES, self.written()).await;
    }

    /// The same for those who have to wait with their thread.
    pub(crate) fn flush(&self, limit: Duration) {
        let (mark, reached) = mpsc::channel();
        self.mark(move || {
            let _ = mark.send(());
        });
        let _ = reached.recv_timeout(limit);
    }

    fn mark(&self, reached: impl FnOnce() + Send + 'static) {
        let _ = self.items.send(Item::Mark(Box::new(reached)));
    }
}

/// Past the standard library's own buffer, which a stalled write would keep locked, and without a descriptor more: there may
/// be none.
struct Unbuffered(BorrowedFd<'static>);

impl Write for Unbuffered {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, buffer)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn dropped_logs(dropped: usize) -> String {
    format!("elect: {dropped} log lines were dropped because nobody read standard error\n")
}

/// The thread's part.
struct Writer<W, F> {
    out: W,
    counts: Arc<Counts>,
    /// The line that says that so many were dropped.
    say: fn(usize) -> Option<String>,
    /// Called once writing fails; `None` from then on, and nothing further is written.
    failed: Option<F>,
    /// When it was last said that lines were dropped.
    said: Option<Instant>,
}

impl<W: Write, F: FnOnce(String)> Writer<W, F> {
    fn write_all(&mut self, items: &mpsc::Receiver<Item>) {
        loop {
            let item = items.try_recv().or_else(|_| {
                self.say_dropped();
                items.recv()
            });
            match item {
                Ok(Item::Line(line)) => {
                    self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.write(&line);
                    if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
                        self.say_dropped();
                    }
                }
                Ok(Item::Mark(reached)) => reached(),
                Err(_) => return,
            }
        }
    }

    /// It is possible to write again: says what is missing.
    fn say_dropped(&mut self) {
        let dropped = self.counts.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0
            && let Some(line) = (self.say)(dropped)
        {
            self.write(&line);
            self.said = Some(Instant::now());
        }
    }

    fn write(&mut self, line: &str) {
        if self.failed.is_some()
            && let Err(error) = write_line(&mut self.out, line.as_bytes())
            && let Some(failed) = self.failed.take()
        {
            failed(error.to_string());
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
        let (mark, reached) = mpsc::channel();
        for line in ["a\n", "b\n", "c\n"] {
            items.send(Item::Line(line.into())).unwrap();
        }
        items.send(Item::Mark(Box::new(move || mark.send(()).unwrap()))).unwrap();
        drop(items);
        let counts = Arc::new(Counts { waiting: AtomicUsize::new(3), dropped: AtomicUsize::new(0) });
        let mut out = Reluctant { taken: Vec::new(), calls: 0, room: 4 };
        let mut why = None;
        let failed = Some(|error| why = Some(error));
        Writer { out: &mut out, counts: Arc::clone(&counts), say: |_| None, failed, said: None }
            .write_all(&received);
        assert_eq!(out.taken, b"a\nb\n");
        assert!(why.is_some_and(|why| why.contains("broken pipe")));
        assert_eq!(counts.waiting.load(Ordering::Relaxed), 0);
        reached.try_recv().unwrap();
    }

    #[test]
    fn what_was_dropped_is_counted_and_told_once_there_is_room_again() {
        let (items, received) = mpsc::channel();
        let output = Output { items, counts: Arc::default(), room: 2 };
        for line in ["a", "b", "c", "d"] {
            output.print_if_read(line.into());
        }
        output.print("whatever happens".into());
        let counts = Arc::clone(&output.counts);
        drop(output);
        let mut out = Vec::new();
        let failed = Some(|error| panic!("{error}"));
        let say = |dropped| Some(format!("{dropped} dropped\n"));
        Writer { out: &mut out, counts, say, failed, said: None }.write_all(&received);
        assert_eq!(String::from_utf8(out).unwrap(), "a\n2 dropped\nb\nwhatever happens\n");
    }
}
