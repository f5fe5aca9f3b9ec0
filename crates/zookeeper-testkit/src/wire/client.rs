//! A client for one connection, driven by hand.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Acl, ConnectRequest, ConnectResponse, Decoder, Encoder, ErrorCode, Malformed, OpCode, ReplyHeader, Stat,
    frame, read_frame, request_frame, xid,
};
use crate::driver;

/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two attempts of [`expire_session`].
const PAUSE: Duration = Duration::from_millis(20);

/// Why the raw client has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The connection could not be made, or broke. Whether the request was carried out is unknown.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server did not answer in 10 s. Whether the request was carried out is unknown.
    #[error("no answer within {DEADLINE:?}")]
    TimedOut,
    /// An earlier request failed on the way or was dropped unfinished, so the connection was given up.
    #[error("the connection was given up after an earlier failure")]
    Disconnected,
    /// The server knows no such session, or the password is another one.
    #[error("the server refused the session: it is expired, closed or unknown, or the password is wrong")]
    SessionRefused,
    /// The server refused the request: it was not carried out.
    #[error("refused: {0}")]
    Refused(ErrorCode),
    /// The answer does not decode.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The answer belongs to another request.
    #[error("expected the reply to request {expected}, got that to {got}")]
    OutOfOrder {
        /// The number of the request.
        expected: i32,
        /// The number in the reply.
        got: i32,
    },
}

/// How long a node lives and how it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CreateMode {
    /// Until it is deleted.
    #[default]
    Persistent,
    /// Until its session ends.
    Ephemeral,
    /// Until it is deleted; ten digits are appended to its name.
    PersistentSequential,
    /// Until its session ends; ten digits are appended to its name.
    EphemeralSequential,
    /// Until its last child has gone, some time after.
    Container,
}

/// One connection with one session, for setting the scene by hand: one request at a time, no pings, no reconnects.
///
/// Without pings, the session expires unless something is asked within its timeout. Dropping the client closes the
/// connection and leaves the session to expire; [`close`](Self::close) ends both.
///
/// # Cancel safety
///
/// Dropping a request unfinished gives up the connection: later requests fail with [`WireError::Disconnected`].
/// Whether it was carried out is unknown.
///
/// ```no_run
/// # async fn example(address: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};
///
/// let mut client = RawClient::connect(address, Duration::from_secs(10), None).await?;
/// client.create("/master", b"10.0.0.1:80", &Acl::open(), CreateMode::Ephemeral).await?;
/// let (data, stat) = client.get_data("/master").await?;
/// assert_eq!((data.as_slice(), stat.ephemeral_owner), (b"10.0.0.1:80".as_slice(), client.session_id()));
/// client.close().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RawClient {
    session: ConnectResponse,
    connection: Option<Connection>,
}

impl RawClient {
    /// Connects to the server at `address` and opens a session with this timeout, or attaches to `session`, given by its
    /// id and password. An attach throws that session's present connection out.
    ///
    /// # Errors
    ///
    /// [`WireError::SessionRefused`] where the session is gone or the password is wrong; [`WireError::Io`] where the
    /// server does not serve.
    pub async fn connect(
        address: SocketAddr,
        timeout: Duration,
        session: Option<(i64, Vec<u8>)>,
    ) -> Result<Self, WireError> {
        let request = connect_request(timeout, session);
        let (session, connection) = on_driver(async move {
            let mut connection = Connection::open(address).await?;
            connection.send(&request.encode()).await?;
            Ok((connection.handshake().await?, connection))
        })
        .await?;
        Ok(Self { session, connection: Some(connection) })
    }

    /// The session's id.
    pub fn session_id(&self) -> i64 {
        self.session.session_id
    }

    /// The session's password, 16 bytes.
    pub fn password(&self) -> &[u8] {
        &self.session.password
    }

    /// The session timeout that the server granted.
    pub fn session_timeout(&self) -> Duration {
        self.session.timeout
    }

    /// Adds credentials to this connection, such as `digest` and `user:password`.
    ///
    /// # Errors
    ///
    /// [`WireError::Refused`] with [`ErrorCode::AuthFailed`] for an unknown scheme; the server then closes.
    pub async fn add_auth(&mut self, scheme: &str, credentials: &[u8]) -> Result<(), WireError> {
        let mut body = Encoder::new();
        body.int(0).string(scheme).buffer(credentials);
        self.request(OpCode::Auth, body).await.map(drop)
    }

