//! The client of one connection, and what stands between it and the server.
//!
//! From the server's side: [`relay`] passes the frames, [`traffic`] checks each of them, and [`adapter`] is the only thing that
//! knows the client crate, but for [`arm`], which takes the events of watches from it. What a session remembers from one
//! connection to the next is in [`track`].

mod adapter;
mod arm;
mod relay;
mod track;
mod traffic;

pub(super) use adapter::Client;
pub(super) use relay::{Relay, RelayCommand, RelayEvent};
pub(super) use track::Track;
