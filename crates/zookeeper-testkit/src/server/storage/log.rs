//! The log: what has happened since the snapshot of its generation, in frames.
//!
//! A frame is what was written with one sync of the disk. The next one is written only after it, so that the crash of a
//! machine leaves no more than the last frame half written, whatever else it does to the order of writes: a damage before
//! a frame that is whole is a damage to what was there, and no crash.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::folder::Folder;
use super::format::{HEADER, Header, Kind, end};

/// A log that is being written.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    header: Header,
    end: u64,
}

impl Log {
    /// Begins the log of this generation, where this is the last zxid before it.
    pub(super) fn create(folder: &Folder, generation: u64, zxid: i64) -> Result<Self, DataError> {
        let header = Header { kind: Kind::Log, generation, zxid };
        let file = folder.create(Kind::Log, generation, &[&header.bytes()])?;
        Ok(Self { file, path: folder.file(Kind::Log, generation), header, end: HEADER as u64 })
    }

    /// Goes on behind what was found.
    pub(super) fn reopen(folder: &Folder, found: &Found) -> Result<Self, DataError> {
        let path = folder.file(Kind::Log, found.header.generation);
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(found.end)?;
            file.sync_all()?;
            file.seek(SeekFrom::Start(found.end))?;
            Ok(file)
        };
        let file = open().map_err(DataError::refused("write", &path))?;
        Ok(Self { file, path, header: found.header, end: found.end })
    }

    pub(super) fn generation(&self) -> u64 {
        self.header.generation
    }

    /// Returns once the payload is on the disk. Where it fails, nothing more must be written.
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<(), DataError> {
        let frame = self.header.frame(self.end, payload);
        let write = |file: &mut File| -> io::Result<()> {
            file.write_all(&frame)?;
            file.sync_data()
        };
        write(&mut self.file).map_err(DataError::refused("write", &self.path))?;
        self.end += frame.len() as u64;
        Ok(())
    }
}

/// What a log holds.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) header: Header,
    /// Where what can be used ends.
    pub(super) end: u64,
    /// How many bytes behind that are the rest of a frame.
    pub(super) dropped: u64,
}

/// Reads a log, and hands over each payload with its offset.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    generation: u64,
    mut use_payload: impl FnMut(u64, &[u8]) -> Result<(), DataError>,
) -> Result<Found, DataError> {
    let header = Header::read(path, bytes, Kind::Log, generation)?;
    let mut offset = HEADER;
    while let Some(payload) = header.payload(bytes, offset) {
        use_payload(offset as u64, payload)?;
        offset = end(offset, payload);
    }
    if let Some(next) = header.next_frame(bytes, offset) {
        let what = format!("a checksum is wrong, and more was written behind it, at offset {next}");
        return Err(DataError::damaged(path, offset as u64, what));
    }
    Ok(Found { header, end: offset as u64, dropped: (bytes.len() - offset) as u64 })
}
