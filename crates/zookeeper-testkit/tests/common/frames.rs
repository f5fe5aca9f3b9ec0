//! Frames by hand: what a server answers, byte for byte, and in which order.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use zookeeper_testkit::wire::{
    Acl, ConnectRequest, ConnectResponse, Decoder, Encoder, ErrorCode, OpCode, ReplyHeader, Stat,
    WatcherEvent, auth_frame, frame, ping_frame, read_frame, request_frame, xid,
};

/// Far beyond what anything here takes: a server that does not answer fails the test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
const HEADER: usize = 16;

pub(crate) struct Frames {
    stream: BufReader<TcpStream>,
    pub(crate) session: i64,
    pub(crate) password: Vec<u8>,
    xid: i32,
}

/// A frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    Event(i64, WatcherEvent),
    Reply(ReplyHeader, Vec<u8>),
    Closed,
}

/// What came up to the reply, and with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Kind and path.
    pub(crate) events: Vec<(i32, String)>,
    pub(crate) header: ReplyHeader,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn error(&self) -> Option<ErrorCode> {
        if self.header.error.is_some() {
            assert!(self.body.is_empty(), "an error has no body: {self:?}");
        }
        self.header.error
    }

    pub(crate) fn decode<T>(&self, decode: impl FnOnce(&mut Decoder<'_>) -> T) -> T {
        assert_eq!(self.header.error, None);
        let mut decoder = Decoder::new(&self.body);
        let decoded = decode(&mut decoder);
        assert!(decoder.is_empty(), "more than expected: {self:?}");
        decoded
    }

    pub(crate) fn stat(&self) -> Stat {
        self.decode(|body| Stat::decode(body).unwrap())
    }

    pub(crate) fn string(&self) -> String {
        self.decode(|body| body.string().unwrap())
    }
}

pub(crate) fn request(timeout: Duration) -> ConnectRequest {
    ConnectRequest::new(timeout)
}

impl Frames {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        Self::dial(server).await.unwrap()
    }

    /// Fails where nobody listens, and may fail where a server closes at once.
    pub(crate) async fn dial(server: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), session: 0, password: Vec::new(), xid: 0 })
    }

    /// A session with the longest timeout.
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        let mut frames = Self::open(server).await;
        assert!(!frames.shake(&request(super::TIMEOUT)).await.unwrap().is_refused());
        frames
    }

    /// The same session on another connection.
    pub(crate) async fn attach(&self, server: SocketAddr) -> Self {
        let mut frames = Self::open(server).await;
        let session = ConnectRequest {
            session_id: self.session,
            password: self.password.clone(),
            ..request(super::TIMEOUT)
        };
        assert!(!frames.shake(&session).await.unwrap().is_refused());
        frames
    }

    /// `None` where the server closes instead of answering.
    pub(crate) async fn shake(&mut self, request: &ConnectRequest) -> Option<ConnectResponse> {
        self.write(&frame(&request.encode())).await;
        let response = ConnectResponse::decode(&self.read().await?).unwrap();
        (self.session, self.password) = (response.session_id, response.password.clone());
        Some(response)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // Where the server has closed, reading shows it.
        let _ = self.stream.write_all(bytes).await;
    }

    async fn read(&mut self) -> Option<Vec<u8>> {
        let read = tokio::time::timeout(DEADLINE, read_frame(&mut self.stream)).await;
        read.unwrap_or_else(|_| panic!("the server says nothing")).ok().flatten()
    }

    pub(crate) async fn next(&mut self) -> Came {
        let Some(body) = self.read().await else { return Came::Closed };
        let mut decoder = Decoder::new(&body);
        let header = ReplyHeader::decode(&mut decoder).unwrap();
        if header.xid == -1 {
            return Came::Event(header.zxid, WatcherEvent::decode(&mut decoder).unwrap());
        }
        Came::Reply(header, body[HEADER..].to_vec())
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        self.next().await == Came::Closed
    }

    /// The bytes of a request.
    pub(crate) fn encoded(xid: i32, op: OpCode, body: Encoder) -> Vec<u8> {
        Self::with_body(xid, op, &body.finish())
    }

    pub(crate) fn with_body(xid: i32, op: OpCode, body: &[u8]) -> Vec<u8> {
        request_frame(xid, op, |request| _ = request.raw(body))
    }

    pub(crate) async fn send(&mut self, op: OpCode, body: Encoder) -> i32 {
        self.xid += 1;
        let request = Self::encoded(self.xid, op, body);
        self.write(&request).await;
        self.xid
    }

    pub(crate) async fn call(&mut self, op: OpCode, body: Encoder) -> Answer {
        let xid = self.send(op, body).await;
        self.answer(xid).await
    }

    /// The events up to the next reply, which has to be that to `xid`.
    pub(crate) async fn answer(&mut self, xid: i32) -> Answer {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Came::Event(zxid, event) => {
                    assert_eq!((zxid, event.state), (-1, 3));
                    events.push((event.kind, event.path));
                }
                Came::Reply(header, body) => {
                    assert_eq!(header.xid, xid);
                    return Answer { events, header, body };
                }
                Came::Closed => panic!("closed before the reply to {xid}"),
            }
        }
    }

    /// The next frame, which has to be an event.
    pub(crate) async fn event(&mut self) -> (i32, String) {
        match self.next().await {
            Came::Event(_, event) => (event.kind, event.path),
            other => panic!("no event: {other:?}"),
        }
    }

    // Operations.

    pub(crate) async fn create(&mut self, path: &str) -> Answer {
        self.call(OpCode::Create, create(path, b"", &Acl::open(), 0)).await
    }

    pub(crate) async fn create_with(&mut self, path: &str, flags: i32) -> Answer {
        self.call(OpCode::Create, create(path, b"", &Acl::open(), flags)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.call(OpCode::Delete, versioned(path, -1)).await
    }

    pub(crate) async fn set(&mut self, path: &str, data: &[u8]) -> Answer {
        self.call(OpCode::SetData, set_data(path, data, -1)).await
    }

    pub(crate) async fn stat(&mut self, path: &str) -> Option<Stat> {
        let answer = self.call(OpCode::Exists, watched(path, false)).await;
        if answer.error() == Some(ErrorCode::NoNode) { None } else { Some(answer.stat()) }
    }

    pub(crate) async fn multi(&mut self, parts: Vec<(OpCode, Encoder)>) -> Answer {
        self.xid += 1;
        let parts = parts.into_iter().map(|(op, body)| (op, body.finish()));
        self.write(&Self::with_body(self.xid, OpCode::Multi, &multi(parts))).await;
        self.answer(self.xid).await
    }

    /// A read that leaves a watch.
    pub(crate) async fn watch(&mut self, op: OpCode, path: &str) -> Answer {
        self.call(op, watched(path, true)).await
    }

    /// Leaves a watch that lasts: 0 for the node, 1 for all that is below it as well.
    pub(crate) async fn add_watch(&mut self, path: &str, mode: i32) -> Answer {
        self.call(OpCode::AddWatch, versioned(path, mode)).await
    }

    pub(crate) async fn ping(&mut self) -> Answer {
        self.write(&ping_frame()).await;
        self.answer(xid::PING).await
    }

    pub(crate) async fn auth(&mut self, scheme: &str, credentials: &[u8]) -> Answer {
        self.write(&auth_frame(scheme, credentials)).await;
        self.answer(xid::AUTH).await
    }
}

