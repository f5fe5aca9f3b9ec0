//! Times without a master.

use super::Term;

/// A time without a master.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Absence {
    /// Since when.
    pub from: f64,
    /// Until when.
    pub until: f64,
}

impl Absence {
    /// How long.
    pub fn length(&self) -> f64 {
        self.until - self.from
    }
}

/// The times between `from` and `until` at which nobody said that its lease is valid. A lease counts from the first to
/// the last time that it was said to be.
pub fn absences(terms: &[Term<'_>], from: f64, until: f64) -> Vec<Absence> {
    let mut absences = Vec::new();
    let mut covered = from;
    for term in terms {
        if term.first_valid > covered {
            absences.push(Absence { from: covered, until: term.first_valid.min(until) });
        }
        covered = covered.max(term.last_valid);
    }
    if until > covered {
        absences.push(Absence { from: covered, until });
    }
    absences.retain(|absence| absence.length() > 0.0);
    absences
}

/// The longest stretch of an absence that touches none of `disturbances`.
pub fn longest_calm(absence: Absence, disturbances: &[(f64, f64)]) -> Absence {
    let mut within: Vec<_> = disturbances
        .iter()
        .filter(|(from, until)| *from < absence.until && *until > absence.from)
        .copied()
        .collect();
    within.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut longest = Absence { from: absence.from, until: absence.from };
    let mut calm_since = absence.from;
    for (from, until) in within.into_iter().chain([(absence.until, absence.until)]) {
        if from - calm_since > longest.length() {
            longest = Absence { from: calm_since, until: from };
        }
        calm_since = calm_since.max(until);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(first_valid: f64, last_valid: f64) -> Term<'static> {
        Term {
            process: "p",
            token: 1,
            has_lease: true,
            first_valid,
            last_valid,
            claimed: last_valid,
            end: None,
        }
    }

    fn spans(absences: &[Absence]) -> Vec<(f64, f64)> {
        absences.iter().map(|absence| (absence.from, absence.until)).collect()
    }

    #[test]
    fn absences_lie_before_between_and_after_the_terms() {
        let terms = [term(1.0, 5.0), term(2.0, 3.0), term(6.0, 7.0)];
        assert_eq!(spans(&absences(&terms, 0.0, 9.0)), [(0.0, 1.0), (5.0, 6.0), (7.0, 9.0)]);
        assert_eq!(spans(&absences(&[], 0.0, 9.0)), [(0.0, 9.0)]);
        assert_eq!(spans(&absences(&terms, 1.0, 5.0)), []);
    }

    #[test]
    fn the_longest_calm_lies_between_disturbances() {
        let absence = Absence { from: 10.0, until: 20.0 };
        for (disturbances, expected) in [
            (vec![], (10.0, 20.0)),
            (vec![(0.0, 9.0), (21.0, 22.0)], (10.0, 20.0)),
            (vec![(0.0, 12.0), (13.0, 14.0)], (14.0, 20.0)),
            (vec![(11.0, 19.0), (12.0, 13.0)], (10.0, 11.0)),
            (vec![(5.0, 25.0)], (10.0, 10.0)),
            (vec![(16.0, 30.0), (11.0, 12.0)], (12.0, 16.0)),
        ] {
            let calm = longest_calm(absence, &disturbances);
            assert_eq!((calm.from, calm.until), expected, "{disturbances:?}");
        }
    }
}