    /// Creates a node and returns its path, which differs from `path` where the mode is sequential.
    pub async fn create(
        &mut self,
        path: &str,
        data: &[u8],
        acl: &[Acl],
        mode: CreateMode,
    ) -> Result<String, WireError> {
        let mut body = Encoder::new();
        body.string(path).buffer(data);
        Acl::encode_all(acl, &mut body);
        let (op, flags) = match mode {
            CreateMode::Persistent => (OpCode::Create, 0),
            CreateMode::Ephemeral => (OpCode::Create, 1),
            CreateMode::PersistentSequential => (OpCode::Create, 2),
            CreateMode::EphemeralSequential => (OpCode::Create, 3),
            CreateMode::Container => (OpCode::CreateContainer, 4),
        };
        body.int(flags);
        let reply = self.request(op, body).await?;
        Ok(Decoder::new(&reply).string()?)
    }

    /// Deletes a node if its data is at `version`; `None` deletes it in any.
    pub async fn delete(&mut self, path: &str, version: Option<i32>) -> Result<(), WireError> {
        let mut body = Encoder::new();
        body.string(path).int(version.unwrap_or(-1));
        self.request(OpCode::Delete, body).await.map(drop)
    }

    /// The node's stat, or `None` where it does not exist.
    pub async fn exists(&mut self, path: &str) -> Result<Option<Stat>, WireError> {
        let mut body = Encoder::new();
        body.string(path).bool(false);
        match self.request(OpCode::Exists, body).await {
            Ok(reply) => Ok(Some(Stat::decode(&mut Decoder::new(&reply))?)),
            Err(WireError::Refused(ErrorCode::NoNode)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The node's data and stat.
    pub async fn get_data(&mut self, path: &str) -> Result<(Vec<u8>, Stat), WireError> {
        let mut body = Encoder::new();
        body.string(path).bool(false);
        let reply = self.request(OpCode::GetData, body).await?;
        let mut decoder = Decoder::new(&reply);
        Ok((decoder.buffer()?, Stat::decode(&mut decoder)?))
    }

    /// Overwrites the node's data if it is at `version`; `None` overwrites any.
    pub async fn set_data(
        &mut self,
        path: &str,
        data: &[u8],
        version: Option<i32>,
    ) -> Result<Stat, WireError> {
        let mut body = Encoder::new();
        body.string(path).buffer(data).int(version.unwrap_or(-1));
        let reply = self.request(OpCode::SetData, body).await?;
        Ok(Stat::decode(&mut Decoder::new(&reply))?)
    }

    /// The names of the node's children, in no order.
    pub async fn get_children(&mut self, path: &str) -> Result<Vec<String>, WireError> {
        let mut body = Encoder::new();
        body.string(path).bool(false);
        let reply = self.request(OpCode::GetChildren, body).await?;
        Ok(Decoder::new(&reply).vector(Decoder::string)?)
    }

    /// Replaces the node's ACL, whatever its version.
    pub async fn set_acl(&mut self, path: &str, acl: &[Acl]) -> Result<Stat, WireError> {
        let mut body = Encoder::new();
        body.string(path);
        Acl::encode_all(acl, &mut body);
        body.int(-1);
        let reply = self.request(OpCode::SetAcl, body).await?;
        Ok(Stat::decode(&mut Decoder::new(&reply))?)
    }

    /// Keeps the session alive for another timeout.
    pub async fn ping(&mut self) -> Result<(), WireError> {
        self.request(OpCode::Ping, Encoder::new()).await.map(drop)
    }

    /// Ends the session, and with it its ephemeral nodes, before it returns.
    pub async fn close(mut self) -> Result<(), WireError> {
        self.request(OpCode::CloseSession, Encoder::new()).await.map(drop)
    }

    async fn request(&mut self, op: OpCode, body: Encoder) -> Result<Vec<u8>, WireError> {
        let mut connection = self.connection.take().ok_or(WireError::Disconnected)?;
        let body = body.finish();
        let (reply, connection) = on_driver(async move {
            let reply = connection.exchange(op, &body).await;
            match reply {
                Ok(_) | Err(WireError::Refused(_)) => Ok((reply, connection)),
                Err(error) => Err(error),
            }
        })
        .await?;
        self.connection = Some(connection);
        reply
    }
}

/// Ends the session with this id and password from outside, as its expiry would, and returns once it is gone. Its
/// client is thrown out of its connection and finds the session expired when it comes back.
///
/// # Errors
///
/// [`WireError::SessionRefused`] where there was no such session, or the password is wrong.
///
/// # Cancel safety
///
/// If dropped, the session may or may not have ended.
pub async fn expire_session(address: SocketAddr, id: i64, password: &[u8]) -> Result<(), WireError> {
    // The request to close goes along with the handshake: the client, thrown out, attaches again at once, and would
    // otherwise win the session back before it is closed.
    let request = connect_request(Duration::from_secs(10), Some((id, password.to_vec())));
    on_driver(async move {
        let mut sent = false;
        let give_up = Instant::now() + DEADLINE / 2;
        loop {
            let sent_before = sent;
            match close_at_once(address, &request, &mut sent).await {
                Ok(()) => return Ok(()),
                // An earlier close went through, and only its reply was lost.
                Err(WireError::SessionRefused) if sent_before => return Ok(()),
                Err(WireError::Io(_) | WireError::Refused(_)) if Instant::now() < give_up => {
                    sleep(PAUSE).await
                }
                Err(error) => return Err(error),
            }
        }
    })
    .await
}

/// Opens a session with the server at `address`, for whoever speaks the frames themselves from there on.
///
/// # Errors
///
/// [`WireError::SessionRefused`], or [`WireError::Io`] where the server does not serve.
///
/// # Cancel safety
///
/// If dropped, the session may have been opened, and is left to expire.
pub async fn open_session(address: SocketAddr, timeout: Duration) -> Result<TcpStream, WireError> {
    let mut connection = Connection::open(address).await?;
    connection.send(&ConnectRequest::new(timeout).encode()).await?;
    connection.handshake().await?;
    // Nobody has asked anything yet, so nothing more can have been read ahead.
    Ok(connection.stream.into_inner())
}

async fn close_at_once(
    address: SocketAddr,
    request: &ConnectRequest,
    sent: &mut bool,
) -> Result<(), WireError> {
    let mut connection = Connection::open(address).await?;
    connection.send(&request.encode()).await?;
    let xid = connection.send_request(OpCode::CloseSession, &[]).await?;
    *sent = true;
    connection.handshake().await?;
    connection.reply(xid).await.map(drop)
}

fn connect_request(timeout: Duration, session: Option<(i64, Vec<u8>)>) -> ConnectRequest {
    let request = ConnectRequest::new(timeout);
    match session {
        Some((session_id, password)) => ConnectRequest { session_id, password, ..request },
        None => request,
    }
}

async fn on_driver<T: Send + 'static>(
    future: impl Future<Output = Result<T, WireError>> + Send + 'static,
) -> Result<T, WireError> {
    driver::run(async { timeout(DEADLINE, future).await.unwrap_or(Err(WireError::TimedOut)) }).await?
}

#[derive(Debug)]
struct Connection {
    stream: BufReader<TcpStream>,
    next_xid: i32,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), next_xid: 1 })
    }

    async fn send(&mut self, body: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(body)).await
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        read_frame(&mut self.stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    async fn handshake(&mut self) -> Result<ConnectResponse, WireError> {
        let response = ConnectResponse::decode(&self.receive().await?)?;
        if response.is_refused() { Err(WireError::SessionRefused) } else { Ok(response) }
    }

    async fn send_request(&mut self, op: OpCode, body: &[u8]) -> io::Result<i32> {
        let xid = match op {
            OpCode::Auth => xid::AUTH,
            OpCode::Ping => xid::PING,
            _ => {
                self.next_xid += 1;
                self.next_xid
            }
        };
        self.stream.write_all(&request_frame(xid, op, |request| _ = request.raw(body))).await?;
        Ok(xid)
    }

    /// The body of the next reply, which has to be that to `xid`. Watch events are skipped.
    async fn reply(&mut self, xid: i32) -> Result<Vec<u8>, WireError> {
        loop {
            let reply = self.receive().await?;
            let mut decoder = Decoder::new(&reply);
            let header = ReplyHeader::decode(&mut decoder)?;
            match header {
                ReplyHeader { xid: xid::EVENT, .. } => {}
                ReplyHeader { xid: got, .. } if got != xid => {
                    return Err(WireError::OutOfOrder { expected: xid, got });
                }
                ReplyHeader { error: Some(code), .. } => return Err(WireError::Refused(code)),
                ReplyHeader { error: None, .. } => return Ok(reply[REPLY_HEADER..].to_vec()),
            }
        }
    }

    async fn exchange(&mut self, op: OpCode, body: &[u8]) -> Result<Vec<u8>, WireError> {
        let xid = self.send_request(op, body).await?;
        self.reply(xid).await
    }
}

/// Two ints and a long.
const REPLY_HEADER: usize = 16;
