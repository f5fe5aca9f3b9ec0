//! A snapshot: the whole machine at a moment, in one frame.

use std::fs;

use super::error::DataError;
use super::folder::Folder;
use super::format::{HEADER, Header, Kind, end};
use crate::server::tree::Machine;
use crate::wire::{Decoder, Encoder};

/// Writes a snapshot, and removes what came before it. Returns its size in bytes.
pub(super) fn write(folder: &Folder, generation: u64, machine: &Machine) -> Result<u64, DataError> {
    let header = Header { kind: Kind::Snapshot, generation, zxid: machine.last_zxid() };
    let mut encoder = Encoder::new();
    machine.dump(&mut encoder);
    let frame = header.frame(HEADER as u64, &encoder.finish());
    folder.create(Kind::Snapshot, generation, &[&header.bytes(), &frame])?;
    folder.remove_before(generation)?;
    Ok((HEADER + frame.len()) as u64)
}

/// Has the machine be as in the snapshot of this generation. Returns its size in bytes.
pub(super) fn read(folder: &Folder, generation: u64, machine: &mut Machine) -> Result<u64, DataError> {
    let path = folder.file(Kind::Snapshot, generation);
    let bytes = fs::read(&path).map_err(DataError::refused("read", &path))?;
    let header = Header::read(&path, &bytes, Kind::Snapshot, generation)?;
    let damaged = |what: String| DataError::damaged(&path, HEADER as u64, what);
    let whole = header.payload(&bytes, HEADER).filter(|payload| end(HEADER, payload) == bytes.len());
    let payload = whole.ok_or_else(|| damaged("a checksum or the length is wrong".to_owned()))?;
    let mut decoder = Decoder::new(payload);
    machine.load(&mut decoder).map_err(|error| damaged(format!("it cannot be read: {error}")))?;
    if !decoder.is_empty() || machine.last_zxid() != header.zxid {
        return Err(damaged("it is not what its header says".to_owned()));
    }
    Ok(bytes.len() as u64)
}
