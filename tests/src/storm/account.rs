//! Has everything judged, and adds it up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::field::Field;
use super::log::Fault;
use super::now;
use super::settings::ElectionSettings;
use crate::judge::{Absence, Case, Term, Violation, absences, longest_calm, terms};
use crate::{Event, What};

/// What a machine with other work may add to any time that is promised, in seconds.
const SLACK: f64 = 2.0;
/// So many seconds around a violation the faults in force are shown.
const AROUND: f64 = 2.0;
/// So many violations are shown at most.
const SHOWN: usize = 5;

/// What came of a run so far.
pub(super) struct Account {
    pub(super) rounds: usize,
    /// What the judge does not find.
    troubles: Vec<Violation>,
    found: Vec<Violation>,
    sums: Vec<Sums>,
}

/// What is known of one election.
#[derive(Default)]
struct Sums {
    masters: usize,
    overlaps: usize,
    /// Between two masters, whatever was in force.
    longest_absence: f64,
    /// While nothing was that could explain it.
    longest_calm: f64,
    bound: f64,
    /// How terms ended.
    ends: BTreeMap<String, usize>,
    false_step_downs: Vec<String>,
    /// `became_master` that was handled after the lease.
    told_late: usize,
}

impl Account {
    pub(super) fn new() -> Self {
        Account { rounds: 0, troubles: Vec::new(), found: Vec::new(), sums: Vec::new() }
    }

    /// Something is wrong that no history shows.
    pub(super) fn trouble(&mut self, what: String) {
        self.troubles.push(Violation::at(now(), what));
    }

    pub(super) fn has_violations(&self) -> bool {
        !self.troubles.is_empty() || !self.found.is_empty()
    }

    /// How often two held at once, in all elections.
    pub(super) fn overlaps(&self) -> Vec<&Violation> {
        self.found.iter().filter(|violation| is_overlap(violation)).collect()
    }

    /// Judges everything that was said so far. There has to be a master until `until`.
    pub(super) fn judge(&mut self, field: &Field, until: f64) {
        self.found.clear();
        self.sums.clear();
        let (faults, ended) = (field.log.faults(), field.ended.borrow());
        for election in 0..field.settings.elections.len() {
            let histories: Vec<_> =
                field.numbers(election).into_iter().flat_map(|number| field.stands[number].said()).collect();
            let case =
                Case { histories: &histories, ended: &ended, claims: true, stopped: true, ..Case::default() };
            let mut found = case.judge().0;
            let terms = terms(&case);
            let absences = absences(&terms, field.began.get(), until);
            let bound = bound(field, election);
            let calm = absences.iter().map(|absence| calm_of(field, election, *absence, &faults));
            let calm = calm.max_by(|a, b| a.length().total_cmp(&b.length()));
            if let Some(calm) = calm.filter(|calm| calm.length() > bound + SLACK) {
                let path = &field.settings.elections[election].path;
                let what = format!(
                    "{path} had no master from {:.3} to {:.3}, though nothing was in force: {:.3} s, promised are {bound} s",
                    calm.from,
                    calm.until,
                    calm.length()
                );
                found.push(Violation { what, from: calm.from, until: calm.until });
            }
            for number in field.numbers(election) {
                let stand = &field.stands[number];
                let garbage = stand.garbage().into_iter();
                found.extend(garbage.map(|line| Violation::at(until, format!("{} said {line}", stand.name))));
            }
            self.sums.push(Sums {
                masters: terms.len(),
                overlaps: found.iter().filter(|violation| is_overlap(violation)).count(),
                longest_absence: absences.iter().map(Absence::length).fold(0.0, f64::max),
                longest_calm: calm.map_or(0.0, |calm| calm.length()),
                bound,
                ends: ends(&terms),
                false_step_downs: false_step_downs(field, election, &terms, &faults),
                told_late: told_late(&histories),
            });
            self.found.append(&mut found);
        }
    }

    /// The table at the end.
    pub(super) fn table(&self, field: &Field) -> String {
        let faults = field.log.faults();
        let mut kinds = BTreeMap::<&str, (usize, usize)>::new();
        for fault in &faults {
            let (all, short) = kinds.entry(fault.kind).or_default();
            *all += 1;
            *short += usize::from(fault.short);
        }
        let mut rows = vec![
            format!("| {} rounds in {:.1} minutes | |", self.rounds, field.age() / 60.0),
            "|---|---|".to_owned(),
        ];
        for (kind, (all, short)) in kinds {
            let short =
                if short > 0 { format!(", {short} of them explain no step-down") } else { String::new() };
            rows.push(format!("| {kind} | {all}{short} |"));
        }
        for (sums, election) in self.sums.iter().zip(&field.settings.elections) {
            let mut row =
                |name: &str, value: String| rows.push(format!("| {}: {name} | {value} |", election.path));
            row("masters", sums.masters.to_string());
            row("overlaps", sums.overlaps.to_string());
            row("longest time without a master", format!("{:.1} s", sums.longest_absence));
            let calm = format!("{:.1} s (promised: {:.1} s)", sums.longest_calm, sums.bound);
            row("the same while nothing was in force", calm);
            let ends: Vec<_> = sums.ends.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            row("ends of terms", ends.join(", "));
            row("false step-downs", sums.false_step_downs.len().to_string());
            row("told of a term after its lease", sums.told_late.to_string());
        }
        let unexplained = self.sums.iter().flat_map(|sums| &sums.false_step_downs);
        let unexplained: String = unexplained.map(|end| format!("\nfalse step-down: {end}")).collect();
        format!("\n{}\n{unexplained}", rows.join("\n"))
    }

