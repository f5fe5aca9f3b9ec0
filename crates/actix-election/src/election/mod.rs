//! The election actor and what it says.

mod actor;
mod ask;
mod builder;
mod candidates;
mod closing;
mod heir;
mod inquiry;
mod ledger;
mod messages;
mod roles;
mod sweep;
mod telling;
mod watchdog;

#[cfg(test)]
mod tests;

pub use actor::Election;
pub use ask::{AskError, Asked, Obstacle, ask_to_resign};
pub(crate) use builder::ElectionSettings;
pub use builder::{ElectionBuilder, Strategy};
pub use candidates::{Candidate, candidates};
pub(crate) use closing::{PrepareToClose, ReleaseNow};
pub(crate) use heir::Remains;
pub use messages::{
    AddRole, BecameMaster, BecameStandby, Campaign, GetStatus, MasterChanged, Observe, Resign, Status,
    Withdraw,
};
pub(crate) use sweep::Sweep;
