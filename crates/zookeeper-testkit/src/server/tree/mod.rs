//! What a ZooKeeper decides: nodes, access, sessions, watches. Pure.
//!
//! Nothing here knows a socket, a clock or a random number. A transaction and the time go in; its result, its zxid and
//! what changed come out. So it also runs under virtual time, in simulations.
//!
//! - [`Machine`] holds what an ensemble agrees on: the nodes, the sessions, and the last zxid. Every write is a
//!   [`Transaction`], applied at a moment that the caller names.
//! - [`Tree`] answers reads. A clone of it is what a server that is cut off goes on answering from.
//! - [`Watches`] is what one server knows of its own clients' watches. It turns [`Change`]s into events.
//!
//! The law for whoever drives it: give every transaction a time that is not before the last one's; expire what
//! [`Machine::overdue`] names before anything that comes later, or take it out by [`Machine::condemn`] and end it when you
//! will; deliver the events of a transaction before its reply.
//!
//! ```
//! use std::time::Duration;
//! use zookeeper_testkit::server::tree::{
//!     Author, Done, Machine, Op, Timing, Transaction, WatchKind, Watches,
//! };
//! use zookeeper_testkit::wire::Acl;
//!
//! let mut machine = Machine::new(Timing::with_tick(Duration::from_secs(1)), 0);
//! let open = Transaction::OpenSession { id: 7, password: vec![1; 16], timeout: Duration::from_secs(4) };
//! machine.apply(Duration::ZERO, open);
//!
//! let mut watches = Watches::new();
//! watches.add(WatchKind::Data, "/master", 1);
//! let create = Op::Create { path: "/master".into(), data: None, acl: Acl::open(), flags: 1, container: false };
//! let outcome = machine.apply(Duration::ZERO, Transaction::Write(Author::of(7), create));
//! assert_eq!(outcome.zxid, 2);
//! assert!(matches!(outcome.result, Ok(Done::Created { .. })));
//! let events = watches.fire(&outcome.changes);
//! assert_eq!((events[0].watcher, events[0].event.kind), (1, 1));
//! assert!(events[0].may_be_told(&[]), "its ACL lets anyone read");
//!
//! // Four seconds later, rounded up to a tick, the session is due.
//! assert_eq!(machine.next_expiry(), Some(Duration::from_secs(5)));
//! assert_eq!(machine.overdue(Duration::from_secs(5)), [7]);
//! ```

mod acl;
mod digest;
mod dump;
mod machine;
mod node;
mod path;
mod sessions;
#[cfg(test)]
mod tests;
mod transaction;
mod watches;

pub use acl::Identity;
pub(super) use dump::{decode_duration, encode_duration};
pub use machine::Machine;
pub use node::{Data, Tree};
pub use sessions::Timing;
pub use transaction::{Author, Change, ChangeKind, Done, Op, Outcome, Transaction};
pub use watches::{Fired, Resume, WatchKind, WatchMode, WatcherId, Watches};
