//! The relay: what stands between the client and the ensemble.
//!
//! The client crate wants to dial, attach, ping, time out and reconnect by itself, and does each in a way that
//! an election cannot rest on. So it never meets the ensemble. It is given one loopback connection, on which a
//! session is granted at once with a timeout so long that none of its own timers ever fires; behind that, the
//! relay passes the frames of one connection that is already attached. When that connection ends, the client is
//! dropped with everything in it, and the next connection gets a new client: it never reconnects, so nothing of
//! an old connection (a queued request, a late reply, a watch) can reach a new one.
//!
//! The relay pings on the client's behalf, lets nothing through that the client should not trust ([`Traffic`]), and tells
//! when bytes arrive.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{self, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use zookeeper_wire::{
    ConnectRequest, ConnectResponse, Frames, Part, close_frame, frame, ping_frame, read_frame, xid,
};

use super::track::Track;
use super::traffic::Traffic;

/// Of a list of children that is longer than what is taken whole, only its length is taken. Whatever claims to be longer still is
/// no reply.
const LONGEST_LIST: usize = 256 << 20;

/// How long a connection on loopback may take to introduce itself, and how many are listened to at once: whoever else
/// knocks must not keep our client waiting.
const GREETING_TIMEOUT: Duration = Duration::from_millis(100);
const GREETINGS: usize = 64;

/// What a relay is told to do, beside passing frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum RelayCommand {
    /// Send a ping.
    Ping,
    /// Close the session; the server then closes the connection.
    Close,
}

/// What a relay tells the connection that it belongs to.
#[derive(Debug)]
pub(in super::super) enum RelayEvent {
    /// Frames arrived from the server.
    Received,
    /// The server has closed the session, as it was told to.
    Closed,
    /// The relay has ended, and with it the connection.
    Ended(io::Error),
}

/// The door that the client comes in by.
pub(in super::super) struct Relay {
    listener: TcpListener,
    /// The timeout that our client asks for, in milliseconds. Nobody else knows it, so it tells our client
    /// from any other process that finds the port.
    secret: i32,
}

