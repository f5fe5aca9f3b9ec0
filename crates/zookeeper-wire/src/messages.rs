//! The records that the proxy reads, and the raw client and the in-process server exchange.

use std::time::Duration;

use crate::{Decoder, Encoder, ErrorCode, Malformed, OpCode};

/// The first frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRequest {
    /// The newest zxid that the client has seen; 0 for a new client.
    pub last_zxid: i64,
    /// The session timeout wished for, in whole milliseconds.
    pub timeout: Duration,
    /// The session to attach to; 0 for a new one.
    pub session_id: i64,
    /// That session's password, 16 bytes.
    pub password: Vec<u8>,
    /// The flag that older clients leave out.
    pub read_only: Option<bool>,
}

impl ConnectRequest {
    /// Asks for a new session with this timeout, as a client that has seen nothing yet.
    pub fn new(timeout: Duration) -> Self {
        Self { last_zxid: 0, timeout, session_id: 0, password: vec![0; 16], read_only: Some(false) }
    }

    /// The frame's body.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder.int(0).long(self.last_zxid).int(millis(self.timeout)).long(self.session_id);
        encoder.buffer(&self.password);
        if let Some(read_only) = self.read_only {
            encoder.bool(read_only);
        }
        encoder.finish()
    }

    /// From the frame's body.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(body);
        decoder.int()?;
        Ok(Self {
            last_zxid: decoder.long()?,
            timeout: duration(decoder.int()?),
            session_id: decoder.long()?,
            password: decoder.buffer()?,
            read_only: if decoder.is_empty() { None } else { Some(decoder.bool()?) },
        })
    }
}

/// The first frame of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectResponse {
    /// The session timeout granted, in whole milliseconds; zero where the session is refused.
    pub timeout: Duration,
    /// The session; 0 where it is refused.
    pub session_id: i64,
    /// The session's password, 16 bytes.
    pub password: Vec<u8>,
    /// The flag, if the request had it.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// The answer to a session that is refused.
    pub fn refusal(read_only: Option<bool>) -> Self {
        Self { timeout: Duration::ZERO, session_id: 0, password: vec![0; 16], read_only }
    }

    /// The frame's body.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder.int(0).int(millis(self.timeout)).long(self.session_id).buffer(&self.password);
        if let Some(read_only) = self.read_only {
            encoder.bool(read_only);
        }
        encoder.finish()
    }

    /// Whether the session was refused: expired, closed, never there, or another password.
    pub fn is_refused(&self) -> bool {
        self.session_id == 0 || self.timeout.is_zero()
    }

    /// From the frame's body.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(body);
        decoder.int()?;
        Ok(Self {
            timeout: duration(decoder.int()?),
            session_id: decoder.long()?,
            password: decoder.buffer()?,
            read_only: if decoder.is_empty() { None } else { Some(decoder.bool()?) },
        })
    }
}

/// The head of every later frame of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader {
    /// The client's number for it; pings have -2, auth -4, setWatches -8.
    pub xid: i32,
    /// What it asks for.
    pub op: OpCode,
}

impl RequestHeader {
    /// To the start of a frame's body.
    pub fn encode(&self, encoder: &mut Encoder) {
        encoder.int(self.xid).int(self.op.number());
    }

    /// From the start of a frame's body.
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self { xid: decoder.int()?, op: OpCode::from_number(decoder.int()?) })
    }
}

/// The head of every later frame of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The request's number; -1 for a watch event.
    pub xid: i32,
    /// The newest transaction that the server has applied.
    pub zxid: i64,
    /// Why it was refused, if it was.
    pub error: Option<ErrorCode>,
}

impl ReplyHeader {
    /// To the start of a frame's body.
    pub fn encode(&self, encoder: &mut Encoder) {
        encoder.int(self.xid).long(self.zxid).int(self.error.map_or(0, ErrorCode::number));
    }

    /// From the start of a frame's body.
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self { xid: decoder.int()?, zxid: decoder.long()?, error: ErrorCode::from_number(decoder.int()?) })
    }
}

