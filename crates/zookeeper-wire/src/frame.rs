//! Frames: a length, and that many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Encoder;

/// Frames longer than this are not ZooKeeper's (its `jute.maxbuffer` is a little under 1 MiB by default; replies may be
/// larger).
pub const MAX_FRAME: usize = 16 << 20;

/// Reads one frame and returns its body, or `None` where the peer closed between frames.
///
/// # Errors
///
/// What the reader says; `InvalidData` for a length that is negative or above [`MAX_FRAME`].
///
/// # Cancel safety
///
/// Not cancel safe: a frame may be lost in part.
pub async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if reader.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length);
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_FRAME).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes is no ZooKeeper frame"))
    })?;
    // Grows as the bytes arrive: a length alone reserves nothing.
    let mut body = Vec::new();
    let read = reader.take(length as u64).read_to_end(&mut body).await?;
    if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(body)) }
}

/// `body` with its length before it, ready to be written.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.buffer(body);
    encoder.finish()
}

/// How much is read at once, if so much is there: a few hundred replies.
const READ_SIZE: usize = 32 * 1024;

/// Takes bytes as they come, many frames at once, and hands out the frames that are whole.
#[derive(Debug)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Up to here they were handed out.
    taken: usize,
    /// The longest body that is taken.
    limit: usize,
    /// What is yet to come of a frame of which only the head was taken.
    skip: usize,
}

/// So much is kept of a frame that is too long: its length, a reply's header, and the first number behind that.
const HEAD: usize = 4 + 16 + 4;

/// A frame, or what is kept of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// All of it, its length included.
    Whole(&'a [u8]),
    /// The first 24 bytes of one that is longer than the limit, its length included. The rest is read and dropped.
    Head(&'a [u8]),
}

impl Frames {
    /// For frames whose bodies have at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Frames { buffer: Vec::new(), taken: 0, limit, skip: 0 }
    }

    /// Reads what is there, or waits until something is.
    ///
    /// # Errors
    ///
    /// What the reader says; `UnexpectedEof` at the end of the stream.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub async fn read_more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.buffer.drain(..std::mem::take(&mut self.taken));
        self.buffer.reserve(READ_SIZE);
        match from.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {
                // While there is something to skip, nothing else is in the buffer.
                self.taken = self.skip.min(self.buffer.len());
                self.skip -= self.taken;
                Ok(())
            }
        }
    }

    /// Whether a frame of which much has come is still on its way.
    pub fn is_amid_a_long_one(&self) -> bool {
        self.skip > 0 || self.buffer.len() - self.taken >= READ_SIZE
    }

    /// As [`next_frame`](Self::next_frame), but of a frame whose body is longer than the limit, and not longer than `longest`,
    /// the head is returned as soon as that is there, and the rest is never kept.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a length that is negative or above `longest`.
    pub fn next_part(&mut self, longest: usize) -> io::Result<Option<Part<'_>>> {
        let rest = &self.buffer[self.taken..];
        let Some(length) = frame_length(rest, longest.max(self.limit))? else { return Ok(None) };
        if length <= 4 + self.limit {
            return Ok(self.next_frame()?.map(Part::Whole));
        }
        if rest.len() < HEAD {
            return Ok(None);
        }
        let (at, here) = (self.taken, length.min(rest.len()));
        self.taken += here;
        self.skip = length - here;
        Ok(Some(Part::Head(&self.buffer[at..at + HEAD.min(here)])))
    }

    /// The next frame, its length included; `None` until more is read.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a length that is negative or above the limit.
    pub fn next_frame(&mut self) -> io::Result<Option<&[u8]>> {
        let rest = &self.buffer[self.taken..];
        let Some(length) = frame_length(rest, self.limit)?.filter(|length| *length <= rest.len()) else {
            return Ok(None);
        };
        let at = self.taken;
        self.taken += length;
        Ok(Some(&self.buffer[at..self.taken]))
    }
}

/// The length of the frame that begins here, its own four bytes included; `None` if those are not here yet.
fn frame_length(bytes: &[u8], limit: usize) -> io::Result<Option<usize>> {
    let Some(length) = bytes.get(..4).and_then(|bytes| bytes.try_into().ok()) else { return Ok(None) };
    let length = i32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(Some(4 + length)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes, longer than the limit of {limit}"),
        )),
    }
}

/// Appends a whole frame, with this xid in the place of its own.
pub fn extend_with_xid(batch: &mut Vec<u8>, frame: &[u8], xid: i32) {
    let start = batch.len();
    batch.extend_from_slice(frame);
    if let Some(place) = batch.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&xid.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames_of(mut bytes: &[u8], limit: usize) -> (Vec<Vec<u8>>, io::ErrorKind) {
        let (mut frames, mut whole) = (Frames::new(limit), Vec::new());
        loop {
            if let Err(error) = frames.read_more(&mut bytes).await {
                return (whole, error.kind());
            }
            loop {
                match frames.next_frame() {
                    Ok(Some(frame)) => whole.push(frame.to_vec()),
                    Ok(None) => break,
                    Err(error) => return (whole, error.kind()),
                }
            }
        }
    }

    #[tokio::test]
    async fn whole_frames_come_out_and_impossible_ones_do_not() {
        let mut bytes = frame(b"one");
        bytes.extend(frame(b""));
        bytes.extend(frame(b"two"));
        let (whole, end) = frames_of(&bytes, 3).await;
        assert_eq!(whole, [frame(b"one"), frame(b""), frame(b"two")]);
        assert_eq!(end, io::ErrorKind::UnexpectedEof);
        assert_eq!(frames_of(&bytes, 2).await.1, io::ErrorKind::InvalidData);
        assert_eq!(frames_of(&(-1_i32).to_be_bytes(), 3).await.1, io::ErrorKind::InvalidData);
        assert_eq!(frames_of(&bytes[..5], 3).await, (vec![], io::ErrorKind::UnexpectedEof));
    }

    #[tokio::test]
    async fn of_a_frame_that_is_too_long_the_head_is_kept() {
        let long: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let bytes = [frame(b"one"), frame(&long), frame(b"two"), frame(&long), frame(b"three")].concat();
        for step in [1, 7, 30_000, 250_000] {
            let (mut frames, mut found) = (Frames::new(100), Vec::new());
            for mut chunk in bytes.chunks(step) {
                while !chunk.is_empty() {
                    frames.read_more(&mut chunk).await.unwrap();
                    while let Some(part) = frames.next_part(200_000).unwrap() {
                        found.push(match part {
                            Part::Whole(frame) => (true, frame.to_vec()),
                            Part::Head(head) => (false, head.to_vec()),
                        });
                    }
                    assert!(frames.buffer.capacity() < 4 * READ_SIZE);
                }
            }
            let head = || (false, frame(&long)[..HEAD].to_vec());
            let whole = |body: &[u8]| (true, frame(body));
            assert_eq!(found, [whole(b"one"), head(), whole(b"two"), head(), whole(b"three")], "{step}");
        }
        let mut frames = Frames::new(100);
        frames.read_more(&mut &bytes[7..]).await.unwrap();
        assert_eq!(frames.next_part(199_999).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_xid_takes_the_place_of_another() {
        let mut batch = Vec::new();
        extend_with_xid(&mut batch, &frame(&[0, 0, 0, 1, 9]), 7);
        extend_with_xid(&mut batch, &frame(&[1]), 7);
        assert_eq!(batch, [&frame(&[0, 0, 0, 7, 9])[..], &frame(&[1])[..]].concat());
    }
}
