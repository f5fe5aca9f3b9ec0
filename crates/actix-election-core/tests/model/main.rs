//! A model of the whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

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
mod tree;
mod world;
