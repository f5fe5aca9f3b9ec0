//! The judge: reads what processes said, and finds what must not have happened.

use std::fmt;

use crate::{Event, What};

/// What the judge found. Empty if all is well.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict(pub Vec<String>);

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|violation| writeln!(f, "  - {violation}"))
    }
}

/// A term, as its process told it.
struct Term<'a> {
    process: &'a str,
    token: i64,
    first_valid: f64,
    last_valid: f64,
}

/// Judges the histories of processes that stood in one election.
///
/// Terms are compared only within an era, and `eras` are the moments at which a new one begins: nothing is promised
/// across a wiped ensemble or a lock that was deleted by hand.
pub fn judge(histories: &[(String, Vec<Event>)], eras: &[f64]) -> Verdict {
    let mut violations = Vec::new();
    let mut terms = Vec::new();
    for (process, events) in histories {
        alternation(process, events, &mut violations);
        terms.extend(terms_of(process, events, &mut violations));
    }
    terms.sort_by(|a, b| a.first_valid.total_cmp(&b.first_valid));
    let era = |term: &Term<'_>| eras.iter().filter(|begin| **begin <= term.first_valid).count();
    for pair in terms.windows(2) {
        let [earlier, later] = pair else { continue };
        if era(earlier) == era(later) && later.token <= earlier.token {
            violations.push(format!(
                "tokens do not grow: {} led with {} from {:.6}, after {} with {} from {:.6}",
                later.process,
                later.token,
                later.first_valid,
                earlier.process,
                earlier.token,
                earlier.first_valid
            ));
        }
    }
    for (i, earlier) in terms.iter().enumerate() {
        for later in &terms[i + 1..] {
            if era(earlier) == era(later) && later.first_valid <= earlier.last_valid {
                violations.push(format!(
                    "two masters: {} held {} until {:.6} at least, and {} held {} from {:.6}",
                    earlier.process,
                    earlier.token,
                    earlier.last_valid,
                    later.process,
                    later.token,
                    later.first_valid
                ));
            }
        }
    }
    Verdict(violations)
}

/// Messages come strictly in turn, and nobody holds after `became_standby`, or under another token.
fn alternation(process: &str, events: &[Event], violations: &mut Vec<String>) {
    let mut told: Option<Option<i64>> = None;
    for event in events {
        match &event.what {
            What::BecameMaster { token, remaining, .. } => {
                if matches!(told, Some(Some(_))) {
                    violations.push(format!("{process} became master twice in a row, at {:.6}", event.at));
                }
                if *remaining <= 0.0 {
                    violations.push(format!("{process} became master without a lease, at {:.6}", event.at));
                }
                told = Some(Some(*token));
            }
            What::BecameStandby { .. } => {
                if told == Some(None) {
                    violations.push(format!("{process} became standby twice in a row, at {:.6}", event.at));
                }
                told = Some(None);
            }
            What::Holding { token, .. } if told != Some(Some(*token)) => {
                violations
                    .push(format!("{process} holds {token} at {:.6} without being its master", event.at));
            }
            _ => {}
        }
    }
}

fn terms_of<'a>(process: &'a str, events: &[Event], violations: &mut Vec<String>) -> Vec<Term<'a>> {
    let mut terms: Vec<Term<'a>> = Vec::new();
    for event in events {
        match event.what {
            What::BecameMaster { token, .. } => {
                terms.push(Term { process, token, first_valid: event.at, last_valid: event.at });
            }
            What::Holding { token, remaining } => {
                if remaining <= 0.0 {
                    violations.push(format!("{process} holds {token} at {:.6} without a lease", event.at));
                }
                if let Some(term) = terms.last_mut().filter(|term| term.token == token) {
                    term.last_valid = term.last_valid.max(event.at);
                }
            }
            _ => {}
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(at: f64, token: i64) -> Event {
        Event { at, what: What::BecameMaster { id: String::new(), token, remaining: 1.0 } }
    }

    fn holding(at: f64, token: i64) -> Event {
        Event { at, what: What::Holding { token, remaining: 1.0 } }
    }

    fn standby(at: f64) -> Event {
        Event { at, what: What::BecameStandby { reason: "outranked".into(), master: None } }
    }

    fn verdict(histories: &[Vec<Event>]) -> Vec<String> {
        let named: Vec<_> = histories.iter().enumerate().map(|(i, h)| (format!("p{i}"), h.clone())).collect();
        judge(&named, &[]).0
    }

    #[test]
    fn a_handover_is_fine() {
        let a = vec![master(1.0, 5), holding(2.0, 5), standby(2.1), master(4.0, 9)];
        let b = vec![standby(1.0), master(2.2, 7), holding(3.0, 7), standby(3.1)];
        assert_eq!(verdict(&[a, b]), Vec::<String>::new());
    }

    #[test]
    fn eras_are_not_compared() {
        let histories =
            [("a".to_owned(), vec![master(1.0, 5), holding(3.0, 5)]), ("b".to_owned(), vec![master(2.0, 4)])];
        assert_eq!(judge(&histories, &[1.5]).0, Vec::<String>::new());
        assert_eq!(judge(&histories, &[2.5]).0.len(), 2);
    }

    #[test]
    fn every_violation_is_found() {
        for (histories, expected) in [
            (vec![vec![master(1.0, 5), holding(3.0, 5)], vec![master(2.0, 6)]], "two masters"),
            (vec![vec![master(1.0, 5)], vec![master(2.0, 5)]], "tokens do not grow"),
            (vec![vec![master(1.0, 5), master(2.0, 6)]], "master twice"),
            (vec![vec![standby(1.0), standby(2.0)]], "standby twice"),
            (vec![vec![master(1.0, 5), standby(2.0), holding(3.0, 5)]], "without being its master"),
            (vec![vec![master(1.0, 5), holding(3.0, 4)]], "without being its master"),
        ] {
            let found = verdict(&histories);
            assert!(found.iter().any(|violation| violation.contains(expected)), "{expected}: {found:?}");
        }
    }
}
