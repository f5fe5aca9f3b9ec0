//! The few frames of ZooKeeper's protocol that the relay has to understand itself.
//!
//! A frame is a big-endian `i32` length and that many bytes. Everything else goes through untouched.

use tokio::io::{self, AsyncRead, AsyncReadExt};

/// How much is read at once, if so much is there: a few hundred replies.
const READ_SIZE: usize = 32 * 1024;

/// The longest frame that is accepted from a server: far above what a server that is left at its default of
/// 1 MB can send, far below what would hurt.
const MAX_FRAME: usize = 64 * 1024 * 1024;

pub(super) const PASSWORD_LEN: usize = 16;

/// Opcodes of the requests that the relay makes itself, and the xids of their replies. The client counts its own
/// from 1.
const CLOSE_SESSION: i32 = -11;
pub(super) const CLOSE_XID: i32 = 0;
const PING: i32 = 11;
const AUTH: i32 = 100;
/// The xid of credentials, and of their reply.
pub(super) const AUTH_XID: i32 = -4;
pub(super) const PING_XID: i32 = -2;
/// The xid of a watch event, which answers no request.
pub(super) const WATCH_XID: i32 = -1;

/// What a client says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectRequest {
    pub(super) last_zxid: i64,
    pub(super) timeout_ms: i32,
    pub(super) session: i64,
    pub(super) password: [u8; PASSWORD_LEN],
}

/// What a server answers. A timeout of 0 says that there is no such session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectResponse {
    pub(super) timeout_ms: i32,
    pub(super) session: i64,
    pub(super) password: [u8; PASSWORD_LEN],
}

impl ConnectRequest {
    pub(super) fn frame(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(45);
        body.extend(0_i32.to_be_bytes());
        body.extend(self.last_zxid.to_be_bytes());
        body.extend(self.timeout_ms.to_be_bytes());
        body.extend(self.session.to_be_bytes());
        put_password(&mut body, &self.password);
        body.push(0); // never read-only
        framed(&body)
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        Some(ConnectRequest {
            last_zxid: i64_at(body, 4)?,
            timeout_ms: i32_at(body, 12)?,
            session: i64_at(body, 16)?,
            password: password_at(body, 24)?,
        })
    }
}

impl ConnectResponse {
    pub(super) fn frame(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(37);
        body.extend(0_i32.to_be_bytes());
        body.extend(self.timeout_ms.to_be_bytes());
        body.extend(self.session.to_be_bytes());
        put_password(&mut body, &self.password);
        body.push(0);
        framed(&body)
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        Some(ConnectResponse {
            timeout_ms: i32_at(body, 4)?,
            session: i64_at(body, 8)?,
            password: password_at(body, 16)?,
        })
    }
}

/// The xid of a request.
pub(super) fn request_xid(body: &[u8]) -> Option<i32> {
    i32_at(body, 0)
}

/// Appends a whole frame, with this xid in the place of its own.
pub(super) fn extend_with_xid(batch: &mut Vec<u8>, frame: &[u8], xid: i32) {
    let start = batch.len();
    batch.extend_from_slice(frame);
    if let Some(place) = batch.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&xid.to_be_bytes());
    }
}

/// The xid and zxid of a reply.
pub(super) fn reply_header(body: &[u8]) -> Option<(i32, i64)> {
    Some((i32_at(body, 0)?, i64_at(body, 4)?))
}

pub(super) fn ping_frame() -> Vec<u8> {
    request_frame(PING_XID, PING)
}

pub(super) fn close_session_frame() -> Vec<u8> {
    request_frame(CLOSE_XID, CLOSE_SESSION)
}

pub(super) fn auth_frame(scheme: &str, credentials: &str) -> Vec<u8> {
    let mut body = AUTH_XID.to_be_bytes().to_vec();
    body.extend(AUTH.to_be_bytes());
    // A type that nobody looks at.
    body.extend(0_i32.to_be_bytes());
    for text in [scheme, credentials] {
        body.extend((text.len() as u32).to_be_bytes());
        body.extend(text.as_bytes());
    }
    framed(&body)
}

fn request_frame(xid: i32, opcode: i32) -> Vec<u8> {
    let mut body = xid.to_be_bytes().to_vec();
    body.extend(opcode.to_be_bytes());
    framed(&body)
}

