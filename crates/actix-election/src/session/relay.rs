//! The relay: what stands between the client and the ensemble.
//!
//! The client crate wants to dial, attach, ping, time out and reconnect by itself, and does each in a way that
//! an election cannot rest on. So it never meets the ensemble. It is given one loopback connection, on which a
//! session is granted at once with a timeout so long that none of its own timers ever fires; behind that, the
//! relay passes the frames of one connection that is already attached. When that connection ends, the client is
//! dropped with everything in it, and the next connection gets a new client: it never reconnects, so nothing of
//! an old connection (a queued request, a late reply, a watch) can reach a new one.
//!
//! The relay pings on the client's behalf, checks that every reply answers the oldest request, and tells when
//! bytes arrive.
//!
//! It also gives every request an xid that no other request of the session has had, on whichever connection. A client counts
//! from 1 on each; but a follower takes a commit for that of the request which it has to answer if session and xid are the same
//! (`CommitProcessor`), so that it could answer a request of this connection with what became of an older one, made through
//! another server. Then an answered probe would prove nothing, and a create could seem to have succeeded that has not.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{self, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::wire::{self, ConnectRequest, ConnectResponse, Frames};

/// How long a connection on loopback may take to introduce itself.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);

/// What a relay is told to do, beside passing frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelayCommand {
    /// Send a ping.
    Ping,
    /// Close the session; the server then closes the connection.
    Close,
}

/// What a relay tells its driver.
#[derive(Debug)]
pub(super) enum RelayEvent {
    /// Frames arrived from the server.
    Received,
    /// The server has closed the session, as it was told to.
    Closed,
    /// The relay has ended, and with it the connection.
    Ended(io::Error),
}

/// What a session has seen and said so far, on all of its connections.
#[derive(Default)]
pub(super) struct Track {
    /// The greatest zxid that a server has shown.
    pub(super) zxid: AtomicI64,
    /// The xid of the last request.
    xid: AtomicI32,
}

impl Track {
    /// An xid that no request of the session has, unless it is one of 2^31 requests ago.
    fn next_xid(&self) -> i32 {
        loop {
            let next = self.xid.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX;
            if next != wire::CLOSE_XID {
                return next;
            }
        }
    }
}

/// The door that the client comes in by.
pub(super) struct Relay {
    listener: TcpListener,
    /// The timeout that our client asks for, in milliseconds. Nobody else knows it, so it tells our client
    /// from any other process that finds the port.
    secret: i32,
}

