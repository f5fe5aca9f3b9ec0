//! Attaching a session to a server, and closing one that was given up.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use actix_election_core::{SessionTimeout, Timestamp};
use tokio::io::{self, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use zookeeper_wire::{
    ConnectRequest, ConnectResponse, Decoder, ReplyHeader, auth_frame, close_frame, frame, read_frame, xid,
};

use super::super::auth::Auth;
use crate::clock;

/// The password of a session.
pub(in super::super) type Password = [u8; 16];

/// What stands in the place of a password where a new session is asked for.
pub(in super::super) const NO_PASSWORD: Password = [0; 16];

/// What a client must know of its session to attach it.
#[derive(Clone, Copy)]
pub(in super::super) struct SessionClaim {
    /// 0 to ask for a new session.
    pub(in super::super) session: i64,
    pub(in super::super) password: Password,
    /// What to ask for.
    pub(in super::super) timeout: Duration,
    /// The newest transaction that was seen in this session: a server that is behind it must not serve it.
    pub(in super::super) last_zxid: i64,
    /// From then on the session must not be attached any more: its lease is over, and an attach would keep it at the
    /// ensemble for another T.
    pub(in super::super) until: Option<Timestamp>,
}

/// A connection that is attached to a session.
pub(in super::super) struct Attached {
    pub(in super::super) server: TcpStream,
    pub(in super::super) address: SocketAddr,
    pub(in super::super) session: i64,
    pub(in super::super) password: Password,
    pub(in super::super) timeout: SessionTimeout,
    /// When the ConnectRequest was sent.
    pub(in super::super) sent: Timestamp,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password would let anybody take the session over.
        write!(f, "session {:#x} at {}, timeout {:?}", self.session, self.address, self.timeout)
    }
}

/// Why a server did not attach the session.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum DialError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("it does not accept connections in time")]
    ConnectTimeout,
    #[error(
        "it closed the connection during the handshake ({0}): it has no quorum, is behind what this session has seen, \
         accepts no more connections from here, or expects TLS"
    )]
    Handshake(io::Error),
    #[error("it does not answer as ZooKeeper does ({0})")]
    NotZooKeeper(io::Error),
    #[error("it speaks TLS on this port")]
    Tls,
    #[error("it accepts connections, but does not answer the handshake in time")]
    HandshakeTimeout,
    #[error("it granted a session timeout of {granted:?}, shorter than {:?}", SessionTimeout::MIN)]
    Grant { granted: Duration },
    /// There is no such session any more.
    #[error("the session is over")]
    Expired,
    #[error("the lease of the session is over")]
    TooLate,
    #[error("it attached the session to be closed, and ended the connection before it was ({0})")]
    NotClosed(io::Error),
}

/// How long each part of an attempt may take.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct DialTimeouts {
    pub(in super::super) connect: Duration,
    pub(in super::super) handshake: Duration,
}

impl DialTimeouts {
    /// For a session with this timeout, in the given round of attempts, counted from 0: one server must not eat
    /// up what the lease has left, but a slow ensemble must be waited for in the end.
    pub(in super::super) fn new(timeout: SessionTimeout, round: u32) -> Self {
        let grow = |first: Duration| first.saturating_mul(1 << round.min(5)).min(timeout.span() / 3);
        let share = timeout.probe_interval();
        DialTimeouts {
            connect: grow((share / 2).clamp(Duration::from_millis(100), Duration::from_secs(1))),
            handshake: grow(share.clamp(Duration::from_millis(150), Duration::from_secs(2))),
        }
    }
}

/// Connects to a server and attaches the session there, or opens a new one.
pub(in super::super) async fn attach(
    address: SocketAddr,
    claim: SessionClaim,
    timeouts: DialTimeouts,
) -> Result<Attached, DialError> {
    let mut server = connect(address, timeouts).await?;
    let sent = clock::now();
    if claim.until.is_some_and(|until| sent >= until) {
        return Err(DialError::TooLate);
    }
    server.write_all(&frame(&connect_request(claim).encode())).await.map_err(DialError::Handshake)?;
    let response = read_connect_response(&mut server, timeouts).await?;
    let granted = response.timeout;
    if granted.is_zero() {
        return Err(DialError::Expired);
    }
    if granted < SessionTimeout::MIN {
        if claim.session == 0 {
            // Left alone it would stay at the ensemble until it expires. A session that was there before is not
            // closed: its lease may still be relied on.
            let _ = server.write_all(&close_frame()).await;
        }
        return Err(DialError::Grant { granted });
    }
    if response.session_id == 0 {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it granted the session 0");
        return Err(DialError::NotZooKeeper(error));
    }
    if ![0, response.session_id].contains(&claim.session) {
        // Some servers that speak the protocol do this where ZooKeeper says that a session is over. Nobody wants the new one.
        let _ = server.write_all(&close_frame()).await;
        let _ = timeout(timeouts.handshake, closed(&mut server)).await;
        return Err(DialError::Expired);
    }
    let password = Password::try_from(response.password).map_err(|other| {
        let text = format!("it granted a session with a password of {} bytes, not 16", other.len());
        DialError::NotZooKeeper(io::Error::new(io::ErrorKind::InvalidData, text))
    })?;
    // From here on a connection that is dropped must leave nothing to be sent behind.
    server.set_zero_linger().map_err(DialError::Connect)?;
    Ok(Attached {
        server,
        address,
        session: response.session_id,
        password,
        timeout: SessionTimeout::new(granted),
        sent,
    })
}

