//! What a session works by, once it has been checked.

use std::time::Duration;

use super::auth::Auth;
use super::ensemble::ConnectString;

/// What a session works by.
#[derive(Clone)]
pub(super) struct SessionSettings {
    pub(super) ensemble: ConnectString,
    /// The session timeout to ask for.
    pub(super) timeout: Duration,
    pub(super) auth: Vec<Auth>,
    /// The longest frame of a server that is taken, in bytes.
    pub(super) max_frame: usize,
}
