//! The judge: reads what processes said, and finds what must not have happened.

mod absence;
mod terms;

use std::fmt;

use zookeeper_testkit::stall::fail_on_any_machine;

use crate::{Event, What};

pub use absence::{Absence, absences, longest_calm};
pub use terms::{Term, terms};

/// What the judge found. Empty if all is well.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict(pub Vec<Violation>);

/// Something that must not have happened, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// What.
    pub what: String,
    /// From when, in seconds of `CLOCK_BOOTTIME`.
    pub from: f64,
    /// Until when; the same as `from` where it is a moment.
    pub until: f64,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|violation| writeln!(f, "  - {violation}"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Violation {
    /// Something that must not have happened at this moment.
    pub fn at(at: f64, what: String) -> Violation {
        Violation { what, from: at, until: at }
    }
}

/// What was said in one election, and what has to be known besides.
#[derive(Debug, Default)]
pub struct Case<'a> {
    /// What each process said.
    pub histories: &'a [(String, Vec<Event>)],
    /// When new eras begin. Terms are compared only within an era: nothing is promised across a wiped ensemble,
    /// and Curator promises less than we do.
    pub eras: &'a [f64],
    /// Sessions that were ended from outside.
    pub ended: &'a [Ended],
    /// Locks that were deleted by hand.
    pub deleted: &'a [Deleted],
    /// Whether a master that never said that it became standby, because it was killed or stands still, is held to the
    /// deadline that it last named: until then its session has to live. Not where roles end without a word.
    pub claims: bool,
    /// Whether processes stood still: `became_master` may then be handled after the lease, and is no claim.
    pub stopped: bool,
}

/// Fails a test by what was found: on any machine if it must not happen however slow that is, which is not so of what was
/// merely late.
///
/// # Panics
///
/// Always, with all of it.
pub fn fail(violations: &[String], histories: &str) -> ! {
    let violations = violations.join("\n  - ");
    let message = format!("violations:\n  - {violations}\nhistories:\n{histories}");
    if ["two masters", "tokens do not grow"].iter().any(|grave| violations.contains(grave)) {
        fail_on_any_machine(&message);
    }
    panic!("{message}");
}

/// A session that was ended from outside, as by hand: its process cannot know before it is told, so its lease is not
/// counted from `from` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The process.
    pub process: String,
    /// Not before.
    pub from: f64,
    /// Not after.
    pub until: f64,
}

/// A lock that was deleted by hand: its master cannot know before it is told, so its lease is not counted from `from` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// The lock's token.
    pub token: i64,
    /// Not before.
    pub from: f64,
}

/// Judges the histories of processes that stood in one election, and were neither stopped nor robbed of their sessions.
pub fn judge(histories: &[(String, Vec<Event>)], eras: &[f64]) -> Verdict {
    Case { histories, eras, ..Case::default() }.judge()
}