/// Closes a session that was given up, by any server.
///
/// An attach alone would keep the session, and what it holds, for another T. So the close goes out behind it at once, in one
/// segment, and mostly who takes the one takes the other, whatever becomes of the connection. (A server that cannot write its
/// answer to the attach may end the connection before it reads the close.) Where credentials are wanted before anything else,
/// they stand in between.
///
/// # Cancel safety
///
/// If the future is dropped, the session may have been attached or closed, or neither.
pub(in super::super) async fn close(
    address: SocketAddr,
    claim: SessionClaim,
    auth: &[Auth],
    timeouts: DialTimeouts,
) -> Result<(), DialError> {
    let mut server = connect(address, timeouts).await?;
    // Any server will do, also one that is behind.
    let mut segment = frame(&connect_request(SessionClaim { last_zxid: 0, ..claim }).encode());
    for Auth { scheme, credentials } in auth {
        segment.extend(auth_frame(scheme, credentials.as_bytes()));
    }
    segment.extend(close_frame());
    server.write_all(&segment).await.map_err(DialError::Handshake)?;
    if read_connect_response(&mut server, timeouts).await?.timeout.is_zero() {
        return Err(DialError::Expired);
    }
    match timeout(timeouts.handshake, closed(&mut server)).await {
        Ok(closed) => closed.map_err(DialError::NotClosed),
        Err(_) => Err(DialError::NotClosed(io::ErrorKind::TimedOut.into())),
    }
}

/// Waits for the reply to the close, which the server sends before it ends the connection.
async fn closed(server: &mut TcpStream) -> io::Result<()> {
    loop {
        let body = read_frame(server).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if ReplyHeader::decode(&mut Decoder::new(&body)).is_ok_and(|reply| reply.xid == xid::CLOSE) {
            return Ok(());
        }
    }
}

async fn connect(address: SocketAddr, timeouts: DialTimeouts) -> Result<TcpStream, DialError> {
    let server = match timeout(timeouts.connect, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(DialError::Connect)?,
        Err(_) => return Err(DialError::ConnectTimeout),
    };
    server.set_nodelay(true).map_err(DialError::Connect)?;
    Ok(server)
}

fn connect_request(claim: SessionClaim) -> ConnectRequest {
    ConnectRequest {
        last_zxid: claim.last_zxid,
        timeout: claim.timeout,
        session_id: claim.session,
        password: claim.password.to_vec(),
        // A server without a quorum must not serve it.
        read_only: Some(false),
    }
}

async fn read_connect_response(
    server: &mut TcpStream,
    timeouts: DialTimeouts,
) -> Result<ConnectResponse, DialError> {
    // A TLS record with an alert: what a server says to a handshake that is none. As a length it would be impossible.
    let mut start = [0; 2];
    let read = async {
        let seen = server.peek(&mut start).await?;
        if start[..seen].starts_with(&TLS_ALERT) { Ok(None) } else { read_frame(server).await.map(Some) }
    };
    let body = match timeout(timeouts.handshake, read).await {
        Ok(Ok(Some(Some(body)))) => body,
        Ok(Ok(None)) => return Err(DialError::Tls),
        Ok(Ok(Some(None))) => return Err(DialError::Handshake(io::ErrorKind::UnexpectedEof.into())),
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(DialError::NotZooKeeper(error));
        }
        Ok(Err(error)) => return Err(DialError::Handshake(error)),
        Err(_) => return Err(DialError::HandshakeTimeout),
    };
    ConnectResponse::decode(&body)
        .map_err(|malformed| DialError::NotZooKeeper(io::Error::new(io::ErrorKind::InvalidData, malformed)))
}

const TLS_ALERT: [u8; 2] = [0x15, 0x03];
