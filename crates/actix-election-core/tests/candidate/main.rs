//! What a `Candidate` does with each input in each state: one file per input, each a table of
//! (state, input) -> (outputs, state).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answered;
mod bench;
mod campaign;
mod connected;
mod disconnected;
mod heir;
mod hot;
mod lease;
mod observe;
mod queue;
#[allow(dead_code, reason = "the tables need only the numbers")]
#[path = "../common/random.rs"]
mod random;
mod resign;
mod resign_request;
mod role_acknowledged;
mod role_failed;
mod role_joined;
mod role_restarted;
mod session_lost;
mod states;
mod status;
mod table;
mod timer;
mod watch_fired;
mod withdraw;