/// A watch that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatcherEvent {
    /// 1 created, 2 deleted, 3 data changed, 4 children changed.
    pub kind: i32,
    /// The state of the connection, 3 where it is in order.
    pub state: i32,
    /// The node.
    pub path: String,
}

impl WatcherEvent {
    /// To a frame's body, after its header.
    pub fn encode(&self, encoder: &mut Encoder) {
        encoder.int(self.kind).int(self.state).string(&self.path);
    }

    /// From a frame's body, after its header.
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self { kind: decoder.int()?, state: decoder.int()?, path: decoder.string()? })
    }
}

/// Who may do what with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// Permissions: read 1, write 2, create 4, delete 8, admin 16.
    pub permissions: i32,
    /// Such as `world`, `auth`, `digest`.
    pub scheme: String,
    /// Such as `anyone`, or `user:hash` for `digest`.
    pub id: String,
}

impl Acl {
    /// Every permission.
    pub const ALL: i32 = 31;

    /// Everybody may do everything.
    pub fn open() -> Vec<Self> {
        vec![Self { permissions: Self::ALL, scheme: "world".to_owned(), id: "anyone".to_owned() }]
    }

    /// Everybody may read, and nothing else.
    pub fn read_only() -> Vec<Self> {
        vec![Self { permissions: 1, scheme: "world".to_owned(), id: "anyone".to_owned() }]
    }

    /// Whoever creates the node may do everything, and nobody else anything. Needs credentials first.
    pub fn creator() -> Vec<Self> {
        vec![Self { permissions: Self::ALL, scheme: "auth".to_owned(), id: String::new() }]
    }

    /// The count of the entries, and the entries.
    pub fn encode_all(acl: &[Self], encoder: &mut Encoder) {
        encoder.vector(acl.iter(), |encoder, entry| {
            encoder.int(entry.permissions).string(&entry.scheme).string(&entry.id);
        });
    }

    /// What [`encode_all`](Self::encode_all) writes.
    pub fn decode_all(decoder: &mut Decoder<'_>) -> Result<Vec<Self>, Malformed> {
        decoder.vector(|decoder| {
            Ok(Self { permissions: decoder.int()?, scheme: decoder.string()?, id: decoder.string()? })
        })
    }
}

/// What a server knows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: i64,
    /// The transaction that last wrote its data.
    pub mzxid: i64,
    /// When it was created, in milliseconds since 1970 by the server's clock.
    pub ctime: i64,
    /// When its data was last written, likewise.
    pub mtime: i64,
    /// How often its data was written.
    pub version: i32,
    /// How often its children changed.
    pub cversion: i32,
    /// How often its ACL changed.
    pub aversion: i32,
    /// The session that it lives with; 0 where it is persistent.
    pub ephemeral_owner: i64,
    /// The length of its data in bytes.
    pub data_length: i32,
    /// How many children it has.
    pub children: i32,
    /// The transaction that last changed its children.
    pub pzxid: i64,
}

impl Stat {
    /// To the bytes of a reply.
    pub fn encode(&self, encoder: &mut Encoder) {
        encoder.long(self.czxid).long(self.mzxid).long(self.ctime).long(self.mtime);
        encoder.int(self.version).int(self.cversion).int(self.aversion).long(self.ephemeral_owner);
        encoder.int(self.data_length).int(self.children).long(self.pzxid);
    }

    /// From the bytes of a reply.
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            czxid: decoder.long()?,
            mzxid: decoder.long()?,
            ctime: decoder.long()?,
            mtime: decoder.long()?,
            version: decoder.int()?,
            cversion: decoder.int()?,
            aversion: decoder.int()?,
            ephemeral_owner: decoder.long()?,
            data_length: decoder.int()?,
            children: decoder.int()?,
            pzxid: decoder.long()?,
        })
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn duration(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_request_with_and_without_the_flag() {
        for read_only in [None, Some(false), Some(true)] {
            let request = ConnectRequest {
                last_zxid: 9,
                timeout: Duration::from_millis(4_000),
                session_id: -3,
                password: vec![7; 16],
                read_only,
            };
            assert_eq!(ConnectRequest::decode(&request.encode()), Ok(request));
        }
    }
}
