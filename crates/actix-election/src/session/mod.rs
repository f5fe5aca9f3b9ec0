//! One ZooKeeper session, shared by every election of the process.

mod board;
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
mod guests;
mod handle;
mod system;

pub(crate) use actor::{SessionActor, Subscribe};
pub(crate) use board::SessionBoard;
pub use builder::SessionBuilder;
pub(crate) use guests::{Admission, Admit, CloseStep, Guest, GuestEnded, Heir, OpenLink, Remains};
pub use handle::{Session, SessionChanged, SessionChanges};
