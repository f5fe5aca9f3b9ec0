//! How files look: a header, and frames behind it, each with checksums.
//!
//! ```text
//! header  "zkt-data", format (4), kind (4), generation (8), zxid (8), checksum of all that (4)
//! frame   length (8), checksum of place and length (4), checksum of the payload (4), payload
//! ```
//!
//! Numbers are big endian, checksums CRC-32. The first checksum of a frame covers the file's kind and generation and the
//! frame's offset in it: bytes that look like a frame are one at the very place only where it was written, so that no data
//! of a client passes for one. It also lets frames be found behind one whose length is damaged.

use std::path::Path;

use super::error::DataError;

const MAGIC: [u8; 8] = *b"zkt-data";
const FORMAT: u32 = 1;
/// The length of a header, in bytes.
pub(super) const HEADER: usize = 36;
const FRAME_HEADER: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Log,
}

impl Kind {
    fn number(self) -> u32 {
        match self {
            Self::Snapshot => 1,
            Self::Log => 2,
        }
    }
}

/// Which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// A log begins where the snapshot of the same generation ends, and goes on up to the next one.
    pub(super) generation: u64,
    /// The last zxid of the snapshot, and the last one before the log.
    pub(super) zxid: i64,
}

impl Header {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_be_bytes());
        bytes.extend(self.kind.number().to_be_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.zxid.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// The header of a file of which kind and generation are known from its name.
    pub(super) fn read(file: &Path, bytes: &[u8], kind: Kind, generation: u64) -> Result<Self, DataError> {
        let damaged = |what| DataError::damaged(file, 0, what);
        let header = bytes.get(..HEADER).ok_or_else(|| damaged("it is shorter than its header"))?;
        let (said, checksum) = header.split_at(HEADER - 4);
        if said[..8] != MAGIC {
            return Err(damaged("it does not begin as a file of this server"));
        }
        if number(checksum) != u64::from(crc32fast::hash(said)) {
            return Err(damaged("the header has another checksum"));
        }
        let found = u32::try_from(number(&said[8..12])).unwrap_or(u32::MAX);
        if found != FORMAT {
            return Err(DataError::Format { file: file.to_owned(), found, expected: FORMAT });
        }
        if (number(&said[12..16]), number(&said[16..24])) != (u64::from(kind.number()), generation) {
            return Err(damaged("the header is that of another file"));
        }
        Ok(Self { kind, generation, zxid: number(&said[24..32]).cast_signed() })
    }

    /// A frame for this offset.
    pub(super) fn frame(&self, offset: u64, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(FRAME_HEADER + payload.len());
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend(self.place(offset, payload.len() as u64).to_be_bytes());
        frame.extend(crc32fast::hash(payload).to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// The payload of the frame at this offset, if there is one, and it is whole.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8], offset: usize) -> Option<&'a [u8]> {
        let (header, rest) = bytes.get(offset..)?.split_at_checked(FRAME_HEADER)?;
        let (length, place, checksum) = (number(&header[..8]), number(&header[8..12]), number(&header[12..]));
        if place != u64::from(self.place(offset as u64, length)) {
            return None;
        }
        let payload = rest.get(..usize::try_from(length).ok()?)?;
        (checksum == u64::from(crc32fast::hash(payload))).then_some(payload)
    }

    /// The offset of the first frame that is whole, at `from` or behind it.
    pub(super) fn next_frame(&self, bytes: &[u8], from: usize) -> Option<usize> {
        (from..bytes.len()).find(|offset| self.payload(bytes, *offset).is_some())
    }

    fn place(&self, offset: u64, length: u64) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for part in [u64::from(self.kind.number()), self.generation, offset, length] {
            hasher.update(&part.to_be_bytes());
        }
        hasher.finalize()
    }
}

/// The offset behind a frame at `offset` with this payload.
pub(super) fn end(offset: usize, payload: &[u8]) -> usize {
    offset + FRAME_HEADER + payload.len()
}

/// Of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
