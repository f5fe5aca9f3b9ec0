//! Is the chroot of a session there?

use std::time::Duration;

use actix_election_core::{Operation, Reply};

use super::AskError;
use super::ask::unreadable;
use super::inquiry::Inquiry;
use crate::Session;

/// Whether the chroot of the session's connect string exists; always true without a chroot. Takes at most `limit`.
///
/// A candidate creates the chroot if it is missing. For everybody who only asks or observes, there is no master below a
/// chroot that does not exist, for example because it is mistyped.
///
/// # Errors
///
/// See [`AskError`].
///
/// # Cancel safety
///
/// Cancel safe: it only reads.
pub async fn chroot_exists(session: &Session, limit: Duration) -> Result<bool, AskError> {
    let mut inquiry = Inquiry::start(session).await?;
    let exists = tokio::time::timeout(limit, look(&mut inquiry)).await;
    exists.unwrap_or(Err(AskError::NoAnswer { limit }))
}

async fn look(inquiry: &mut Inquiry) -> Result<bool, AskError> {
    loop {
        inquiry.pace().await;
        // No path below the chroot: the chroot itself.
        match inquiry.ask(Operation::Exists { path: String::new() }).await? {
            Reply::Found(_) => return Ok(true),
            Reply::Missing => return Ok(false),
            Reply::Refused(refusal) => return Err(unreadable("the chroot", refusal)),
            _ => {}
        }
    }
}
