//! End to end: `elect` processes on real ZooKeeper servers, under real faults.
//!
//! Each test ends in [`World::finish`](election_tests::World::finish), which judges what every process said and that
//! nothing is left at the servers. `scenarios` does the same on the in-process server, whose faults go where no real
//! server's can be made to go on time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_hand;
mod churn;
mod crash;
mod handover;
mod pauses;
mod recovery;
mod replies;
mod roles;
mod scenarios;
mod servers;
