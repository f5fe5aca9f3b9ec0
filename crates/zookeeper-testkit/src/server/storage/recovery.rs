//! What was there before: the latest snapshot, and all logs from there on.
//!
//! Before the log of generation 1 there was nothing, and no snapshot is needed. A log begins with the zxid at which the one
//! before it has ended, so that a gap between them shows. Only the last one may end in the midst of a frame: those before
//! it were complete when it was begun.

use std::fs;

use super::error::DataError;
use super::folder::Folder;
use super::format::Kind;
use super::log::{self, Found, Log};
use super::{records, snapshot};
use crate::server::tree::Machine;

/// What was found in a folder.
pub(super) struct Recovered {
    /// To be written on.
    pub(super) log: Log,
    /// The generation to start from the next time.
    pub(super) oldest: u64,
    /// The bytes of the snapshot, and those of the logs.
    pub(super) snapshot_size: u64,
    pub(super) logged: u64,
    /// How many bytes at the end of the log could not be used: a change that was never answered, or a damage.
    pub(super) dropped: u64,
}

/// Has the machine, which has to be empty, be what the folder holds.
pub(super) fn recover(folder: &Folder, machine: &mut Machine) -> Result<Recovered, DataError> {
    let files = folder.files()?;
    let (first, snapshot_size) = match files.snapshots.last() {
        Some(latest) => (*latest, snapshot::read(folder, *latest, machine)?),
        None => (1, 0),
    };
    let Some(last) = files.logs.last().copied().filter(|last| *last >= first) else {
        if !files.snapshots.is_empty() {
            return Err(DataError::Missing { file: folder.file(Kind::Log, first) });
        }
        let log = Log::create(folder, first, machine.last_zxid())?;
        return Ok(Recovered { log, oldest: first, snapshot_size, logged: 0, dropped: 0 });
    };
    if let Some(missing) = (first..last).find(|generation| !files.logs.contains(generation)) {
        return Err(DataError::Missing { file: folder.file(Kind::Log, missing) });
    }
    let mut logged = 0;
    let mut found = replay(folder, first, last, machine)?;
    for generation in first + 1..=last {
        logged += found.end;
        found = replay(folder, generation, last, machine)?;
    }
    logged += found.end;
    let log = Log::reopen(folder, &found)?;
    Ok(Recovered { log, oldest: first, snapshot_size, logged, dropped: found.dropped })
}

fn replay(folder: &Folder, generation: u64, last: u64, machine: &mut Machine) -> Result<Found, DataError> {
    let path = folder.file(Kind::Log, generation);
    let bytes = fs::read(&path).map_err(DataError::refused("read", &path))?;
    let before = machine.last_zxid();
    let found = log::read(&path, &bytes, generation, |offset, payload| {
        records::replay(machine, payload).map_err(|what| DataError::damaged(&path, offset, what))
    })?;
    if found.header.zxid != before {
        let what = format!(
            "it goes on from zxid {:#x}, and what is before it ends at {before:#x}",
            found.header.zxid
        );
        return Err(DataError::damaged(&path, 0, what));
    }
    if generation < last && found.dropped > 0 {
        let what = "it ends here, in the midst of something, and another log goes on behind it";
        return Err(DataError::damaged(&path, found.end, what));
    }
    Ok(found)
}
