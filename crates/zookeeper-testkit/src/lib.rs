//! ZooKeeper for tests: in the process and with faults on demand, real servers, and a proxy that injects faults.
//!
//! - [`TestServer`] is a ZooKeeper inside the process: ready at once, and told to fail in precise ways.
//! - [`Ensemble`] starts one or more real servers in a temporary folder, kills, pauses, restarts and wipes them, and parts
//!   them from each other.
//! - [`FaultProxy`] stands in front of a server, records what passes, and injects faults: black holes, delays, lost
//!   replies, refused connections.
//! - [`scenario`] brings faults on either by a timetable, made up from a seed.
//! - [`four_letter`](mod@four_letter) asks servers what they know: sessions, ephemeral nodes, watches, connections.
//! - [`stall`] notices a machine too busy for a test with real time in it, and has the test repeated.
//! - [`wire`] speaks to servers by hand, and ends other clients' sessions from outside.
//!
//! How to test an actor of `actix-election` with it is shown in `docs/testing.md` of the repository.
//!
//! It works with any client and any test framework on tokio. Nothing here depends on the test's own clock or runtime:
//! tests with a paused clock are welcome. Unix only, since real servers are handled by signals.
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
