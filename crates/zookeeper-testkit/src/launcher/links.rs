//! The ways from each server of an ensemble to each other one, which can be parted.
//!
//! Each server is given addresses of its peers that lead through a proxy of its own: one for each pair and direction of
//! dialling, for quorum and election traffic. What may not pass stays in the kernel's buffers on the sender's side, and
//! goes on its way when the parting ends: as TCP does over a network that lost packets for a while.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::config::Ports;
use crate::driver::spawn_runtime;
use crate::ports::loopback;

/// Before another attempt at something that the system refused.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a follower of ZooKeeper 3.8 dials a leader that refuses: five times, 100 ms apart.
const DIALLING: Duration = Duration::from_millis(500);
/// The protocols of the election whose first message says where its sender is to be called back. (Before them, the
/// first number was the sender's own, which is not negative.)
const CALL_BACK_PROTOCOLS: [i64; 2] = [-65_536, -65_535];
/// An address in that message is shorter than this.
const LONGEST_ADDRESS: usize = 4_096;

/// From one server to another.
type Way = (usize, usize);

/// All ways of one ensemble. Dropped, it closes everything and ends its thread.
pub(super) struct Links {
    gates: Arc<Gates>,
    /// Where each server finds each other one.
    ports: HashMap<Way, Ports>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Which ways are closed, and how many times over.
#[derive(Default)]
struct Gates {
    closed: Mutex<HashMap<Way, usize>>,
    changed: watch::Sender<()>,
}

/// Two servers that do not hear of each other, until this value is dropped. What they sent meanwhile arrives then.
#[must_use = "a parting ends when its value is dropped"]
pub struct Parting {
    gates: Arc<Gates>,
    ways: Vec<Way>,
}

impl Links {
    /// Proxies for servers with these ports, which need not run yet.
    pub(super) fn start(members: &[Ports]) -> io::Result<Self> {
        let gates = Arc::<Gates>::default();
        let mut ports = HashMap::new();
        let mut listeners = Vec::new();
        for from in 0..members.len() {
            for to in (0..members.len()).filter(|to| *to != from) {
                let mut listen = || {
                    // Any that is free: it is held from here on, so that nobody else can take it.
                    let listener = std::net::TcpListener::bind(loopback(0))?;
                    listener.set_nonblocking(true)?;
                    let port = listener.local_addr()?.port();
                    listeners.push(((from, to), port, listener));
                    io::Result::Ok(port)
                };
                let found = Ports { client: 0, quorum: listen()?, election: listen()? };
                ports.insert((from, to), found);
            }
        }
        let mut doors = Vec::new();
        for ((from, to), port, listener) in listeners {
            let elects = port == ports[&(from, to)].election;
            let upstream = if elects { members[to].election } else { members[to].quorum };
            // Whoever is called back through the direct address would be reached past the gates.
            let call_back = elects.then(|| loopback(ports[&(to, from)].election));
            let link = Link { way: (from, to), upstream: loopback(upstream), call_back };
            doors.push((listener, link));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&gates);
        let (_, thread) = spawn_runtime("ensemble-links", async move {
            for (listener, link) in doors {
                tokio::spawn(admit(listener, link, Arc::clone(&served)));
            }
            // The connections go with the runtime.
            let _ = stopped.await;
        })?;
        Ok(Self { gates, ports, stop: Some(stop), thread: Some(thread) })
    }

    /// The ports of all servers as server `index` is to know them: its own as they are.
    pub(super) fn seen_by(&self, index: usize, members: &[Ports]) -> Vec<Ports> {
        let seen = |to, own: &Ports| {
            self.ports.get(&(index, to)).map_or(*own, |link| Ports { client: own.client, ..*link })
        };
        members.iter().enumerate().map(|(to, own)| seen(to, own)).collect()
    }

    /// Closes these ways.
    pub(super) fn part(&self, ways: Vec<Way>) -> Parting {
        self.gates.change(|closed| ways.iter().for_each(|way| *closed.entry(*way).or_default() += 1));
        Parting { gates: Arc::clone(&self.gates), ways }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and a panic of it has been printed.
            let _ = thread.join();
        }
    }
}

impl Parting {
    /// Ends it. The same as dropping it.
    pub fn end(self) {}
}

impl Drop for Parting {
    fn drop(&mut self) {
        self.gates.change(|closed| {
            for way in &self.ways {
                if let Some(times) = closed.get_mut(way) {
                    *times = times.saturating_sub(1);
                }
            }
        });
    }
}

impl fmt::Debug for Parting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Parting({:?})", self.ways)
    }
}

