//! What a `SessionMonitor` does with each input in each state: one file per input, each a table of
//! (state, input) -> (outputs, next timer).
#![allow(clippy::unwrap_used)]

mod attached;
mod bench;
mod candidates;
mod detached;
mod expired;
mod probe_answered;
mod ready;
mod received;
mod timer;
mod wall_clock;
