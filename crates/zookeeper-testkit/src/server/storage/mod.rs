//! What outlives the process: a log of all that happens, and snapshots of what has come of it.
//!
//! - [`format`] is how files look, [`folder`] whose they are, [`records`] what a log says, [`error`] what can be wrong.
//! - [`log`] and [`snapshot`] write and read them, [`recovery`] makes a machine of them.
//! - [`writer`] is the thread that waits for the disk.
//!
//! The server goes on while the disk works, and tells nobody what is not on it: every frame that leaves the server says how
//! many records there were when it was made, and waits until so many are on the disk. So nobody has ever seen what a crash
//! undoes. What comes meanwhile is written with one sync.

mod error;
mod folder;
mod format;
mod log;
mod records;
mod recovery;
mod snapshot;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::tree::{Machine, Outcome, Transaction};
use crate::wire::Encoder;
pub use error::DataError;
use folder::Folder;
pub(super) use writer::Progress;
use writer::{Snapshots, Work, Writer};

/// Where data is kept, and how.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// How many bytes of log there are before a snapshot is written.
    pub(super) snapshot_after: u64,
}

/// Keeps a machine on the disk.
pub(super) struct Storage {
    work: Sender<Work>,
    thread: JoinHandle<()>,
    progress: watch::Receiver<Progress>,
    snapshots: Arc<Snapshots>,
    snapshot_after: u64,
    /// How many records there are, on the disk or on their way.
    records: u64,
    /// How many bytes of them no snapshot holds.
    logged: u64,
}

/// A transaction that is about to be applied.
pub(super) struct Prepared(Encoder);

impl Storage {
    /// Has `machine`, which has to be empty, be what it was, and keeps it from now on. Zxids go on in a later epoch than
    /// any before, and not before `first_zxid`. The sessions have to be [restarted](Machine::restart).
    pub(super) fn open(place: &Place, first_zxid: i64, machine: &mut Machine) -> Result<Self, DataError> {
        let folder = Arc::new(Folder::open(&place.folder)?);
        let mut found = recovery::recover(&folder, machine)?;
        if found.dropped > 0 {
            tracing::warn!(
                "dropped the last {} bytes of the log in {}: they are no whole change. Where the machine or the process \
                 crashed, nobody was ever told of that change",
                found.dropped,
                place.folder.display()
            );
        }
        machine.begin_at(later_epoch(machine.last_zxid()).max(first_zxid));
        found.log.append(&records::begun(machine.last_zxid()))?;
        folder.remove_before(found.oldest)?;
        let (work, receiver) = channel();
        let sender = Arc::new(watch::Sender::new(Progress::default()));
        let progress = sender.subscribe();
        let snapshots = Arc::new(Snapshots::default());
        snapshots.size.store(found.snapshot_size, Ordering::Relaxed);
        let writer = Writer {
            folder,
            log: found.log,
            progress: sender,
            snapshots: Arc::clone(&snapshots),
            helper: None,
        };
        let thread =
            std::thread::Builder::new().name("zookeeper-log".to_owned()).spawn(move || writer.run(&receiver));
        let thread = thread.map_err(DataError::refused("start a thread for", &place.folder))?;
        let (snapshot_after, logged) = (place.snapshot_after, found.logged);
        Ok(Self { work, thread, progress, snapshots, snapshot_after, records: 0, logged })
    }

    /// How many records there are. Whatever is made from the machine now may be told once so many are on the disk.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// A transaction is about to be applied, at this time of the wall clock.
    pub(super) fn prepare(wall: i64, transaction: &Transaction) -> Prepared {
        Prepared(records::prepared(wall, transaction))
    }

    /// It was applied.
    pub(super) fn applied(&mut self, Prepared(record): Prepared, outcome: &Outcome, machine: &Machine) {
        self.append(records::applied(record, outcome));
        let limit = self.snapshot_after.max(self.snapshots.size.load(Ordering::Relaxed));
        if self.logged > limit && !self.snapshots.busy.swap(true, Ordering::Acquire) {
            self.logged = 0;
            // Fails where the thread has ended, of which others tell.
            let _ = self.work.send(Work::Snapshot(Box::new(machine.clone())));
        }
    }

    /// Zxids go on from here.
    pub(super) fn begun(&mut self, zxid: i64) {
        self.append(records::begun(zxid));
    }

    /// Everything is forgotten.
    pub(super) fn wiped(&mut self) {
        self.append(records::wiped());
    }

    fn append(&mut self, record: Vec<u8>) {
        self.records += 1;
        self.logged += record.len() as u64;
        // Fails where the thread has ended, of which others tell.
        let _ = self.work.send(Work::Record(record));
    }

    /// Writes a snapshot and gives the folder back.
    pub(super) fn close(self, machine: &Machine) -> Result<(), Arc<DataError>> {
        let _ = self.work.send(Work::End(Box::new(machine.clone())));
        // A panic of it has been printed.
        let _ = self.thread.join();
        let progress = self.progress.borrow();
        match &progress.failed {
            None => Ok(()),
            Some(error) => Err(Arc::clone(error)),
        }
    }
}

/// The beginning of the epoch after the one of this zxid.
fn later_epoch(zxid: i64) -> i64 {
    let epoch = (zxid >> 32).saturating_add(1).min(i64::from(i32::MAX));
    zxid.max(epoch << 32)
}
