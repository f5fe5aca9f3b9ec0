//! Real ZooKeeper servers, alone or as an ensemble, on loopback in a temporary folder.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use zookeeper_testkit::Ensemble;
//!
//! let ensemble = Ensemble::builder().servers(3).start().await?;
//! let leader = ensemble.leader().await?;
//! ensemble.server(leader).kill();
//! ensemble.wait_for_quorum().await?;
//! ensemble.server(leader).restart().await?;
//! # Ok(()) }
//! ```
//!
//! The servers are found in `ZOOKEEPER_HOME` (an unpacked Apache distribution) or in Debian's package `zookeeper`, and
//! are started as plain `java` processes. They end with the [`Ensemble`], also when the test panics; and with the
//! test's process, however that ends, where `setpriv` (util-linux) is there.

mod builder;
mod config;
mod distribution;
mod ensemble;
mod error;
mod links;
mod log;
mod process;
mod server;

pub use builder::EnsembleBuilder;
pub use ensemble::Ensemble;
pub use error::LaunchError;
pub use links::Parting;
pub use log::LogStop;
pub use server::Server;
