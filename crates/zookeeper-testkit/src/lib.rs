//! ZooKeeper for tests: real servers on demand, and a proxy that injects faults.

mod driver;
pub mod four_letter;
pub mod launcher;
mod ports;
pub mod wire;

pub use four_letter::four_letter;
pub use launcher::{Ensemble, EnsembleBuilder, LaunchError, Server};
