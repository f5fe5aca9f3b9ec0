#![doc = include_str!("../../../README.md")]

pub mod clock;
mod election;
mod lease;
mod messages;
mod session;

pub use actix_election_core::{
    Address, CandidateState, ElectionPath, FencingToken, Invalid, Master, SessionState, StandbyReason,
    Timestamp,
};
pub use election::{
    AddRole, AskError, Asked, BecameMaster, BecameStandby, Campaign, Election, ElectionBuilder, GetStatus,
    MasterChanged, Observe, Resign, Status, Withdraw, ask_to_resign,
};
pub use lease::Lease;
pub use messages::{Problem, StartError, Subscribe};
pub use session::{Close, Session, SessionBuilder, SessionChanged};

/// What an application that takes part in elections needs, to be imported at once.
pub mod prelude {
    pub use crate::{
        BecameMaster, BecameStandby, Close, Election, Lease, MasterChanged, Observe, Resign, Session,
        StandbyReason, Withdraw,
    };
    pub use actix::prelude::*;
}
