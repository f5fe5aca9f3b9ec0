//! Where an election's actor lives.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;

use crate::session::link::{Notices, SessionLink};
use crate::session::{Admission, SessionActor, SessionBoard};

/// What an election has of its session. A test stands in for that.
pub(super) struct Home {
    /// Kept alive, and told of the end.
    pub(super) session: Option<Addr<SessionActor>>,
    pub(super) shown: Arc<SessionBoard>,
    /// The session timeout that is asked for.
    pub(super) timeout: Duration,
    pub(super) link: SessionLink,
    pub(super) notices: Notices,
}

impl From<Admission> for Home {
    fn from(admission: Admission) -> Self {
        let Admission { session, board, timeout, link, notices } = admission;
        Home { session: Some(session), shown: board, timeout, link, notices }
    }
}