impl Gates {
    fn closed(&self) -> MutexGuard<'_, HashMap<Way, usize>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Way, usize>)) {
        change(&mut self.closed());
        self.changed.send_replace(());
    }

    fn is_open(&self, way: Way) -> bool {
        self.closed().get(&way).is_none_or(|times| *times == 0)
    }

    /// Returns once everything may pass on all of `ways`.
    async fn passed(&self, ways: &[Way]) {
        let mut changes = self.changed.subscribe();
        // The sender is ours.
        while !ways.iter().all(|way| self.is_open(*way)) && changes.changed().await.is_ok() {}
    }
}

/// What one listener leads to.
#[derive(Clone, Copy)]
struct Link {
    way: Way,
    upstream: SocketAddr,
    /// What whoever is dialled on an election port is told as the dialler's address.
    call_back: Option<SocketAddr>,
}

async fn admit(listener: std::net::TcpListener, link: Link, gates: Arc<Gates>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connect(stream, link, Arc::clone(&gates)))),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Moves what one server and the other say to each other until both have ended, or one has broken.
async fn connect(dialler: TcpStream, link: Link, gates: Arc<Gates>) -> io::Result<()> {
    let (there, back) = (link.way, (link.way.1, link.way.0));
    // To dial takes packets in both directions, and whoever dials over a network that carries none never gets through. So
    // what is said on such a connection must not be heard later: the dialler is told that it failed, and dials anew.
    if !gates.is_open(there) || !gates.is_open(back) {
        gates.passed(&[there, back]).await;
        return dialler.set_zero_linger();
    }
    let dialled = dial(link.upstream, DIALLING).await.inspect_err(|_| {
        // Nobody is there: what the dialler sees must be a failure, not an orderly end.
        let _ = dialler.set_zero_linger();
    })?;
    dialler.set_nodelay(true)?;
    dialled.set_nodelay(true)?;
    let (mut from_dialler, to_dialler) = dialler.into_split();
    let (from_dialled, mut to_dialled) = dialled.into_split();
    let forth = async {
        if let Some(address) = link.call_back {
            let greeting = greeting(&mut from_dialler, address).await?;
            gates.passed(&[there]).await;
            to_dialled.write_all(&greeting).await?;
        }
        pump(from_dialler, to_dialled, there, &gates).await
    };
    tokio::try_join!(forth, pump(from_dialled, to_dialler, back, &gates)).map(drop)
}

/// Dials until somebody answers, or the time is over.
///
/// A server that is refused dials again; one whose connection ends gives up its leader. Here it is connected before anybody
/// is asked upstream, so it must not be told of a refusal that dialling again would have mended: a follower is often
/// faster than the leader that it follows, which does not listen yet.
async fn dial(upstream: SocketAddr, time: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + time;
    loop {
        match TcpStream::connect(upstream).await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// Reads the first message on an election port, and puts `address` in place of the dialler's own.
async fn greeting(stream: &mut OwnedReadHalf, address: SocketAddr) -> io::Result<Vec<u8>> {
    let protocol = stream.read_i64().await?;
    let mut greeting = protocol.to_be_bytes().to_vec();
    if CALL_BACK_PROTOCOLS.contains(&protocol) {
        greeting.extend(stream.read_i64().await?.to_be_bytes());
        let length = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
        if length > LONGEST_ADDRESS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.read_exact(&mut vec![0; length]).await?;
        let address = address.to_string();
        let length = i32::try_from(address.len()).map_err(io::Error::other)?;
        greeting.extend(length.to_be_bytes());
        greeting.extend(address.as_bytes());
    }
    Ok(greeting)
}

/// Moves bytes one way while it is open. The end of the stream waits for that as well.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, gates: &Gates) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer).await;
        gates.passed(&[way]).await;
        match read? {
            0 => return to.shutdown().await,
            length => to.write_all(&buffer[..length]).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_dialled_may_come_late() {
        let port = crate::ports::free_ports(1).expect("a port")[0];
        let refused = dial(loopback(port), Duration::ZERO).await;
        assert_eq!(refused.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
        let late = async {
            // The dialler is polled first, and has been refused before it is heard again.
            tokio::time::sleep(2 * PAUSE).await;
            TcpListener::bind(loopback(port)).await.expect("the port is free").accept().await
        };
        let (dialled, accepted) = tokio::join!(dial(loopback(port), Duration::from_secs(60)), late);
        let (dialled, (_, from)) = (dialled.expect("somebody came"), accepted.expect("the dialler"));
        assert_eq!(dialled.local_addr().expect("an address"), from);
    }
}
