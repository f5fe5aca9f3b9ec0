//! How fast the ensemble is asked: no answers, whatever they are, may drive a candidate round and round at once.

use std::time::Duration;

use super::{Problem, ProblemKind};
use crate::{Reply, Timestamp};

/// So many answers may follow each other with nothing else happening before there is a pause: far more than it takes to
/// find out everything there is to know.
const FREE_ANSWERS: u32 = 32;

/// The first pause. Each further one is twice as long, up to the one before a refused request is made again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// From the pause of more than a second on somebody should know.
const PAUSES_TO_TELL: u32 = 8;

/// Counts the answers since something else has happened, and paces what is asked next.
///
/// An answer that says nothing ([`Reply::Unknown`] on a connection that lives) is followed by a pause; so are those that
/// never come to an end, because they contradict each other, say.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pace {
    /// The longest pause.
    longest: Duration,
    /// Answers in a row.
    answers: u32,
    /// Pauses since it was last quiet.
    pauses: u32,
    /// Nothing is asked until then.
    until: Option<Timestamp>,
    /// When the last answer came, or the pause after it ended.
    last: Option<Timestamp>,
    problem: Option<Problem>,
}

impl Pace {
    pub(super) fn new(longest: Duration) -> Self {
        Pace { longest, answers: 0, pauses: 0, until: None, last: None, problem: None }
    }

    /// There is a new reason to ask, and not one that the ensemble alone can bring about again and again.
    pub(super) fn reset(&mut self) {
        *self = Pace::new(self.longest);
    }

    /// Something has changed at the ensemble, or what was refused is due to be asked again. Neither is brought about by answers,
    /// so that it needs no pause of ours; but it ends none.
    pub(super) fn event(&mut self) {
        if self.until.is_none() {
            self.reset();
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp, reply: &Reply) {
        if self.until.is_none() && self.last.is_some_and(|last| now.since(last) >= self.longest) {
            self.reset();
        }
        self.last = Some(now);
        self.answers = self.answers.saturating_add(1);
        if *reply == Reply::Unknown || self.answers > FREE_ANSWERS {
            self.pause(now);
        }
    }

    fn pause(&mut self, now: Timestamp) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(20)).min(self.longest);
        // Of the answers to what was under way together, the last one's pause holds.
        self.until = Some(now + pause);
        self.last = self.until;
        self.pauses = self.pauses.saturating_add(1);
        if self.pauses >= PAUSES_TO_TELL {
            self.problem = Some(Problem {
                kind: ProblemKind::Refused,
                message: "the ensemble's answers are inconclusive or contradict each other: it is asked ever more rarely"
                    .to_owned(),
            });
        }
    }

    pub(super) fn pass_time(&mut self, now: Timestamp) {
        self.until.take_if(|until| now >= *until);
    }

    /// Until when nothing is asked.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| self.until.is_some())
    }
}
