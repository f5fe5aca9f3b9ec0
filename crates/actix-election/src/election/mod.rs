//! Elections: what users hold of them, the actor behind that, and what it says.

mod actor;
mod ask;
mod audience;
mod builder;
mod candidates;
mod chroot;
mod closing;
mod departure;
mod handle;
mod heir;
mod home;
mod inquiry;
mod ledger;
mod messages;
mod notify;
mod roles;
mod session_view;
mod showing;
mod status;
mod sweep;
mod watchdog;
mod work;

#[cfg(test)]
mod tests;

pub use ask::{AskError, Asked, ResignObstacle, ask_to_resign};
use builder::ElectionSettings;
pub use builder::{ElectionBuilder, Strategy};
pub use candidates::{CandidateEntry, candidates};
pub use chroot::chroot_exists;
pub use handle::{Changes, Election};
use home::Home;
pub use messages::{BecameMaster, BecameStandby, MasterChanged};
pub use status::{Leadership, Status};