impl Relay {
    /// Opens a door on a random loopback address and port.
    pub(super) async fn open() -> io::Result<Relay> {
        // From 12 to 24 days: far beyond any timer of the client that could do harm.
        let secret = rand::random_range(1 << 30..i32::MAX);
        // Any address in 127.0.0.0/8 is loopback on Linux; elsewhere only the first may be there.
        let [_, a, b, c] = rand::random::<u32>().to_be_bytes();
        let random = Ipv4Addr::new(127, a, b, c.clamp(1, 254));
        let listener = match TcpListener::bind((random, 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        Ok(Relay { listener, secret })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The timeout that the client must ask for.
    pub(super) fn client_timeout(&self) -> Duration {
        Duration::from_millis(self.secret.unsigned_abs().into())
    }

    /// Waits for our client, grants it a session, and closes the door. Whoever else knocks is turned away.
    async fn admit(self) -> io::Result<TcpStream> {
        loop {
            let (mut client, _) = self.listener.accept().await?;
            let greeting = timeout(GREETING_TIMEOUT, wire::read_frame(&mut client)).await;
            let Ok(Ok(frame)) = greeting else { continue };
            let ours = ConnectRequest::parse(wire::body(&frame))
                .is_some_and(|request| request.timeout_ms == self.secret && request.session == 0);
            if ours {
                client.set_nodelay(true)?;
                let granted = ConnectResponse { timeout_ms: self.secret, session: 1, password: [0; 16] };
                client.write_all(&granted.frame()).await?;
                return Ok(client);
            }
        }
    }

    /// Passes frames between the client and `server`, which is attached already, until either side closes.
    ///
    /// `track` is the session's, and is kept up to date.
    /// Dropping the future ends both connections; what was not yet sent to the server is then never sent.
    pub(super) async fn run(
        self,
        server: TcpStream,
        track: Arc<Track>,
        commands: mpsc::UnboundedReceiver<RelayCommand>,
        events: mpsc::UnboundedSender<RelayEvent>,
    ) {
        let client = match self.admit().await {
            Ok(client) => client,
            Err(error) => return ended(&events, error),
        };
        let (mut from_client, mut to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let expected = Expected::default();
        let error = tokio::select! {
            error = upstream(&mut from_client, to_server, (&expected, &track), commands) => error,
            error = downstream(from_server, &mut to_client, (&expected, &track), &events) => error,
        };
        ended(&events, error);
        // The client must not notice before it is dropped: it would dial again, in vain and with a word in the log for
        // every attempt.
        std::future::pending::<()>().await;
    }
}

fn ended(events: &mpsc::UnboundedSender<RelayEvent>, error: io::Error) {
    // If nobody listens, nobody needs to know.
    let _ = events.send(RelayEvent::Ended(error));
}

/// What the server is to answer.
#[derive(Default)]
struct Expected {
    /// The requests that have not been answered, oldest first.
    requests: Mutex<VecDeque<Xids>>,
    /// The session is being closed.
    closing: AtomicBool,
}

/// What one request is called on either side.
#[derive(Clone, Copy)]
struct Xids {
    client: i32,
    server: i32,
}

impl Expected {
    fn push(&self, xids: Xids) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push_back(xids);
        if xids.server == wire::CLOSE_XID {
            self.closing.store(true, Ordering::Relaxed);
        }
    }

    fn pop(&self) -> Option<Xids> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Takes the client's frames to the server, as many at once as there are, and those of `commands` in between.
async fn upstream(
    client: &mut OwnedReadHalf,
    mut server: OwnedWriteHalf,
    session: (&Expected, &Track),
    mut commands: mpsc::UnboundedReceiver<RelayCommand>,
) -> io::Error {
    let (mut frames, mut batch) = (Frames::default(), Vec::new());
    loop {
        batch.clear();
        let read = tokio::select! {
            read = frames.read_more(client) => read,
            Some(command) = commands.recv() => {
                let frame = match command {
                    RelayCommand::Ping => wire::ping_frame(),
                    RelayCommand::Close => wire::close_session_frame(),
                };
                take_request(&frame, session, &mut batch)
            }
        };
        acknowledge(client);
        let taken = read.and_then(|()| {
            while let Some(frame) = frames.next()? {
                take_request(frame, session, &mut batch)?;
            }
            Ok(())
        });
        if let Err(error) = server.write_all(&batch).await.and(taken) {
            return error;
        }
    }
}

fn take_request(frame: &[u8], (expected, track): (&Expected, &Track), batch: &mut Vec<u8>) -> io::Result<()> {
    let client = wire::request_xid(wire::body(frame)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "the client sent a request without a header")
    })?;
    // Pings, credentials and the close have theirs by convention, and none of them is paired with a commit but the close.
    let server = if client > 0 { track.next_xid() } else { client };
    expected.push(Xids { client, server });
    wire::extend_with_xid(batch, frame, server);
    Ok(())
}

/// Acknowledges what was read at once. The client leaves Nagle's algorithm on: until what it wrote is acknowledged, it
/// holds back what it writes next, and one request would go out for each round trip to the ensemble.
fn acknowledge(client: &OwnedReadHalf) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // It is slower without, and nothing else.
        let _ = client.as_ref().set_quickack(true);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = client;
}

/// Takes the server's frames to the client, as many at once as there are.
async fn downstream(
    mut server: OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    session: (&Expected, &Track),
    events: &mpsc::UnboundedSender<RelayEvent>,
) -> io::Error {
    let (mut frames, mut batch) = (Frames::default(), Vec::new());
    loop {
        batch.clear();
        if let Err(error) = frames.read_more(&mut server).await {
            return error;
        }
        let taken = take_replies(&mut frames, session, events, &mut batch);
        // What came before an error still counts.
        if let Err(error) = client.write_all(&batch).await.and(taken) {
            return error;
        }
    }
}

/// Takes all whole frames; those that are the client's go to `batch`.
fn take_replies(
    frames: &mut Frames,
    (expected, track): (&Expected, &Track),
    events: &mpsc::UnboundedSender<RelayEvent>,
    batch: &mut Vec<u8>,
) -> io::Result<()> {
    let mut received = false;
    while let Some(frame) = frames.next()? {
        if !std::mem::replace(&mut received, true) {
            events.send(RelayEvent::Received).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        let Some((xid, zxid)) = wire::reply_header(wire::body(frame)) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sent a reply without a header",
            ));
        };
        track.zxid.fetch_max(zxid, Ordering::Relaxed);
        let answered = if xid == wire::WATCH_XID { None } else { expected.pop() };
        if xid != wire::WATCH_XID && answered.is_none_or(|answered| answered.server != xid) {
            let text = format!("the server answered {xid}, which is not the oldest request");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        match xid {
            wire::PING_XID => {}
            // If nobody listens, nobody needs to know.
            wire::CLOSE_XID => drop(events.send(RelayEvent::Closed)),
            // The znodes of the session go with it, each with an event, and those who wait for its end need the time.
            wire::WATCH_XID if expected.closing.load(Ordering::Relaxed) => {}
            _ => wire::extend_with_xid(batch, frame, answered.map_or(xid, |answered| answered.client)),
        }
    }
    Ok(())
}
