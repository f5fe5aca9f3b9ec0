//! The thread that writes: whatever has come while it was waiting for the disk goes into the next frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::error::DataError;
use super::folder::Folder;
use super::log::Log;
use super::snapshot;
use crate::server::tree::Machine;

/// What the thread is told.
pub(super) enum Work {
    /// To write this record.
    Record(Vec<u8>),
    /// To begin another log, and to write a snapshot of what was there before it.
    Snapshot(Box<Machine>),
    /// The same, to wait for it, and to end.
    End(Box<Machine>),
}

/// How far the thread is.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Progress {
    /// How many records are on the disk.
    pub(in crate::server) durable: u64,
    /// Why there will never be more.
    pub(in crate::server) failed: Option<Arc<DataError>>,
}

/// What is known of snapshots.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// One is being written.
    pub(super) busy: AtomicBool,
    /// The size of the last one, in bytes.
    pub(super) size: AtomicU64,
}

pub(super) struct Writer {
    pub(super) folder: Arc<Folder>,
    pub(super) log: Log,
    pub(super) progress: Arc<watch::Sender<Progress>>,
    pub(super) snapshots: Arc<Snapshots>,
    /// Writes the snapshot.
    pub(super) helper: Option<JoinHandle<()>>,
}

impl Writer {
    /// Works until it is told to end, or something fails.
    pub(super) fn run(mut self, work: &Receiver<Work>) {
        if let Err(error) = self.work(work) {
            fail(&self.progress, error);
        }
        self.join();
    }

    /// Waits for the last snapshot. Nothing that it has is in use then.
    fn join(&mut self) {
        if let Some(helper) = self.helper.take() {
            // A panic of it has been printed.
            let _ = helper.join();
        }
    }

    fn work(&mut self, work: &Receiver<Work>) -> Result<(), DataError> {
        // It ends with the sender, too: whoever does not end it in order has what is in the log.
        while let Ok(first) = work.recv() {
            let (mut payload, mut count) = (Vec::new(), 0);
            for work in std::iter::once(first).chain(work.try_iter()) {
                match work {
                    Work::Record(record) => {
                        payload.extend(record);
                        count += 1;
                    }
                    Work::Snapshot(machine) => {
                        self.write(&mut payload, &mut count)?;
                        self.snapshot(machine)?;
                    }
                    Work::End(machine) => {
                        self.write(&mut payload, &mut count)?;
                        return self.end(machine);
                    }
                }
            }
            self.write(&mut payload, &mut count)?;
        }
        Ok(())
    }

    fn write(&mut self, payload: &mut Vec<u8>, count: &mut u64) -> Result<(), DataError> {
        if *count > 0 {
            self.log.append(payload)?;
            let count = std::mem::take(count);
            self.progress.send_modify(|progress| progress.durable += count);
            payload.clear();
        }
        Ok(())
    }

    /// Has a thread of its own write it, so that nobody waits for it.
    fn snapshot(&mut self, machine: Box<Machine>) -> Result<(), DataError> {
        self.join();
        let generation = self.next_log(&machine)?;
        let (folder, progress) = (Arc::clone(&self.folder), Arc::clone(&self.progress));
        let snapshots = Arc::clone(&self.snapshots);
        let write = move || {
            match snapshot::write(&folder, generation, &machine) {
                Ok(size) => snapshots.size.store(size, Ordering::Relaxed),
                Err(error) => fail(&progress, error),
            }
            snapshots.busy.store(false, Ordering::Release);
        };
        let spawned = std::thread::Builder::new().name("zookeeper-snap".to_owned()).spawn(write);
        let path = self.folder.file(super::format::Kind::Snapshot, generation);
        self.helper = Some(spawned.map_err(DataError::refused("start a thread for", &path))?);
        Ok(())
    }

    fn end(&mut self, machine: Box<Machine>) -> Result<(), DataError> {
        self.join();
        let generation = self.next_log(&machine)?;
        snapshot::write(&self.folder, generation, &machine).map(drop)
    }

    fn next_log(&mut self, machine: &Machine) -> Result<u64, DataError> {
        let generation = self.log.generation() + 1;
        self.log = Log::create(&self.folder, generation, machine.last_zxid())?;
        Ok(generation)
    }
}

/// The first failure is the one that is told.
fn fail(progress: &watch::Sender<Progress>, error: DataError) {
    tracing::error!("{error}: nothing more is answered");
    progress.send_modify(|progress| {
        progress.failed.get_or_insert(Arc::new(error));
    });
}
