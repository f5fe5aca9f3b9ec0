//! A log that can be stopped: whoever logs then waits, as on a machine whose disk or log shipper does not keep up.
//!
//! The server writes into a socket instead of into a file, and a thread moves what it says to the file, line by line.
//! While that thread stands, the socket fills up, and with it the server's loggers stand.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::driver;
use crate::faults::TimedOut;

/// How much is read ahead of a stop: about a line.
const READ_AHEAD: usize = 128;
/// As small as the system has it, which is a few lines.
const SOCKET_BUFFER: usize = 1024;

/// What a server's log passes through.
#[derive(Debug, Default)]
pub(super) struct Valve {
    state: Mutex<State>,
    /// Notified when a stop ends.
    opened: Condvar,
    /// Notified when the log has stopped.
    stopped: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    stops: Vec<Stop>,
    next: u64,
    last_line: String,
}

#[derive(Debug)]
struct Stop {
    id: u64,
    text: String,
    /// The line at which the log has stopped for it.
    line: Option<String>,
}

impl Valve {
    /// Where a server has to write its log so that it comes into `file`. The thread behind it ends when everybody who can
    /// write there has gone.
    pub(super) fn connect(self: &Arc<Self>, file: File) -> io::Result<OwnedFd> {
        let (from, to) = UnixStream::pair()?;
        set_socket_send_buffer_size(&to, SOCKET_BUFFER)?;
        let valve = Arc::clone(self);
        std::thread::Builder::new().name("server-log".to_owned()).spawn(move || valve.pump(from, file))?;
        Ok(to.into())
    }

    fn pump(&self, from: UnixStream, mut file: File) {
        let mut from = BufReader::with_capacity(READ_AHEAD, from);
        let mut line = Vec::new();
        while let Ok(1..) = from.read_until(b'\n', &mut line) {
            // What cannot be written is missing in the log; the server must not suffer from it.
            let _ = file.write_all(&line);
            self.pass(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }

    /// Returns at once, unless the log stops at this line.
    fn pass(&self, line: &str) {
        let mut state = self.state();
        line.clone_into(&mut state.last_line);
        let due = |stop: &&mut Stop| stop.line.is_none() && line.contains(&stop.text);
        state.stops.iter_mut().filter(due).for_each(|stop| stop.line = Some(line.to_owned()));
        self.stopped.send_replace(());
        let stopped = |state: &mut State| state.stops.iter().any(|stop| stop.line.is_some());
        drop(self.opened.wait_while(state, stopped));
    }

    pub(super) fn stop_at(self: &Arc<Self>, text: String) -> LogStop {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.stops.push(Stop { id, text, line: None });
        LogStop { id, valve: Arc::clone(self) }
    }

    fn line(&self, id: u64) -> Option<String> {
        self.state().stops.iter().find(|stop| stop.id == id)?.line.clone()
    }

    async fn reached(&self, id: u64) -> String {
        let mut stopped = self.stopped.subscribe();
        loop {
            stopped.mark_unchanged();
            if let Some(line) = self.line(id) {
                return line;
            }
            // The sender is ours.
            let _ = stopped.changed().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server's log stops at the next line with a certain text, until this value is dropped: from
/// [`Server::stop_log_at`](super::Server::stop_log_at).
#[must_use = "the log goes on when this value is dropped"]
pub struct LogStop {
    id: u64,
    valve: Arc<Valve>,
}

impl LogStop {
    /// Returns the line at which the log stopped, once it has.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], with the log's last line, after `deadline` of real time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn reached(&self, deadline: Duration) -> Result<String, TimedOut> {
        let (valve, id) = (Arc::clone(&self.valve), self.id);
        let reached = driver::run(async move { timeout(deadline, valve.reached(id)).await.ok() }).await;
        reached
            .ok()
            .flatten()
            .ok_or_else(|| TimedOut { after: deadline, seen: self.valve.state().last_line.clone() })
    }

    /// Lets the log go on. The same as dropping it.
    pub fn end(self) {}
}

impl Drop for LogStop {
    fn drop(&mut self) {
        self.valve.state().stops.retain(|stop| stop.id != self.id);
        self.valve.opened.notify_all();
    }
}

impl fmt::Debug for LogStop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.valve.line(self.id) {
            Some(line) => write!(formatter, "LogStop(at {line:?})"),
            None => formatter.write_str("LogStop(not reached)"),
        }
    }
}
