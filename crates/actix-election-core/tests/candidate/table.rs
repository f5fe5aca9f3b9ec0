//! Tables: rows of a named state, what happens, what comes out of it in order, and the state afterwards.

use actix_election_core::CandidateState;

use crate::bench::{Bench, Given};

/// One row of a table.
pub(crate) type Row = (&'static str, Bench, Given, &'static [&'static str], CandidateState);

/// Checks every row, and names all that fail.
pub(crate) fn check<const N: usize>(rows: [Row; N]) {
    let mut wrong = Vec::new();
    for (name, mut bench, given, expected, after) in rows {
        let before = bench.state();
        let words = bench.give(given.clone());
        let state = bench.state();
        if words != expected || state != after {
            wrong.push(format!(
                "{name} ({before:?}), {given:?}\n  expected {expected:?}, {after:?}\n  found    {words:?}, {state:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
