//! The start of the session's thread: it says at once if it cannot have what it needs.

use std::io;
use std::sync::mpsc::channel;

use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::super::ending::EndGuard;
use super::super::link::{Command, SessionNotice};
use super::super::settings::SessionSettings;
use super::SessionThread;
use crate::StartError;

/// How many sockets a connection takes: the server's, and on loopback the relay's door and both ends of the client's. And one
/// more, for Linux takes a descriptor for the next who knocks before it looks whether anybody does.
const SOCKETS: usize = 5;

/// Starts the session's thread, and returns once it has what it needs for a first connection.
pub(in super::super) fn start(
    settings: SessionSettings,
    commands: mpsc::UnboundedReceiver<Command>,
    notices: mpsc::UnboundedSender<SessionNotice>,
    end: EndGuard,
) -> Result<(), StartError> {
    let thread = SessionThread::new(settings, commands, notices);
    let (ready, started) = channel();
    let run = move || {
        // Dropped last.
        let _end = end;
        // Its start is waited for, so nothing goes astray.
        match first_runtime() {
            Ok(first) => {
                let _ = ready.send(Ok(()));
                thread.run(first);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    };
    // Without logs, for a subscriber may block: not the client's (see the crate's documentation), and ours are notices.
    let run = move || tracing::dispatcher::with_default(&tracing::Dispatch::none(), run);
    std::thread::Builder::new().name("zk-session".into()).spawn(run).map_err(StartError::Thread)?;
    let panicked = |_| Err(StartError::Runtime(io::Error::other("its thread panicked")));
    started.recv().unwrap_or_else(panicked)
}

/// What tells a session from its beginning that it cannot be: it would only look for a server, in vain.
fn first_runtime() -> Result<Runtime, StartError> {
    let runtime = runtime().map_err(StartError::Runtime)?;
    probe_descriptors(SOCKETS).map_err(StartError::Socket)?;
    Ok(runtime)
}

/// Whether so many descriptors are to be had at once. None is kept.
pub(in super::super) fn probe_descriptors(number: usize) -> io::Result<()> {
    let sockets: io::Result<Vec<_>> = (0..number).map(|_| TcpSocket::new_v4()).collect();
    sockets.map(drop)
}

/// A runtime for one thread.
pub(in super::super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
