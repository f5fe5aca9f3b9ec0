//! What has happened somewhere: a run in which something never happens would check nothing about it.

use std::collections::BTreeSet;

use actix_election_core::{CandidateState, ProblemKind, StandbyReason, Timer};

#[derive(Default, Debug)]
pub(crate) struct Seen(BTreeSet<String>);

impl Seen {
    pub(crate) fn note(&mut self, what: impl std::fmt::Debug) {
        let what = format!("{what:?}");
        if !self.0.contains(&what) {
            self.0.insert(what);
        }
    }

    pub(crate) fn add(&mut self, other: Seen) {
        self.0.extend(other.0);
    }

    /// Fails unless all of these were seen.
    pub(crate) fn require(&self, wanted: impl IntoIterator<Item = String>) {
        let missing: Vec<String> = wanted.into_iter().filter(|what| !self.0.contains(what)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}\nseen: {:?}", self.0);
    }
}

/// Things worth seeing that are no value of a type of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notable {
    /// A lock was found whose create had not been heard to succeed.
    RecoveredCreate,
    /// The create was refused, for another one was first.
    LostRace,
    /// A term was ended for want of a lease while its session lived on.
    NoticeInLivingSession,
    /// The lease of a term was over before the role had handled `BecameStandby`.
    UnhandledInTime,
    /// Two leases for the moment that it takes to hear of a deletion by hand.
    OverlapByHand,
    /// Parents were created.
    Parents,
    /// A candidate left.
    Left,
    /// A delete was served on a connection that was cut before the answer.
    LostDelete,
    /// A session was given up that lived on at the ensemble.
    GivenUpAlive,
    /// A term began at the end of the predecessor, with nothing read.
    PromotedUnread,
    /// A role was restarted: as master, before it had handled `BecameStandby`, and while nothing was under way.
    RestartedMaster,
    RestartedOnItsWay,
    RestartedIdle,
}

/// Everything that all worlds together have to show.
pub(crate) fn everything() -> Vec<String> {
    use CandidateState as S;
    use Notable as N;
    use ProblemKind as K;
    use StandbyReason as R;
    let states = [
        S::Following,
        S::WaitingForRole,
        S::WaitingForAcknowledgement,
        S::Connecting,
        S::Pausing,
        S::Competing,
        S::Standby,
        S::PathTaken,
        S::Denied,
        S::Winning,
        S::Master,
        S::SteppingDown,
    ];
    let reasons = [
        R::Connecting,
        R::Outranked,
        R::Resigned,
        R::LeaseEnding,
        R::SessionLost,
        R::NodeLost,
        R::PathTaken,
        R::Denied,
        R::RoleFailed,
    ];
    let timers =
        [Timer::Notice, Timer::StepDown, Timer::LeaseShort, Timer::FirstWord, Timer::Pause, Timer::Retry];
    let problems = [K::PathTaken, K::Denied, K::StepDownOverdue, K::NoRole];
    let notable = [
        N::RecoveredCreate,
        N::LostRace,
        N::NoticeInLivingSession,
        N::UnhandledInTime,
        N::OverlapByHand,
        N::Parents,
        N::Left,
        N::LostDelete,
        N::GivenUpAlive,
        N::RestartedMaster,
        N::RestartedOnItsWay,
        N::RestartedIdle,
    ];
    let mut all: Vec<String> = states.iter().map(|it| format!("{it:?}")).collect();
    all.extend(reasons.iter().map(|it| format!("{it:?}")));
    all.extend(timers.iter().map(|it| format!("{it:?}")));
    all.extend(problems.iter().map(|it| format!("{it:?}")));
    all.extend(notable.iter().map(|it| format!("{it:?}")));
    all
}

/// Everything that all worlds with a queue together have to show: there is no race to lose, and nothing that is no
/// lock stands in the way.
pub(crate) fn everything_of_queues() -> Vec<String> {
    let mut all = everything();
    all.retain(|what| !["LostRace", "PathTaken"].contains(&what.as_str()));
    all.push(format!("{:?}", Notable::PromotedUnread));
    all
}
