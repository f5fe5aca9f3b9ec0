//! The decisions of leader election on ZooKeeper, without any I/O.
//!
//! This crate takes all decisions, and does nothing else: no sockets, no async, no clock, no randomness, no
//! dependency (except `serde`, if the feature of that name is on). A driver (the crate `actix-election`) feeds it inputs with
//! readings of its clock, and carries out its outputs. So the code that runs in production is the code that the tests explore
//! exhaustively.
//!
//! - [`Candidate`] decides for one process in one election. Start here: it states the driver contract.
//! - [`SessionMonitor`] follows the ZooKeeper session that candidates share: when to probe, when to leave a
//!   server, when to give up.
//! - [`LeaseClock`] computes until when that session is known to live.
//!
//! # The states of a candidate
//!
//! ```text
//!                    Campaign, a role joins
//!      Following ───────────────────────────► Connecting
//!          ▲                                      │ Connected
//!          │ Withdraw                             ▼
//!          │                ┌──────────────► Competing ◄───────────────┐
//!          │        deleted │    NodeExists │    │ created             │
//!          │                └── Standby ◄────┘    ▼                     │
//!          │                                   Winning                 │ paused long
//!          │                                      │ T/4 of lease       │ enough, and
//!          │                                      ▼                    │ every role has
//!          │                                   Master                  │ acknowledged
//!          │    notice, resign, withdraw, a role  │  lock gone,        │
//!          │    failed                            │  session lost      │
//!          │                  ┌───────────────────┴──────┐             │
//!          │                  ▼                          ▼             │
//!          │            SteppingDown ──────────► the lease is over ────┤
//!          │             acknowledged, or               │              │
//!          │             the time is up                 ▼              │
//!          └─────────────────────────── the lock is released ──────────┘
//! ```
//!
//! Not shown are `WaitingForRole`, `WaitingForAcknowledgement` and `Pausing` (this process is not free to lead), and
//! `PathTaken` and `Denied` (the ensemble does not let it). From every state but `Master`, a lost connection leads to
//! `Connecting`, and from there to the state that the znode, read again, calls for; a `Master` stays `Master` meanwhile.

mod candidate;
mod config;
mod ensemble;
mod lease;
mod names;
mod printable;
mod queue_name;
mod resign_request;
mod session;
mod time;
mod timeout;

pub use candidate::{
    Candidate, CandidateState, CandidateStatus, Input, Master, Message, MessageId, Output, Place, Problem,
    ProblemKind, RoleId, StandbyReason, Timer,
};
pub use config::{CandidateConfig, InvalidConfig, Strategy};
pub use ensemble::{FencingToken, OpId, Operation, Refusal, Reply, SessionId, Stat, WatchEvent, Znode};
pub use lease::LeaseClock;
pub use names::{Address, ElectionPath, Invalid, broken_host_rule};
pub use printable::printable;
pub use queue_name::{QueueId, queue_order};
pub use resign_request::{is_resign_request, resign_request_data, resign_request_path};
pub use session::{SessionInput, SessionMonitor, SessionOutput, SessionState, SessionTimer};
pub use time::Timestamp;
pub use timeout::SessionTimeout;
