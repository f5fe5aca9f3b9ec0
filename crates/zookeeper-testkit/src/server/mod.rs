//! A ZooKeeper inside the process, which fails on demand. **For development and tests on one machine.** It has no quorum, and
//! keeps everything in memory unless it is given a folder ([`data`](TestServerBuilder::data)): what runs in production is a
//! real ensemble.
//!
//! It speaks ZooKeeper 3.8's wire protocol, so that any client in any language can connect. It is ready at once and gone
//! when it is dropped; there may be many in a process. Faults that last are [`ServerFault`] values: they are in force until
//! dropped, and several may be in force at once.
//!
//! The names of children come in no order, as from ZooKeeper: whoever takes the first for the oldest fails here, too
//! ([`name_order`](TestServerBuilder::name_order)).
//!
//! Every start is a later one: a server that is started anew on the address of one before it has nodes and sessions of its
//! own, and counts zxids from where no earlier one has got, so that clients of before are refused their sessions, and fencing
//! tokens grow. For a server that has forgotten how far it was, there is [`restart_wiped`](ServerHandle::restart_wiped).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::time::Duration;
//! use zookeeper_testkit::TestServer;
//! use zookeeper_testkit::wire::{Acl, CreateMode, OpCode, RawClient};
//!
//! let server = TestServer::builder().tick(Duration::from_millis(100)).start().await?;
//! let mut client = RawClient::connect(server.address(), Duration::from_secs(1), None).await?;
//!
//! // It is created, and the client does not learn of it.
//! let lost = server.cut_before_reply(OpCode::Create);
//! assert!(client.create("/master", b"", &Acl::open(), CreateMode::Ephemeral).await.is_err());
//! drop(lost);
//! assert_eq!(server.view().owner("/master"), Some(client.session_id()));
//!
//! // Its session ends, and the node with it.
//! assert!(server.expire(client.session_id()));
//! assert_eq!(server.view().owner("/master"), None);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It logs with `tracing`: connections that are turned away as warnings, sessions as information, requests for debugging.
//! Data and credentials are in none of it.
//!
//! # What it leaves out
//!
//! These are answered with -6 (`Unimplemented`), and the connection is closed, as ZooKeeper does with operations that it
//! does not know: `deleteContainer` and `sasl`. `createTtl` is answered with -6 and the connection stays, as by a ZooKeeper
//! without extended types, and `reconfig` with -123 (`ReconfigDisabled`), as by one that does not allow it. There are no quotas, no TLS, no
//! SASL, no superuser, no read-only mode and no observers; local sessions and throttling neither. `crst`, `dirs`, `gtmk`,
//! `stmk`, `srst` and `hash` are no four-letter words here.
//!
//! These differ. A `multiRead` of writes is refused without a body, where ZooKeeper adds an empty list; and one whose answer
//! would be longer than 16 MiB is refused, where ZooKeeper tries. A `check` outside of a multi is answered, where ZooKeeper stumbles and says nothing. Of a closing session
//! the ephemeral nodes go in the order of their paths, where ZooKeeper has none. A new ACL counts for all that comes behind
//! it, where ZooKeeper goes by the old one until the new one is on its disk. `dump` lists a session that is
//! [condemned](ServerView::condemned), where ZooKeeper lists it again only once it has been touched.
//!
//! # Layout
//!
//! [`tree`] decides, and is pure; `state` holds it with members and clients; `handshake`, `process` and `reads` turn frames
//! into replies, and `order` mixes up the names in them; `touches` is how the leader hears of clients, and `expiry` how
//! sessions end of which it does not; `faults` says what can be wrong; `beginning` is what a start begins with; `shared` is
//! the lock around all that. `storage` is what outlives the process. `connection` moves bytes. The server runs in a thread of its own, on the real clock, so that it
//! does not matter what the test's runtime does.

mod beginning;
mod builder;
#[cfg(test)]
mod by_hand;
mod connection;
mod expiry;
mod faults;
mod figures;
mod four_letter;
mod handle;
mod handshake;
mod order;
mod process;
mod reads;
mod request;
mod shared;
mod state;
mod storage;
mod touches;
pub mod tree;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep_until;

use crate::driver::spawn_runtime;
pub use crate::faults::{ReplyFilter, TimedOut};
use crate::listener::{self, Doorkeeper};
use crate::ports::{free_ports, loopback};
pub use builder::TestServerBuilder;
pub use faults::{MemberId, ServerFault, ServerFaultKind};
pub use handle::{ServerHandle, ServerView};
use shared::{Admission, Shared};
pub use state::ConnectionId;
pub use storage::DataError;
use storage::Place;

