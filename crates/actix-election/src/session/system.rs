//! The threads for actors: an arbiter for each session, in the actix system of the caller, or in one of our own.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_rt::{Arbiter, ArbiterHandle, System};
use tokio::runtime::Runtime;

use super::thread;
use crate::StartError;

/// How long the thread of our own system may take to begin, and to make an arbiter.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// More than a runtime takes, the first one's pipe for signals included.
const DESCRIPTORS: usize = 8;

/// The system of all sessions that are started outside of any: one for the process, for as long as it runs.
static OWN: Mutex<Option<System>> = Mutex::new(None);

/// Starts an arbiter.
pub(super) fn start_arbiter() -> Result<ArbiterHandle, StartError> {
    if System::is_registered() {
        return arbiter_of_this_system();
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever stops it by `System::current().stop()` on one of its threads ends its sessions, and no later ones.
    let system = match own.take().filter(|system| system.arbiter().alive()) {
        Some(system) => system,
        None => start_system()?,
    };
    *own = Some(system.clone());
    drop(own);
    let (tell, told) = channel();
    system.arbiter().spawn_fn(move || {
        let _ = tell.send(arbiter_of_this_system());
    });
    told.recv_timeout(START_TIMEOUT).map_err(|error| StartError::Thread(not_told(error)))?
}

/// A thread with a runtime for actors.
fn arbiter_of_this_system() -> Result<ArbiterHandle, StartError> {
    let (began, has_begun) = channel();
    let arbiter = Arbiter::try_with_tokio_rt(move || {
        // Nobody waits for it: it is looked at later.
        let _ = began.send(());
        thread::runtime()
    });
    arbiter.map(|arbiter| arbiter.handle()).map_err(|error| match has_begun.try_recv() {
        Ok(()) => StartError::Runtime(error),
        Err(_) => StartError::Thread(error),
    })
}

fn start_system() -> Result<System, StartError> {
    let (tell, told) = channel();
    let run = move || match first_runtime() {
        Err(error) => drop(tell.send(Err(StartError::Runtime(error)))),
        Ok(runtime) => {
            let runner = System::with_tokio_rt(move || runtime);
            let _ = tell.send(Ok(System::current()));
            // Ends when the system is stopped, and whoever comes then starts another one.
            let _ = runner.run();
        }
    };
    std::thread::Builder::new().name("election-system".into()).spawn(run).map_err(StartError::Thread)?;
    told.recv_timeout(START_TIMEOUT).map_err(|error| StartError::Thread(not_told(error)))?
}

/// The first runtime of a process makes a pipe for signals, and tokio panics where it finds no descriptors for that: so they are
/// looked for before.
fn first_runtime() -> io::Result<Runtime> {
    thread::probe_descriptors(DESCRIPTORS)?;
    thread::runtime()
}

fn not_told(error: RecvTimeoutError) -> io::Error {
    match error {
        RecvTimeoutError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "it did not start within 10 s"),
        RecvTimeoutError::Disconnected => io::Error::other("it ended before it had started"),
    }
}
