//! What the end-to-end tests are made of: processes, their histories, and the judge.
//!
//! Every test runs in a [`World`]: an ensemble of real servers and `elect` processes that compete on it. At its end
//! [`World::finish`] stops what still runs and judges what all processes said: no two held the lease at once, tokens
//! grew, messages alternated, and nothing was left at the servers.

#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod history;
mod judge;
mod node;
pub mod storm;
mod world;

pub use history::{Event, History, Master, PATIENCE, Standing, What};
pub use judge::{
    Absence, Case, Deleted, Ended, Term, Verdict, Violation, absences, fail, judge, longest_calm, terms,
};
pub use node::{Node, elect, misbehave, naive};
pub use world::{LONG, Options, PATH, Strategy, World, nothing_left, turn};
