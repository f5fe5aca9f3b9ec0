//! A proxy in front of one server that knows ZooKeeper's frames: it records what passes, and injects faults.
//!
//! Faults that last are [`Fault`] values: they are in force until dropped. Several may be in force at once.
//!
//! ```no_run
//! # async fn example(server: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use zookeeper_testkit::proxy::{Direction, FaultProxy};
//! use zookeeper_testkit::wire::OpCode;
//!
//! let proxy = FaultProxy::start(server)?;
//! // ... connect a client to proxy.address() ...
//! let lost = proxy.cut_before_reply(OpCode::Create);
//! // ... let the client create a node: it is created, and the client does not learn of it ...
//! lost.wait_until_met(Duration::from_secs(10)).await?;
//!
//! let silence = proxy.hold(Direction::Both);
//! // ... the network is cut without a trace ...
//! drop(silence);
//! // ... and delivers what it kept.
//! # Ok(()) }
//! ```
//!
//! # Layout
//!
//! `fault` says what can be wrong, `record` what was seen; `shared` holds both and decides what becomes of each frame;
//! `connection` moves the frames. They run in a thread of the proxy's own, on the real
//! clock, so that it does not matter what the test's runtime does.

mod connection;
mod fault;
mod handle;
mod record;
mod shared;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::driver::spawn_runtime;
pub use crate::faults::{ReplyFilter, TimedOut};
use crate::listener;
use crate::ports::{free_ports, loopback};
pub use fault::{Direction, Fault, FaultKind};
pub use handle::ProxyHandle;
pub use record::{ConnectionId, Fate, Handshake, Record, Reply, Request};
use shared::Shared;

/// A running proxy: what it can do is in [`ProxyHandle`]. Dropped, it closes everything and ends its thread.
pub struct FaultProxy {
    handle: ProxyHandle,
    /// Dropped to end the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a proxy on a free loopback port in front of the server at `upstream`, which need not run yet: clients of
    /// a server that cannot be reached are accepted and reset.
    ///
    /// # Errors
    ///
    /// Where no port is to be had, or no thread.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let port = free_ports(1)?[0];
        let (listener, address) = listener::bind(loopback(port))?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared::new(upstream, address));
        let served = serve(listener, Arc::clone(&shared), stopped);
        let (runtime, thread) = spawn_runtime("fault-proxy", served)?;
        Ok(Self { handle: ProxyHandle::new(shared, runtime), stop: Some(stop), thread: Some(thread) })
    }

    /// A handle that can be cloned and sent elsewhere. It does not keep the proxy alive.
    pub fn handle(&self) -> ProxyHandle {
        self.handle.clone()
    }
}

/// Serves until `stop` ends; its runtime, and with it all connections, is dropped then.
async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stop: oneshot::Receiver<()>) {
    tokio::select! {
        _ = stop => {}
        _ = listener::admit(listener, &shared) => {}
    }
    shared.stop();
}

impl Deref for FaultProxy {
    type Target = ProxyHandle;

    fn deref(&self) -> &ProxyHandle {
        &self.handle
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and a panic of it has been printed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(formatter)
    }
}