    /// What went wrong, what was in force around it, and how to try again.
    pub(super) fn violations(&self, field: &Field, kept: Option<&Path>, length: Duration) -> String {
        let faults = field.log.faults();
        let all: Vec<_> = self.troubles.iter().chain(&self.found).collect();
        let mut text = format!("{} VIOLATIONS\n", all.len());
        for violation in all.iter().take(SHOWN) {
            text.push_str(&format!("  - {violation}\n"));
            let (from, until) = (violation.from - AROUND - longest(field), violation.until + AROUND);
            for fault in faults.iter().filter(|fault| fault.touches(from, until)) {
                text.push_str(&format!("      in force from {fault}\n"));
            }
        }
        if let Some(kept) = kept {
            text.push_str(&format!("histories, faults and logs: {}\n", kept.display()));
        }
        let strategies = field.settings.elections.iter().filter_map(|election| election.strategy.as_ref());
        let strategies: String = strategies.map(|strategy| format!(" --strategy {strategy}")).collect();
        let (minutes, seed) = (length.as_secs_f64() / 60.0, field.settings.seed);
        text + &format!("again: cargo xtask storm --minutes {minutes} --seed {seed}{strategies}")
    }
}

fn is_overlap(violation: &Violation) -> bool {
    violation.what.starts_with("two masters")
}

fn longest(field: &Field) -> f64 {
    field.settings.longest_timeout().as_secs_f64()
}

/// What is promised for the time without a master, in seconds: T + 1.5 k + 1 s.
fn bound(field: &Field, election: usize) -> f64 {
    let timeout = field.settings.elections[election].timeout.as_secs_f64();
    timeout + 1.5 * field.settings.tick.as_secs_f64() + 1.0
}

/// The longest stretch of an absence during which the servers were well and there was one candidate that was, too.
fn calm_of(field: &Field, election: usize, absence: Absence, faults: &[Fault]) -> Absence {
    let calm = field.numbers(election).into_iter().map(|number| {
        let felt = faults.iter().filter(|fault| fault.hits(number));
        longest_calm(absence, &felt.map(|fault| (fault.from, fault.end())).collect::<Vec<_>>())
    });
    calm.max_by(|a, b| a.length().total_cmp(&b.length())).unwrap_or(absence)
}

fn ends(terms: &[Term<'_>]) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for term in terms {
        let reason = term.end.map_or("without a word", |(_, reason)| reason);
        *ends.entry(reason.to_owned()).or_default() += 1;
    }
    ends
}

/// Terms that were lost although nothing explains it, with what was in force all the same.
fn false_step_downs(field: &Field, election: usize, terms: &[Term<'_>], faults: &[Fault]) -> Vec<String> {
    let ElectionSettings { timeout, .. } = &field.settings.elections[election];
    let back = timeout.as_secs_f64() + field.settings.tick.as_secs_f64() + 1.0;
    let stand_of = |process: &str| {
        field.stands.iter().position(|stand| process.starts_with(&format!("{}#", stand.name)))
    };
    let lost = terms.iter().filter_map(|term| {
        let stand = stand_of(term.process)?;
        let felt: Vec<_> = faults.iter().filter(|fault| fault.hits(stand)).collect();
        let around = unexplained(term, &felt, back)?;
        Some(format!("{term}; in force: {}", around.join(", ")))
    });
    lost.collect()
}

/// Whether a term was lost, and not given up, while nothing was in force in the last `back` seconds but what may change
/// nothing; and that.
fn unexplained(term: &Term<'_>, felt: &[&Fault], back: f64) -> Option<Vec<String>> {
    let (at, reason) = term.end?;
    let lost = matches!(reason, "lease_ending" | "session_lost" | "node_lost" | "connecting");
    let around: Vec<_> = felt.iter().filter(|fault| fault.touches(at - back, at)).collect();
    let explained = around.iter().any(|fault| !fault.short);
    (lost && !explained).then(|| around.iter().map(ToString::to_string).collect())
}

fn told_late(histories: &[(String, Vec<Event>)]) -> usize {
    let late = |event: &&Event| matches!(event.what, What::BecameMaster { remaining, .. } if remaining.is_some_and(|remaining| remaining <= 0.0));
    histories.iter().map(|(_, events)| events.iter().filter(late).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::log::Hits;
    use super::*;

    fn fault(from: f64, until: Option<f64>, short: bool) -> Fault {
        Fault { kind: "some fault", target: "all".to_owned(), hits: Hits::Ensemble, short, from, until }
    }

    #[test]
    fn a_term_is_lost_falsely_if_only_short_faults_were_in_force_shortly_before() {
        let term = |reason| Term {
            has_lease: true,
            process: "p#0",
            token: 1,
            first_valid: 0.0,
            last_valid: 20.0,
            claimed: 20.0,
            end: Some((20.0, reason)),
        };
        for (reason, faults, expected) in [
            ("lease_ending", vec![], Some(0)),
            ("resigned", vec![], None),
            ("session_lost", vec![fault(19.0, Some(19.1), true)], Some(1)),
            ("session_lost", vec![fault(19.0, Some(19.1), false)], None),
            ("session_lost", vec![fault(19.0, None, true), fault(5.0, None, false)], None),
            ("lease_ending", vec![fault(5.0, Some(16.9), false)], Some(0)),
            ("lease_ending", vec![fault(5.0, Some(17.1), false)], None),
            ("lease_ending", vec![fault(20.1, None, false)], Some(0)),
        ] {
            let felt: Vec<_> = faults.iter().collect();
            let found = unexplained(&term(reason), &felt, 3.0).map(|around| around.len());
            assert_eq!(found, expected, "{reason}, {faults:?}");
        }
    }
}
