//! ZooKeeper for tests: in the process and with faults on demand, real servers, and a proxy that injects faults.
//!
//! - [`TestServer`] is a ZooKeeper inside the process: ready at once, and able to fail in precise ways on demand.
//! - [`Ensemble`] starts one or more real servers in a temporary folder; it can kill, pause, restart and wipe them, and cut
//!   them off from each other.
//! - [`FaultProxy`] sits in front of a server, records what passes, and injects faults: black holes, delays, lost
//!   replies, refused connections.
//! - [`scenario`] injects faults into either of them by a schedule, made up from a seed.
//! - [`four_letter`](mod@four_letter) asks servers for their sessions, ephemeral nodes, watches and connections.
//! - [`stall`] notices that the machine is too busy for a test that uses real time, and repeats the test.
//! - [`wire`] speaks to servers at the level of the protocol, and ends other clients' sessions from outside.
//!
//! `docs/testing.md` in the repository shows how to test an actor of `actix-election` with it.
//!
//! It works with any client, and with any test framework on tokio. Nothing here depends on the test's own clock or runtime,
//! so tests may pause their clock. Unix only, because real servers are controlled by signals.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use zookeeper_testkit::proxy::Direction;
//! use zookeeper_testkit::wire::RawClient;
//! use zookeeper_testkit::{Ensemble, FaultProxy, four_letter};
//!
//! let ensemble = Ensemble::single().await?;
//! let server = ensemble.server(0).address();
//! let proxy = FaultProxy::start(server)?;
//! let mut client = RawClient::connect(proxy.address(), Duration::from_secs(1), None).await?;
//!
//! // Cut the client off without a trace: its session expires.
//! let silence = proxy.hold(Direction::Both);
//! while four_letter::sessions(server).await?.contains(&client.session_id()) {}
//! silence.end();
//! assert!(client.ping().await.is_err());
//! # Ok(()) }
//! ```

mod driver;
mod faults;
pub mod four_letter;
mod guard;
pub mod launcher;
mod listener;
mod ports;
pub mod proxy;
mod random;
pub mod scenario;
pub mod server;
pub mod stall;
pub mod wire;

pub use four_letter::four_letter;
pub use guard::FaultGuard;
pub use launcher::{Ensemble, EnsembleBuilder, LaunchError, LogStop, Parting, Server};
pub use proxy::{Fault, FaultProxy};
pub use scenario::Scenario;
pub use server::{ServerFault, TestServer};