pub(crate) fn create(path: &str, data: &[u8], acl: &[Acl], flags: i32) -> Encoder {
    let mut body = Encoder::new();
    body.string(path).buffer(data);
    Acl::encode_all(acl, &mut body);
    body.int(flags);
    body
}

pub(crate) fn versioned(path: &str, version: i32) -> Encoder {
    let mut body = Encoder::new();
    body.string(path).int(version);
    body
}

pub(crate) fn watched(path: &str, watch: bool) -> Encoder {
    let mut body = Encoder::new();
    body.string(path).bool(watch);
    body
}

pub(crate) fn only(path: &str) -> Encoder {
    let mut body = Encoder::new();
    body.string(path);
    body
}

pub(crate) fn set_data(path: &str, data: &[u8], version: i32) -> Encoder {
    let mut body = Encoder::new();
    body.string(path).buffer(data).int(version);
    body
}

pub(crate) fn set_acl(path: &str, acl: &[Acl], version: i32) -> Encoder {
    let mut body = Encoder::new();
    body.string(path);
    Acl::encode_all(acl, &mut body);
    body.int(version);
    body
}

/// Paths watched for data, for creation, and for children.
pub(crate) fn set_watches<P: AsRef<str>>(since: i64, data: &[P], exist: &[P], children: &[P]) -> Encoder {
    let mut body = Encoder::new();
    body.long(since);
    for paths in [data, exist, children] {
        body.vector(paths.iter(), |body, path| {
            body.string(path.as_ref());
        });
    }
    body
}

/// The same with paths watched for good, alone and with all below them.
pub(crate) fn set_watches_2<P: AsRef<str>>(since: i64, once: [&[P]; 3], lasting: [&[P]; 2]) -> Encoder {
    let mut body = set_watches(since, once[0], once[1], once[2]);
    for paths in lasting {
        body.vector(paths.iter(), |body, path| {
            body.string(path.as_ref());
        });
    }
    body
}

/// The parts of a multi by their kinds.
pub(crate) fn multi(parts: impl IntoIterator<Item = (OpCode, Vec<u8>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (op, body) in parts {
        let mut header = Encoder::new();
        header.int(op.number()).bool(false).int(-1);
        bytes.extend(header.finish());
        bytes.extend(body);
    }
    let mut end = Encoder::new();
    end.int(-1).bool(true).int(-1);
    bytes.extend(end.finish());
    bytes
}
