//! One election with Curator: Java processes with a `LeaderLatch` and ours stand in one queue.
//!
//! What both do is judged as one: no two lead at once, and terms come in the order of their tokens. Where Curator does not
//! promise that itself, a test says so with a new era. What comes of it for users is in `docs/curator.md`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../crates/zookeeper-testkit/tests/foreign/classpath.rs"]
mod classpath;
mod containers;
mod ends;
mod latch;
mod permissions;
mod replies;
mod storm;
mod together;
mod world;
