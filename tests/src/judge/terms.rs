//! The terms of masters, as their processes told them.

use std::fmt;

use super::{Case, Deleted};
use crate::What;

/// A term.
#[derive(Clone, Debug, PartialEq)]
pub struct Term<'a> {
    /// Whose.
    pub process: &'a str,
    /// Its fencing token.
    pub token: i64,
    /// Whether it is a lease that makes it master: Curator's have none.
    pub has_lease: bool,
    /// When the lease was first said to be valid.
    pub first_valid: f64,
    /// When it was last said to be.
    pub last_valid: f64,
    /// Until when it is claimed: when it was last said to be valid, or [the deadline](Case::claims) that was last named.
    /// Never longer than the process said that it was master.
    pub claimed: f64,
    /// When and why the process became standby, if it said so.
    pub end: Option<(f64, &'a str)>,
}

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Term { process, token, first_valid, last_valid, claimed, end, .. } = self;
        write!(f, "{process} held {token} from {first_valid:.6} to {last_valid:.6}")?;
        match end {
            Some((at, reason)) => write!(f, " (became standby at {at:.6}, {reason})"),
            None => write!(f, " (with a lease until {claimed:.6})"),
        }
    }
}

/// All terms of an election, in the order of their beginnings.
pub fn terms<'a>(case: &Case<'a>) -> Vec<Term<'a>> {
    let mut all = Vec::new();
    for (process, events) in case.histories {
        // What a process says comes in order, so the last term is the present one.
        let mut terms: Vec<Term<'a>> = Vec::new();
        for event in events {
            match &event.what {
                What::BecameMaster { token, remaining, .. } | What::Holding { token, remaining } => {
                    let at = event.at;
                    let claim = remaining.filter(|_| case.claims).unwrap_or(0.0);
                    let deadline = at + claim;
                    // Each time that it becomes master is a term of its own.
                    let goes_on = matches!(event.what, What::Holding { .. });
                    match terms.last_mut().filter(|term| goes_on && term.token == *token) {
                        Some(term) => {
                            term.last_valid = term.last_valid.max(at);
                            term.claimed = term.claimed.max(deadline);
                        }
                        // Told too late to hold anything.
                        None if remaining.is_some_and(|remaining| remaining <= 0.0) => {}
                        None => terms.push(Term {
                            process,
                            token: *token,
                            has_lease: remaining.is_some(),
                            first_valid: at,
                            last_valid: at,
                            claimed: deadline,
                            end: None,
                        }),
                    }
                }
                What::BecameStandby { reason, .. } => {
                    if let Some(term) = terms.last_mut().filter(|term| term.end.is_none()) {
                        term.end = Some((event.at, reason));
                        term.claimed = term.claimed.min(event.at).max(term.last_valid);
                    }
                }
                _ => {}
            }
        }
        for ended in case.ended.iter().filter(|ended| ended.process == *process) {
            // One that had not begun by then is of another session; one that was over by then stays as it is.
            for term in terms.iter_mut().filter(|term| term.first_valid <= ended.until) {
                term.claimed = term.claimed.min(ended.from.max(term.first_valid));
            }
        }
        for Deleted { token, from } in case.deleted {
            // One that was told of it when the lock had gone holds nothing.
            terms.retain(|term| term.token != *token || term.first_valid < *from);
            for term in terms.iter_mut().filter(|term| term.token == *token) {
                term.claimed = term.claimed.min(*from);
            }
        }
        all.extend(terms);
    }
    all.sort_by(|a, b| a.first_valid.total_cmp(&b.first_valid));
    all
}
