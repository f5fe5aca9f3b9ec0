//! The shipped core in a world with an ensemble: `SessionMonitor`, `LeaseClock` and `Candidate`, not a copy of them.
//!
//! `tests/worlds` takes every order in which things can happen, and assumes that the ensemble ends a session only after
//! its lease. Here that follows, or does not, from
//! what the ensemble does: a leader that holds the table of sessions and rounds expiry up to its tick, followers that
//! note touches and tell of them only in their replies to the leader's ping, proposals that a quorum acknowledges,
//! elections, and channels that keep their order but stall, in either direction, and break. Every machine has a clock
//! of its own, which runs a little wrong, and every process can be stopped.
//!
//! - `random_worlds`: large worlds in continuous time; a seed decides everything, and each is run with a lock and with a
//!   queue. `MODEL_WORLDS=n` runs n of them, `MODEL_SEED=n` replays one, and a failure comes with the fewest faults that
//!   still lead to it.
//! - `small_worlds`: everything that a few faults can do to a small world, on a grid of a quarter or an eighth of a tick.
//!   `MODEL_PHASES=16` tries all positions of the leader's pings and ticks instead of two.
//! - `assumptions`: each assumption of the lease taken away, and what breaks. `MODEL_SHOW=1` prints how.
//! - `rules`: other rules for the lease, judged on the same probes; the random worlds print how they fared.
//!
//! `cargo xtask mutants` makes mistakes in a copy of the core and sees that each is found: here, by a seed or by exploration,
//! or by the tables.
//!
//! # Why not stateright
//!
//! It explores actors whose messages are a set or a queue and whose time is a timer without a length. Here everything
//! is about lengths: a fiftieth of T decides. With time in its states nearly no two of them meet, which leaves a
//! depth-first search over copies of a world, and that is 40 lines of `explore`. The core's crate would have to depend
//! on it, and the random worlds would need everything else all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod assumptions;
mod clock;
mod driver;
mod election;
mod explore;
mod fault;
mod fifo;
mod judge;
mod nemesis;
mod process;
mod quorum;
#[path = "../common/random.rs"]
mod random;
mod random_worlds;
mod rules;
mod runner;
mod server;
mod service;
mod setting;
mod small_worlds;
#[path = "../common/tree.rs"]
mod tree;
mod world;
