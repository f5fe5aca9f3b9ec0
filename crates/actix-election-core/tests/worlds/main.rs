//! The shipped `Candidate` in small worlds, explored exhaustively, and in larger ones, walked at random.
//!
//! A world is a few processes, each with a candidate, a session, a connection and a role actor, around a model of
//! the ensemble. Everything that can happen next is an [`Action`](world::Action); what must never happen is
//! checked after each of them, what must happen in the end by letting the world run on in order, and what has to
//! have happened somewhere, lest all this check nothing, at the end of the run.
//!
//! The ensemble is one server with the tree of `tests/common`, and keeps every session for as long as its lease: whether a real one
//! does is the question of `tests/model`. What is here and not there:
//!
//! - every order in which requests are served, answers and events arrive, timers are late and messages are handled; there all
//!   that follows from how long each takes, and only faults are chosen;
//! - every order of what people do beside that: deletions and overwrites by hand, changed ACLs, lost data, roles that die or are
//!   restarted, valid and invalid requests to resign, candidates that leave and come back; there only chance tries these;
//! - a term begins with enough of a lease, and not within another; what is asked of a connection has one; no dead role is
//!   notified; whoever was robbed will hear of it; a timer that was served is not due again at once; all comes to rest.
//!
//! - `WORLDS_SEED=n` walks by the seed `n` alone; a failing walk names its seed.
//! - `WORLDS_WALKS=n` makes `n` walks instead of a few.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod action;
mod ensemble;
mod explore;
mod process;
mod promises;
#[path = "../common/random.rs"]
mod random;
mod run_on;
mod seen;
#[path = "../common/tree.rs"]
mod tree;
mod walk;
mod world;
