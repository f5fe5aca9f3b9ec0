//! The shipped `Candidate` in small worlds, explored exhaustively, and in larger ones, walked at random.
//!
//! A world is a few processes, each with a candidate, a session, a connection and a role actor, around a model of
//! the ensemble. Everything that can happen next is an [`Action`](world::Action); what must never happen is
//! checked after each of them, what must happen in the end by letting the world run on in order, and what has to
//! have happened somewhere, lest all this check nothing, at the end of the run.
//!
//! - `WORLDS_SEED=n` walks by the seed `n` alone; a failing walk names its seed.
//! - `WORLDS_WALKS=n` makes `n` walks instead of a few.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod action;
mod ensemble;
mod explore;
mod process;
mod promises;
#[path = "../common/random.rs"]
mod random;
mod run_on;
mod seen;
mod walk;
mod world;