impl Case<'_> {
    /// Judges it: messages come in turn, tokens grow, and no lease begins before the one before it is over.
    pub fn judge(&self) -> Verdict {
        let mut violations = Vec::new();
        for (process, events) in self.histories {
            self.alternation(process, events, &mut violations);
        }
        let terms = terms(self);
        let era = |term: &Term<'_>| self.eras.iter().filter(|begin| **begin <= term.first_valid).count();
        for pair in terms.windows(2) {
            let [earlier, later] = pair else { continue };
            // Whoever has no lease may lose its leadership, and lead again by the same znode.
            let goes_on =
                !later.has_lease && later.process == earlier.process && later.token == earlier.token;
            if era(earlier) == era(later) && later.token <= earlier.token && !goes_on {
                let what = format!("tokens do not grow: {later}, after {earlier}");
                violations.push(Violation::at(later.first_valid, what));
            }
        }
        for (i, earlier) in terms.iter().enumerate() {
            // They are in the order of their beginnings.
            for later in terms[i + 1..].iter().take_while(|later| later.first_valid <= earlier.claimed) {
                if era(earlier) == era(later) {
                    let until = earlier.claimed.min(later.claimed);
                    let length = until - later.first_valid;
                    let what = format!("two masters for {length:.6} s: {earlier}, and {later}");
                    violations.push(Violation { what, from: later.first_valid, until });
                }
            }
        }
        Verdict(violations)
    }

    /// Messages come strictly in turn, and nobody holds after `became_standby`, or under another token.
    fn alternation(&self, process: &str, events: &[Event], violations: &mut Vec<Violation>) {
        let mut told: Option<Option<i64>> = None;
        for event in events {
            let mut violation = |what: String| {
                let what = format!("{process} {what}, at {:.6}", event.at);
                violations.push(Violation::at(event.at, what));
            };
            match &event.what {
                What::BecameMaster { token, remaining, .. } => {
                    if matches!(told, Some(Some(_))) {
                        violation("became master twice in a row".to_owned());
                    }
                    if remaining.is_some_and(|remaining| remaining <= 0.0) && !self.stopped {
                        violation("became master without a lease".to_owned());
                    }
                    told = Some(Some(*token));
                }
                What::BecameStandby { .. } => {
                    if told == Some(None) {
                        violation("became standby twice in a row".to_owned());
                    }
                    told = Some(None);
                }
                What::Holding { token, remaining } => {
                    if told != Some(Some(*token)) {
                        violation(format!("holds {token} without being its master"));
                    }
                    if remaining.is_some_and(|remaining| remaining <= 0.0) {
                        violation(format!("holds {token} without a lease"));
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(at: f64, token: i64) -> Event {
        Event { at, what: What::BecameMaster { id: String::new(), token, remaining: Some(0.5) } }
    }

    fn holding(at: f64, token: i64) -> Event {
        Event { at, what: What::Holding { token, remaining: Some(0.5) } }
    }

    fn standby(at: f64) -> Event {
        Event { at, what: What::BecameStandby { reason: "outranked".into(), master: None } }
    }

    fn named(histories: &[Vec<Event>]) -> Vec<(String, Vec<Event>)> {
        histories.iter().enumerate().map(|(i, h)| (format!("p{i}"), h.clone())).collect()
    }

    fn verdict(histories: &[Vec<Event>]) -> Vec<String> {
        let case = Case { histories: &named(histories), claims: true, ..Case::default() };
        case.judge().0.iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_role_that_ends_without_a_word_claims_nothing() {
        let histories = named(&[vec![master(1.0, 5), holding(3.0, 5)], vec![master(3.4, 6)]]);
        assert_eq!(judge(&histories, &[]), Verdict::default());
    }

    #[test]
    fn what_was_late_may_be_tried_again_and_two_masters_may_not() {
        let is_final = |violation: &str| {
            let violations = [violation.to_owned()];
            let panic = std::panic::catch_unwind(|| fail(&violations, "p0 said: two masters")).unwrap_err();
            !panic.is::<String>()
        };
        assert!(is_final("two masters for 1 s"));
        assert!(is_final("tokens do not grow"));
        assert!(!is_final("p0 became master without a lease"));
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
        assert_eq!(judge(&histories, &[1.5]).0, Vec::new());
        assert_eq!(judge(&histories, &[2.5]).0.len(), 2);
    }

    #[test]
    fn every_violation_is_found() {
        for (histories, expected) in [
            (vec![vec![master(1.0, 5), holding(3.0, 5)], vec![master(2.0, 6)]], "two masters"),
            // Killed, or stopped: the session has to live as long as the lease that was named last.
            (vec![vec![master(1.0, 5), holding(3.0, 5)], vec![master(3.4, 6)]], "two masters"),
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

    #[test]
    fn a_session_that_was_ended_from_outside_is_not_held_against_its_master() {
        let histories = named(&[vec![master(1.0, 5), holding(3.0, 5)], vec![master(2.9, 6)]]);
        let ended = [Ended { process: "p0".to_owned(), from: 2.8, until: 2.85 }];
        let case = Case { histories: &histories, ended: &ended, ..Case::default() };
        assert_eq!(case.judge(), Verdict::default());
        // It does not help who held on before it.
        let ended = [Ended { from: 2.95, ..ended[0].clone() }];
        let case = Case { histories: &histories, ended: &ended, ..Case::default() };
        assert_eq!(case.judge().0.len(), 1);
        // Nor another one.
        let ended = [Ended { process: "p1".to_owned(), from: 2.0, until: 2.85 }];
        let case = Case { histories: &histories, ended: &ended, ..Case::default() };
        assert_eq!(case.judge().0.len(), 1);
    }

    #[test]
    fn a_lock_that_was_deleted_by_hand_is_not_held_against_its_master() {
        let found = |deleted: &[Deleted], first: Vec<Event>, second: Vec<Event>| {
            let histories = named(&[first, second]);
            Case { histories: &histories, deleted, ..Case::default() }.judge().0.len()
        };
        let [old, new] = [vec![master(1.0, 5), holding(3.0, 5)], vec![master(2.9, 6), holding(4.0, 6)]];
        let deleted = |token, from| [Deleted { token, from }];
        assert_eq!(found(&deleted(5, 2.8), old.clone(), new.clone()), 0);
        assert_eq!(found(&deleted(5, 2.95), old.clone(), new.clone()), 1, "they were two before it");
        assert_eq!(found(&deleted(4, 2.8), old.clone(), new.clone()), 1, "it was another lock");
        // It was told of its term when the lock had gone, and another had one.
        let late = vec![master(3.1, 5), holding(3.2, 5)];
        assert_eq!(found(&deleted(5, 2.8), late.clone(), new.clone()), 0);
        assert_eq!(found(&[], late, new), 2);
    }

    #[test]
    fn without_a_lease_one_may_lead_again_by_the_same_znode() {
        let without =
            |at| Event { at, what: What::BecameMaster { id: String::new(), token: 5, remaining: None } };
        let again = vec![without(1.0), standby(2.0), without(3.0)];
        let found = |histories: &[Vec<Event>]| {
            let named: Vec<_> =
                histories.iter().enumerate().map(|(i, h)| (format!("p{i}"), h.clone())).collect();
            judge(&named, &[]).0.len()
        };
        assert_eq!(found(std::slice::from_ref(&again)), 0);
        assert_eq!(found(&[again[..2].to_vec(), again[2..].to_vec()]), 1, "nobody else may");
        assert_eq!(found(&[vec![master(1.0, 5), standby(2.0), master(3.0, 5)]]), 1, "nor with a lease");
    }

    #[test]
    fn who_stood_still_may_be_told_late_and_holds_nothing() {
        let late =
            Event { at: 5.0, what: What::BecameMaster { id: String::new(), token: 4, remaining: Some(0.0) } };
        let histories = named(&[vec![late, standby(5.1)], vec![master(3.0, 6), holding(6.0, 6)]]);
        let case = Case { histories: &histories, stopped: true, ..Case::default() };
        assert_eq!(case.judge(), Verdict::default());
        assert_eq!(judge(&histories, &[]).0.len(), 1);
    }
}
