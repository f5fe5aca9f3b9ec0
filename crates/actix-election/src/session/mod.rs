//! One ZooKeeper session, shared by every election of the process.
//!
//! The modules, from the top down. Each uses those below it, and none above:
//!
//! | module | what it is |
//! |---|---|
//! | `handle`, `builder`, `actor`, `board` | what users hold: [`Session`] and its settings; the actor behind it, on the arbiter of the elections; and what is read of it without asking |
//! | `ending` | the end of the session's thread, and who waits for it |
//! | `system`, `guests` | the thread for actors where there is none, and the elections that the actor knows |
//! | [`thread`] | the session's thread: looks for a server, serves a connection, and begins anew |
//! | [`connection`] | what lives with one connection: a relay, a client, and the requests that wait or are under way |
//! | [`hub`] | what outlives a connection: session, lease, monitor, links, the close that was asked for |
//! | [`settings`] | what a session works by |
//! | [`ensemble`] | the servers: connect string, names, the search for one that serves, a dial |
//! | [`client`] | the way of a frame: relay, checks, the adapter to the client crate |
//! | [`auth`] | credentials, which a dial and a client send |
//! | [`link`] | what passes between the thread and those who use the session: commands, requests, notices |
//!
//! Only the handle is seen by applications, and only [`link`] by the elections.
//!
//! **The way of a watch event:** the server sends a frame; `client::relay` reads it, `client::traffic` checks it, and the client
//! crate takes it from loopback; it calls the closure of `client::arm`, which sends it on, behind the answer of the request that
//! armed it, as a [`link::Notice`]; the election's actor hands that to its candidate. Neither the connection nor the hub sees it.
//!
//! **The way of a request:** an election sends a [`link::Command`]; `thread` or `connection` takes it, and [`hub`] drops what was
//! made for another connection; `connection::waiting` holds it until few enough are under way; `client::adapter` makes the client
//! crate write it; `client::traffic` numbers it, and `client::relay` takes it to the server.

mod auth;
mod board;
mod client;
mod connection;
mod ending;
mod ensemble;
mod hub;
pub(crate) mod link;
mod settings;
mod thread;

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
pub(crate) use ending::Held;
pub(crate) use guests::{Admission, Admit, CloseStep, Guest, GuestEnded, Heir, OpenLink, Remains};
pub use handle::{Session, SessionChanged, SessionChanges};
