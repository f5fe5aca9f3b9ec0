//! One real server for all tests of a binary, and what several binaries need.

#![allow(dead_code, reason = "no binary uses all of it")]

pub(crate) mod frames;
pub(crate) mod random;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::wire::RawClient;

/// The longest session timeout that the server grants. No test takes so long that a session which it left behind ends
/// during another.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(600);

/// The server. It ends with the test's process, being tied to it.
pub(crate) async fn server() -> SocketAddr {
    static SERVER: OnceCell<Ensemble> = OnceCell::const_new();
    let start = || async { Ensemble::builder().max_session_timeout(TIMEOUT).start().await.unwrap() };
    SERVER.get_or_init(start).await.server(0).address()
}

/// A path of this test's own.
pub(crate) fn path(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) async fn connect(address: SocketAddr) -> RawClient {
    RawClient::connect(address, TIMEOUT, None).await.unwrap()
}
