//! The runtimes of a command, and what keeps one from being made.

use std::fs::File;
use std::io;

use actix::{System, SystemRunner};
use tokio::runtime::{Builder, Runtime};

use crate::exit::Ending;

/// More than a runtime takes, the first one's pipe for signals included.
const DESCRIPTORS: usize = 8;

/// A runtime for one thread.
///
/// tokio panics where it finds no descriptors for the pipe by which it hears of signals, so they are looked for before.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let found: Vec<File> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect::<io::Result<_>>()?;
    drop(found);
    Builder::new_current_thread().enable_all().build()
}

/// An actix system on this thread. (`System::new` panics where there is no runtime to be had.)
pub(crate) fn system() -> Result<SystemRunner, Ending> {
    let runtime = runtime().map_err(|error| Ending::Failed(format!("cannot create a runtime: {error}")))?;
    Ok(System::with_tokio_rt(|| runtime))
}