impl Relay {
    /// Opens a door on a random loopback address and port.
    pub(in super::super) async fn open() -> io::Result<Relay> {
        // From 12 to 24 days: far beyond any timer of the client that could do harm.
        let secret = rand::random_range(1 << 30..i32::MAX);
        // Any address in 127.0.0.0/8 is loopback on Linux; elsewhere only the first may be there.
        let [_, a, b, c] = rand::random::<u32>().to_be_bytes();
        let random = Ipv4Addr::new(127, a, b, c.clamp(1, 254));
        let listener = match TcpListener::bind((random, 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        // The client would try again and again, with a line in the log for each attempt, where no more connections can be
        // made: out of file descriptors, or without loopback.
        let knock = TcpStream::connect(listener.local_addr()?).await?;
        drop((knock, listener.accept().await?));
        Ok(Relay { listener, secret })
    }

    pub(in super::super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The timeout that the client must ask for.
    pub(in super::super) fn client_timeout(&self) -> Duration {
        Duration::from_millis(self.secret.unsigned_abs().into())
    }

    /// Waits for our client, and grants it a session. Whoever else knocks is turned away.
    async fn admit(&self) -> io::Result<TcpStream> {
        let mut greetings = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if greetings.len() < GREETINGS => {
                    greetings.push(self.greet(accepted?.0));
                }
                Some(client) = greetings.next() => {
                    let Some(mut client) = client else { continue };
                    client.set_nodelay(true)?;
                    let granted = ConnectResponse {
                        timeout: self.client_timeout(),
                        session_id: 1,
                        password: vec![0; 16],
                        read_only: Some(false),
                    };
                    client.write_all(&frame(&granted.encode())).await?;
                    return Ok(client);
                }
            }
        }
    }

    /// The connection, if it is our client's.
    async fn greet(&self, mut client: TcpStream) -> Option<TcpStream> {
        let body = timeout(GREETING_TIMEOUT, read_frame(&mut client)).await.ok()?.ok()??;
        let request = ConnectRequest::decode(&body).ok()?;
        (request.timeout == self.client_timeout() && request.session_id == 0).then_some(client)
    }

    /// Passes frames between the client and `server`, which is attached already, until either side closes.
    ///
    /// `track` is the session's, and is kept up to date. Frames of the server with more than `max_frame` bytes end the
    /// connection.
    /// Dropping the future ends both connections; what was not yet sent to the server is then never sent.
    pub(in super::super) async fn run(
        self,
        server: TcpStream,
        track: Arc<Track>,
        max_frame: usize,
        commands: mpsc::UnboundedReceiver<RelayCommand>,
        events: mpsc::UnboundedSender<RelayEvent>,
    ) {
        let client = match self.admit().await {
            Ok(client) => client,
            Err(error) => {
                ended(&events, error);
                // The door stays open: the client would dial again at once.
                return std::future::pending().await;
            }
        };
        drop(self.listener);
        let (mut from_client, mut to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let traffic = Traffic::new(track);
        let error = tokio::select! {
            error = upstream(&mut from_client, to_server, &traffic, commands) => error,
            error = downstream(from_server, &mut to_client, &traffic, max_frame, &events) => error,
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

/// Takes the client's frames to the server, as many at once as there are, and those of `commands` in between.
async fn upstream(
    client: &mut OwnedReadHalf,
    mut server: OwnedWriteHalf,
    traffic: &Traffic,
    mut commands: mpsc::UnboundedReceiver<RelayCommand>,
) -> io::Error {
    let (mut frames, mut batch) = (Frames::new(usize::MAX), Vec::new());
    loop {
        batch.clear();
        let read = tokio::select! {
            read = frames.read_more(client) => read,
            Some(command) = commands.recv() => {
                let frame = match command {
                    RelayCommand::Ping => ping_frame(),
                    RelayCommand::Close => close_frame(),
                };
                traffic.take_request(&frame, &mut batch)
            }
        };
        acknowledge(client);
        let taken = read.and_then(|()| {
            while let Some(frame) = frames.next_frame()? {
                traffic.take_request(frame, &mut batch)?;
            }
            Ok(())
        });
        if let Err(error) = server.write_all(&batch).await {
            return traffic.explain(error);
        }
        if let Err(error) = taken {
            return error;
        }
    }
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
    traffic: &Traffic,
    max_frame: usize,
    events: &mpsc::UnboundedSender<RelayEvent>,
) -> io::Error {
    let (mut frames, mut batch) = (Frames::new(max_frame), Vec::new());
    loop {
        batch.clear();
        if let Err(error) = frames.read_more(&mut server).await {
            return traffic.explain(error);
        }
        // As long as a long reply keeps coming the server is not silent, whatever waits behind that.
        if frames.is_amid_a_long_one() {
            let _ = events.send(RelayEvent::Received);
        }
        let taken = take_replies(&mut frames, max_frame, traffic, events, &mut batch);
        // What came before an error still counts.
        if let Err(error) = client.write_all(&batch).await.and(taken) {
            return error;
        }
    }
}

/// Takes all whole frames; those that are the client's go to `batch`.
fn take_replies(
    frames: &mut Frames,
    max_frame: usize,
    traffic: &Traffic,
    events: &mpsc::UnboundedSender<RelayEvent>,
    batch: &mut Vec<u8>,
) -> io::Result<()> {
    let mut received = false;
    while let Some(part) = frames.next_part(LONGEST_LIST).map_err(|error| of_no_use(&error))? {
        if !std::mem::replace(&mut received, true) {
            events.send(RelayEvent::Received).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        let answered = match part {
            Part::Whole(frame) => traffic.take_reply(frame, batch)?,
            Part::Head(head) => traffic.take_long_list(head, max_frame, batch)?,
        };
        if answered == xid::CLOSE {
            // If nobody listens, nobody needs to know.
            let _ = events.send(RelayEvent::Closed);
        }
    }
    Ok(())
}

/// Says what to set, if such a frame is to be taken.
fn of_no_use(length: &io::Error) -> io::Error {
    let text = format!("it sends {length} in max_frame_size (the servers' setting is jute.maxbuffer)");
    io::Error::new(io::ErrorKind::InvalidData, text)
}
