//! Leader election for actix applications, on ZooKeeper.
//!
//! A process competes for a role; exactly one process holds it; when that process dies, is cut off or resigns, another
//! takes over. The application writes a *role actor* with two handlers, [`BecameMaster`] and [`BecameStandby`], or
//! a future that runs while the process is master ([`on_master`](ElectionBuilder::on_master)), which needs neither actors nor an
//! actix system.
//!
//! **What is not guaranteed:** code that is already running does not stop by itself when mastership ends. Check the
//! [`Lease`] before every step, pass its [`token`](Lease::token) to the resource that you write to, or switch on the
//! [watchdog](ElectionBuilder::watchdog).
//!
//! - [`Session`] is the connection to the ensemble: one for any number of elections of a process. Like [`Election`], it is a
//!   handle: cheap to clone, usable from any thread, and when the last handle is dropped, the session or election ends.
//! - [`Election`] competes ([`campaign`](ElectionBuilder::campaign)) or follows who is master
//!   ([`observe`](ElectionBuilder::observe)).
//! - [`Lease`] is what a master checks before it acts.
//! - With the feature `serde`, most public data types can be serialized, and names and paths deserialized.
//! - With the feature `testing`, `testing::Term` makes up leases for the unit tests of role actors. The page "Test your
//!   role actor" (`docs/testing.md` in the repository) shows how to use it, and how to test an actor under real faults.
//!
//! ```no_run
//! use actix_election::prelude::*;
//!
//! struct Worker;
//!
//! impl Actor for Worker {
//!     type Context = Context<Self>;
//! }
//!
//! impl Handler<BecameMaster> for Worker {
//!     type Result = ();
//!     fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
//!         println!("master with token {}", message.lease.token());
//!     }
//! }
//!
//! impl Handler<BecameStandby> for Worker {
//!     type Result = ();
//!     fn handle(&mut self, message: BecameStandby, _: &mut Context<Self>) {
//!         println!("standby: {}", message.reason);
//!     }
//! }
//!
//! #[actix::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let session = Session::builder("127.0.0.1:2181").start()?;
//!     let worker = Worker.start();
//!     let election = Election::builder("/master").role(&worker).campaign(&session).await?;
//!     println!("{:?}", election.status());
//!     session.close().await;
//!     Ok(())
//! }
//! ```
//!
//! # Logs
//!
//! Sessions and elections log with `tracing`: events at `INFO`; at `WARN` the loss of mastership or of a session, and
//! problems that somebody has to fix. Tokens, and the seconds that a term has lasted, are numbers. If a session has many
//! elections, those that change together share one line. Addresses of other processes are shown escaped and cut
//! ([`printable()`]).
//!
//! **A subscriber may block**, for example on a pipe that nobody reads: a separate thread (`election-log`) passes records to
//! it, so it delays no session, no election and no shutdown. Once a thousand records wait, further ones are dropped, and
//! their number is logged later. Call [`flush_logs`] before the process ends. The ZooKeeper client's own logs, which contain
//! passwords, reach no subscriber.

#![warn(missing_debug_implementations)]

// What the tests of the crate from outside have in common serves those inside, too.
#[cfg(test)]
extern crate self as actix_election;

mod board;
pub mod clock;
mod election;
mod journal;
mod lease;
mod messages;
mod session;
mod shutdown;
mod subscribers;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tie;

pub use actix_election_core::{
    Address, CandidateState, ElectionPath, FencingToken, Invalid, Master, Place, Refusal, SessionId,
    SessionState, StandbyReason, Timestamp, printable,
};
pub use election::{
    AskError, Asked, BecameMaster, BecameStandby, CandidateEntry, Changes, Election, ElectionBuilder,
    Leadership, MasterChanged, ResignObstacle, Status, Strategy, ask_to_resign, candidates, chroot_exists,
};
pub use journal::flush_logs;
pub use lease::Lease;
pub use messages::{Ended, Problem, StartError};
pub use session::{Session, SessionBuilder, SessionChanged, SessionChanges};
pub use shutdown::shutdown_signal;

/// Everything that most applications need, for a glob import.
pub mod prelude {
    pub use crate::{
        BecameMaster, BecameStandby, Election, Lease, MasterChanged, Session, StandbyReason, Strategy,
    };
    pub use actix::prelude::*;
}
