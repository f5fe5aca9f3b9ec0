//! The session actor: one ZooKeeper session, shared by every election of the process.

mod client;
mod connection;
mod dial;
mod driver;
pub(crate) mod link;
mod names;
mod relay;
mod search;
mod servers;
mod traffic;
mod waiting;

#[cfg(test)]
mod tests;

mod actor;
mod builder;

pub use actor::{Close, Session, SessionChanged};
pub(crate) use actor::{ElectionEnded, OpenElection, OpenLink};
pub use builder::SessionBuilder;
