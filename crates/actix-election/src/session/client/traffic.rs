//! What passes on one connection: every request numbered, every reply paired with its request and checked.
//!
//! The client crate pairs replies with requests by their order alone, and trusts every length that it reads. So nothing reaches
//! it that does not answer its oldest request, or does not look as the answer to that has to look.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zookeeper_wire::{
    Decoder, Encoder, ErrorCode, Malformed, OpCode, ReplyHeader, RequestHeader, check_event, check_reply,
    extend_with_xid, frame, xid,
};

use super::track::Track;

/// The requests and replies of one connection.
pub(super) struct Traffic {
    track: Arc<Track>,
    /// The requests that have not been answered, oldest first.
    requests: Mutex<VecDeque<SentRequest>>,
    /// The session is being closed.
    closing: AtomicBool,
    /// The error of the last reply, if it is one after which servers end a connection; 0 otherwise.
    refusal: AtomicI32,
}

/// A request, and what it is called on either side.
#[derive(Clone, Copy)]
struct SentRequest {
    op: OpCode,
    client_xid: i32,
    server_xid: i32,
}

impl Traffic {
    pub(super) fn new(track: Arc<Track>) -> Self {
        let (closing, refusal) = (AtomicBool::new(false), AtomicI32::new(0));
        Traffic { track, requests: Mutex::default(), closing, refusal }
    }

    /// Takes a request's whole frame to `batch`, for the server.
    pub(super) fn take_request(&self, frame: &[u8], batch: &mut Vec<u8>) -> io::Result<()> {
        let header = RequestHeader::decode(&mut Decoder::new(body(frame))).map_err(|malformed| {
            invalid(format!("the client sent a request without a header: {malformed}"))
        })?;
        // Pings, credentials and the close have theirs by convention, and none of them is paired with a commit but the close.
        let server_xid = if header.xid > 0 { self.track.next_xid() } else { header.xid };
        self.closing.fetch_or(server_xid == xid::CLOSE, Ordering::Relaxed);
        let asked = SentRequest { op: header.op, client_xid: header.xid, server_xid };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push_back(asked);
        extend_with_xid(batch, frame, server_xid);
        Ok(())
    }

    /// Takes a reply's or an event's whole frame to `batch`, if it is for the client, and returns its xid.
    pub(super) fn take_reply(&self, frame: &[u8], batch: &mut Vec<u8>) -> io::Result<i32> {
        let body = body(frame);
        let number = Decoder::new(body).int().map_err(|malformed| malformed_reply("a reply", malformed))?;
        if number == xid::EVENT {
            let header = check_event(body).map_err(|malformed| malformed_reply("an event", malformed))?;
            self.track.saw_zxid(header.zxid);
            // The znodes of the session go with it, each with an event, and those who wait for its end need the time.
            if !self.closing.load(Ordering::Relaxed) {
                batch.extend_from_slice(frame);
            }
            return Ok(number);
        }
        let asked = self.requests.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(asked) = asked.filter(|asked| asked.server_xid == number) else {
            return Err(invalid(format!("the server answered {number}, which is not the oldest request")));
        };
        let header = check_reply(asked.op, body)
            .map_err(|malformed| malformed_reply(&format!("the reply to {}", asked.op), malformed))?;
        self.track.saw_zxid(header.zxid);
        self.note_error(header.error);
        if !matches!(number, xid::PING | xid::CLOSE) {
            extend_with_xid(batch, frame, asked.client_xid);
        }
        Ok(number)
    }

    /// Takes the head of a list of children that is too long to be read. The client gets a list with one name in its
    /// place, as no znode can have it: see [`TooLong`].
    pub(super) fn take_long_list(&self, head: &[u8], limit: usize, batch: &mut Vec<u8>) -> io::Result<i32> {
        let mut decoder = Decoder::new(head);
        let mut decode = || {
            let length = decoder.int()?;
            Ok((length, ReplyHeader::decode(&mut decoder)?, decoder.int()?))
        };
        let (length, header, children) =
            decode().map_err(|malformed| malformed_reply("a long reply", malformed))?;
        let asked = self.requests.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let list = |asked: &SentRequest| asked.server_xid == header.xid && asked.op == OpCode::GetChildren;
        let Some(asked) = asked.filter(list).filter(|_| header.error.is_none()) else {
            return Err(invalid(format!(
                "it sends a frame of {length} bytes, longer than the limit of {limit} in max_frame_size (the servers' setting is jute.maxbuffer)"
            )));
        };
        self.track.saw_zxid(header.zxid);
        self.note_error(None);
        let mut list = Encoder::new();
        ReplyHeader { xid: asked.client_xid, ..header }.encode(&mut list);
        list.int(1).string(&TooLong { children, bytes: length }.to_name());
        batch.extend_from_slice(&frame(&list.finish()));
        Ok(header.xid)
    }

    fn note_error(&self, error: Option<ErrorCode>) {
        use ErrorCode::{BadVersion, NoAuth, NoChildrenForEphemerals, NoNode, NodeExists, NotEmpty};
        let usual = [NoNode, NodeExists, NoAuth, BadVersion, NotEmpty, NoChildrenForEphemerals];
        let error = error.filter(|error| !usual.contains(error)).map_or(0, ErrorCode::number);
        self.refusal.store(error, Ordering::Relaxed);
        if error != 0 {
            self.track.saw_unknown_error(error);
        }
    }

    /// Why the server ended the connection, as far as its last answer says it.
    pub(super) fn explain(&self, error: io::Error) -> io::Error {
        match ErrorCode::from_number(self.refusal.load(Ordering::Relaxed)) {
            Some(refusal) => {
                let text = format!("the server answered error {}, {}", refusal.number(), refusal.meaning());
                io::Error::new(error.kind(), text)
            }
            None if is_end(error.kind()) => io::Error::new(
                error.kind(),
                "the server, or something on the way to it, closed the connection",
            ),
            None => error,
        }
    }
}

/// Whether this is how the other side's end of a connection shows, to a reader or to a writer.
fn is_end(error: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// A list of children that is too long to be read, in figures of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    pub(super) children: i32,
    pub(super) bytes: i32,
}

impl TooLong {
    fn to_name(self) -> String {
        format!("\0{} {}", self.children, self.bytes)
    }

    /// If this list stands for one.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let [name] = names else { return None };
        let (children, bytes) = name.strip_prefix('\0')?.split_once(' ')?;
        Some(TooLong { children: children.parse().ok()?, bytes: bytes.parse().ok()? })
    }
}

/// What stands behind the length of a frame.
fn body(frame: &[u8]) -> &[u8] {
    frame.get(4..).unwrap_or_default()
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn malformed_reply(what: &str, malformed: Malformed) -> io::Error {
    invalid(format!("{what} is malformed: {malformed}"))
}