/// How often a port that is taken between being found and being used is replaced by another.
const ATTEMPTS: usize = 5;

/// A running server: what it can do is in [`ServerHandle`]. Dropped, it closes everything and ends its thread.
pub struct TestServer {
    handle: ServerHandle,
    /// Dropped to end the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Settings to start from.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::new()
    }

    /// A server with the default settings.
    ///
    /// # Errors
    ///
    /// Where no port is to be had, or no thread.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    fn launch(builder: TestServerBuilder) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for member in 0..builder.members {
            listeners.push(match builder.listen.filter(|_| member == 0) {
                Some(address) => listener::bind(address)?,
                None => bind_anywhere()?,
            });
        }
        let (listeners, addresses): (Vec<_>, Vec<_>) = listeners.into_iter().unzip();
        let (stop, stopped) = oneshot::channel();
        let (place, snapshot_after) = (builder.place, builder.snapshot_after);
        let place = place.map(|folder| Place { folder, snapshot_after });
        let shared = Arc::new(Shared::new(builder.settings, addresses, place.as_ref())?);
        let served = serve(listeners, Arc::clone(&shared), stopped);
        let (runtime, thread) = spawn_runtime("zookeeper-server", served)?;
        Ok(Self { handle: ServerHandle::new(shared, runtime), stop: Some(stop), thread: Some(thread) })
    }

    /// Ends it, as dropping it does, and says whether its [data](TestServerBuilder::data) is as it should be. It blocks the
    /// thread while a snapshot is written.
    ///
    /// # Errors
    ///
    /// Where the disk has failed. What was answered is there all the same.
    pub fn close(mut self) -> Result<(), Arc<DataError>> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Arc<DataError>> {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and a panic of it has been printed.
            let _ = thread.join();
        }
        self.handle.end()
    }

    /// A handle that can be cloned and sent elsewhere. It does not keep the server alive.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

fn bind_anywhere() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let mut attempt = 1;
    loop {
        match listener::bind(loopback(free_ports(1)?[0])) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            bound => return bound,
        }
    }
}

/// Serves until `stop` ends; its runtime, and with it all connections, is dropped then.
async fn serve(listeners: Vec<std::net::TcpListener>, shared: Arc<Shared>, stop: oneshot::Receiver<()>) {
    for (member, listener) in listeners.into_iter().enumerate() {
        let door = Door { shared: Arc::clone(&shared), member };
        tokio::spawn(async move { listener::admit(listener, &door).await });
    }
    tokio::select! {
        // It ends when the sender goes.
        _ = stop => {}
        () = keep_time(&shared) => {}
        // What cannot be kept is not answered: there is nothing left to do.
        () = shared.disk_failed() => {}
    }
    shared.stop();
}

/// Does what is due without being asked for: sessions end, containers go, members that are cut off give up.
async fn keep_time(shared: &Shared) {
    let mut next_sweep = shared.now() + shared.settings.container_interval;
    loop {
        let due = shared.next_due(next_sweep);
        let over = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => shared.run_due(&mut next_sweep),
            () = shared.due_changed() => {}
        }
    }
}

struct Door {
    shared: Arc<Shared>,
    member: MemberId,
}

impl Doorkeeper for Door {
    fn address(&self) -> SocketAddr {
        self.shared.addresses[self.member]
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.shared.fault_changes()
    }

    fn refuses(&self) -> bool {
        self.shared.read(|state| state.refuses(self.member))
    }

    fn set_listening(&self, listening: bool) {
        self.shared.set_listening(self.member, listening);
    }

    fn receive(&self, client: TcpStream, from: SocketAddr) {
        match self.shared.admission(self.member) {
            Admission::Serve => {
                if let Some((open, queue)) = self.shared.open(self.member, from) {
                    tokio::spawn(connection::serve(client, open, queue));
                }
            }
            Admission::Silence => {
                tokio::spawn(connection::silence(client, self.member, Arc::clone(&self.shared)));
            }
            Admission::Close => {}
        }
    }
}

impl Deref for TestServer {
    type Target = ServerHandle;

    fn deref(&self) -> &ServerHandle {
        &self.handle
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`, and the log tells.
        let _ = self.end();
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(formatter)
    }
}
