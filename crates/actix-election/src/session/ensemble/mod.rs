//! The ensemble: which servers there are, and how a session is attached to one of them or closed.
//!
//! From the top: [`search`] tries servers in rounds, until one serves; [`dial`] is one attempt at one server; [`servers`] says
//! which to try next; [`names`] what their names mean; [`connect_string`] what the user has named.

mod connect_string;
mod dial;
mod names;
mod search;
mod servers;

pub(super) use connect_string::ConnectString;
pub(super) use dial::{Attached, NO_PASSWORD, Password, SessionClaim};
pub(super) use search::{Found, Goal, Search};
pub(super) use servers::Servers;
