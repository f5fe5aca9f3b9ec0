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
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(Some(body))
}

/// `body` with its length before it, ready to be written.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.buffer(body);
    encoder.finish()
}