/// Reads one frame and returns it whole, length included. Nothing beyond it is read.
pub(super) async fn read_frame<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    from.read_exact(&mut frame).await?;
    let length = frame_length(&frame)?.unwrap_or_default();
    // Grows as the bytes arrive: a length alone reserves nothing.
    let read = from.take((length - frame.len()) as u64).read_to_end(&mut frame).await?;
    if read + 4 < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(frame) }
}

/// The length of the frame that begins here, its own four bytes included; `None` if those are not here yet.
fn frame_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(length) = i32_at(bytes, 0) else { return Ok(None) };
    match usize::try_from(length) {
        Ok(length) if length <= MAX_FRAME => Ok(Some(4 + length)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a frame of impossible length")),
    }
}

/// Takes bytes as they come, many frames at once, and hands out the frames that are whole.
#[derive(Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Up to here they were handed out.
    taken: usize,
}

impl Frames {
    /// Reads what is there, or waits until something is. The end of the stream is an error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub(super) async fn read_more<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> io::Result<()> {
        self.buffer.drain(..std::mem::take(&mut self.taken));
        self.buffer.reserve(READ_SIZE);
        match from.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next frame, length included; `None` until more is read.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let rest = &self.buffer[self.taken..];
        let Some(length) = frame_length(rest)?.filter(|length| *length <= rest.len()) else {
            return Ok(None);
        };
        let at = self.taken;
        self.taken += length;
        Ok(Some(&self.buffer[at..self.taken]))
    }
}

/// The body of a frame that [`read_frame`] returned.
pub(super) fn body(frame: &[u8]) -> &[u8] {
    frame.get(4..).unwrap_or_default()
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

fn put_password(body: &mut Vec<u8>, password: &[u8; PASSWORD_LEN]) {
    body.extend((PASSWORD_LEN as u32).to_be_bytes());
    body.extend(password);
}

fn password_at(body: &[u8], at: usize) -> Option<[u8; PASSWORD_LEN]> {
    match i32_at(body, at)? {
        16 => body.get(at + 4..at + 4 + PASSWORD_LEN)?.try_into().ok(),
        // A server that knows no such session may leave it out.
        0 | -1 => Some([0; PASSWORD_LEN]),
        _ => None,
    }
}

fn i32_at(body: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?))
}

fn i64_at(body: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handshake_frames_survive_a_round_trip() {
        let request = ConnectRequest { last_zxid: 5, timeout_ms: 4000, session: 77, password: [9; 16] };
        let response = ConnectResponse { timeout_ms: 4000, session: -1, password: [8; 16] };
        let bytes = [request.frame(), response.frame()].concat();
        let mut from = &bytes[..];
        assert_eq!(ConnectRequest::parse(body(&read_frame(&mut from).await.unwrap())), Some(request));
        assert_eq!(ConnectResponse::parse(body(&read_frame(&mut from).await.unwrap())), Some(response));
        assert!(from.is_empty());
    }

    /// However the bytes are cut up on their way.
    #[tokio::test]
    async fn frames_come_out_whole_and_in_order() {
        let sent: Vec<Vec<u8>> = (0..40).map(|length| framed(&vec![length; length.into()])).collect();
        let bytes = sent.concat();
        for piece in [1, 3, 64, 700, bytes.len()] {
            let (mut frames, mut received) = (Frames::default(), Vec::new());
            for mut part in bytes.chunks(piece) {
                frames.read_more(&mut part).await.unwrap();
                while let Some(frame) = frames.next().unwrap() {
                    received.push(frame.to_vec());
                }
            }
            assert_eq!(received, sent, "in pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn bad_frames_are_errors() {
        for bad in [&[0xff, 0xff, 0xff, 0xff][..], &[0x7f, 0, 0, 0], &[0, 0, 0, 5, 1, 2], &[0, 0]] {
            assert!(read_frame(&mut &*bad).await.is_err(), "{bad:?}");
            let (mut frames, mut from) = (Frames::default(), bad);
            let error = loop {
                match frames.next() {
                    Ok(None) => {}
                    Ok(Some(frame)) => panic!("{frame:?} of {bad:?}"),
                    Err(error) => break error,
                }
                if let Err(error) = frames.read_more(&mut from).await {
                    break error;
                }
            };
            assert!(matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof));
        }
        assert_eq!(ConnectResponse::parse(&[0; 19]), None);
        assert_eq!(ConnectResponse::parse(&[]), None);
        assert_eq!(reply_header(&[0; 11]), None);
    }
}
