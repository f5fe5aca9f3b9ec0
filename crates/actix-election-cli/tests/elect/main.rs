//! The `elect` command, as its users run it: real processes against a real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside of #[test] say what they expect, too"
)]

mod harness;

mod arguments;
mod campaign;
mod chroot;
mod colours;
mod data;
mod descriptors;
mod dev;
mod endings;
mod inquiries;
mod pages;
mod reasons;
mod secrets;
mod signals;
mod unread;
