//! A server made up for a test: it attaches whoever comes, and answers as the test says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use zookeeper_wire::{
    ConnectRequest, ConnectResponse, Decoder, Encoder, ErrorCode, OpCode, ReplyHeader, RequestHeader, Stat,
    frame, read_frame,
};

use super::TEST_TIMEOUT;

pub(super) const NO_NODE: i32 = -101;

pub(super) struct FakeServer(TcpListener);

/// A connection to a [`FakeServer`].
pub(super) struct FakeConnection(TcpStream);

/// A request, as far as a made-up server has to understand it.
pub(super) struct FakeRequest {
    pub(super) xid: i32,
    pub(super) op: OpCode,
    pub(super) path: Option<String>,
}

impl FakeServer {
    pub(super) async fn start() -> FakeServer {
        FakeServer(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> FakeConnection {
        let (stream, _) =
            timeout(TEST_TIMEOUT, self.0.accept()).await.expect("a connection in time").unwrap();
        stream.set_nodelay(true).unwrap();
        FakeConnection(stream)
    }

    /// The next connection, attached to this session, and what was asked for.
    pub(super) async fn attach(&self, session: i64, granted: Duration) -> (FakeConnection, ConnectRequest) {
        let mut connection = self.accept().await;
        let request = connection.handshake().await;
        connection.grant(session, granted).await;
        (connection, request)
    }

    /// As [`attach`](Self::attach), and the probe that proves the attach is answered.
    pub(super) async fn serve(&self, session: i64, granted: Duration) -> FakeConnection {
        let (mut connection, _) = self.attach(session, granted).await;
        let probe = connection.request().await.expect("a probe");
        assert_eq!(probe.op, OpCode::Delete);
        connection.reply(probe.xid, NO_NODE, &[]).await;
        connection
    }
}

impl FakeConnection {
    pub(super) async fn handshake(&mut self) -> ConnectRequest {
        self.handshake_if_any().await.expect("a handshake")
    }

    /// `None` if the client goes without one.
    pub(super) async fn handshake_if_any(&mut self) -> Option<ConnectRequest> {
        self.frame().await.map(|frame| ConnectRequest::decode(&frame).unwrap())
    }

    pub(super) async fn grant(&mut self, session: i64, granted: Duration) {
        let granted = ConnectResponse {
            timeout: granted,
            session_id: session,
            password: vec![7; 16],
            read_only: Some(false),
        };
        self.write(&frame(&granted.encode())).await;
    }

    /// The next request; `None` once the client has gone.
    pub(super) async fn request(&mut self) -> Option<FakeRequest> {
        let body = self.frame().await?;
        let mut decoder = Decoder::new(&body);
        let RequestHeader { xid, op } = RequestHeader::decode(&mut decoder).unwrap();
        let path = op.has_path().then(|| decoder.string().unwrap());
        Some(FakeRequest { xid, op, path })
    }

    /// Answers probes and pings up to the first other request, and returns that; `None` once the client has gone.
    pub(super) async fn next_request(&mut self) -> Option<FakeRequest> {
        loop {
            let request = self.request().await?;
            match request.op {
                OpCode::Ping => self.reply(request.xid, 0, &[]).await,
                OpCode::Delete => self.reply(request.xid, NO_NODE, &[]).await,
                _ => return Some(request),
            }
        }
    }

    pub(super) async fn reply(&mut self, xid: i32, error: i32, rest: &[u8]) {
        self.write(&reply(xid, error, rest)).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        // That the client has gone shows where its next request is read.
        let _ = self.0.write_all(bytes).await;
    }

    async fn frame(&mut self) -> Option<Vec<u8>> {
        timeout(TEST_TIMEOUT, read_frame(&mut self.0)).await.expect("a frame in time").ok().flatten()
    }
}

/// A reply as it goes over the wire.
pub(super) fn reply(xid: i32, error: i32, rest: &[u8]) -> Vec<u8> {
    let mut body = Encoder::new();
    ReplyHeader { xid, zxid: 5, error: ErrorCode::from_number(error) }.encode(&mut body);
    body.raw(rest);
    frame(&body.finish())
}

/// What a reply to a read says: the node's data and stat.
pub(super) fn node(data: &[u8], czxid: i64, owner: i64) -> Vec<u8> {
    let stat = Stat {
        czxid,
        mzxid: czxid,
        ctime: 0,
        mtime: 0,
        version: 0,
        cversion: 0,
        aversion: 0,
        ephemeral_owner: owner,
        data_length: i32::try_from(data.len()).unwrap(),
        children: 0,
        pzxid: czxid,
    };
    let mut body = Encoder::new();
    stat.encode(body.buffer(data));
    body.finish()
}
