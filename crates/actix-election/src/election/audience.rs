//! Those who are notified of what goes on in an election, beside its roles.

use std::sync::Arc;

use actix_election_core::{ElectionPath, Master};

use super::MasterChanged;
use crate::Problem;
use crate::subscribers::Subscribers;

/// The observers, and those who are notified of problems.
#[derive(Default)]
pub(super) struct Audience {
    pub(super) observers: Subscribers<MasterChanged>,
    pub(super) problems: Subscribers<Problem>,
    /// The last problem that was reported.
    pub(super) last_error: Option<Arc<str>>,
}

impl Audience {
    pub(super) fn master_changed(&mut self, path: &ElectionPath, master: Option<Master>, is_self: bool) {
        self.observers.notify(&MasterChanged { path: path.clone(), master, is_self });
    }

    pub(super) fn report(&mut self, path: &ElectionPath, message: &str) {
        self.last_error = Some(message.into());
        self.problems.notify(&Problem::new(Some(path.clone()), message));
    }
}
