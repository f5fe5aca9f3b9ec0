//! ZooKeeper's protocol, as much as tests need: the codec of [`zookeeper_wire`], and a small raw client.
//!
//! [`RawClient`] speaks for a test by hand. [`expire_session`] ends another client's session from outside.

mod client;

pub use client::{CreateMode, RawClient, WireError, expire_session, open_session};
pub use zookeeper_wire::*;
