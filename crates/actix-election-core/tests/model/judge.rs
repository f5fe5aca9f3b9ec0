//! What must never happen, and what has to have happened somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use actix_election_core::FencingToken;

use crate::clock::Moment;

/// A promise, or a lemma that promises rest on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Property {
    /// G1: two leases are never valid at once, each by its own clock.
    OneMaster,
    /// The lease is over when the ensemble ends the session.
    LeaseWithinSession,
    /// G2: tokens grow.
    TokensGrow,
    /// G3: strictly in turn, and no `BecameMaster` for a term that is lost.
    CleanMessages,
    /// Once every role has handled `BecameStandby` there is no lease.
    OverOnceAcknowledged,
    /// No znode is released under a valid lease.
    LeaseBeforeLock,
    /// Nobody deletes the znode of another.
    OnlyOnesOwn,
    /// Nobody leads whose znode was never the head of the queue. A lock always is.
    OnlyTheHeadLeads,
    /// A term begins with a znode that was seen on the present connection: by hand it may have gone meanwhile.
    SeenBeforeItLeads,
    /// What belongs to an old connection changes nothing.
    StaleIsIgnored,
    /// What a candidate has to be woken for is done when it has been woken.
    TimersRest,
    /// Nothing is left of a candidate that has left.
    NothingLeft,
    /// Faults healed, there is one master, who is the first in the election, nothing else is left in it, and every role
    /// knows what it is.
    OneMasterInTheEnd,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Broken {
    pub(crate) property: Property,
    pub(crate) at: Moment,
    pub(crate) what: String,
}

/// Follows a world and notes the first promise that is broken.
#[derive(Clone, Default, Debug, Hash)]
pub(crate) struct Judge {
    pub(crate) broken: Option<Broken>,
    /// Nothing is promised in this world.
    pub(crate) rules_alone: bool,
    pub(crate) greatest: Option<FencingToken>,
    /// The znodes that were the first in the election at some time.
    pub(crate) heads: BTreeSet<i64>,
    /// Those of them that somebody deleted by hand.
    pub(crate) robbed: BTreeSet<i64>,
    /// Whose each session is or was: a process that is started again is another candidate.
    pub(crate) candidates: BTreeMap<i64, u64>,
    /// The sessions that somebody closed.
    pub(crate) closed_by_hand: BTreeSet<i64>,
    pub(crate) seen: Seen,
}

impl Judge {
    pub(crate) fn is_broken(&mut self, property: Property, at: Moment, what: String) {
        if !self.rules_alone {
            self.broken.get_or_insert(Broken { property, at, what });
        }
    }
}

/// What has happened somewhere. It is no part of what a world is: two worlds that differ in it alone are the same.
#[derive(Clone, Default, Debug)]
pub(crate) struct Seen(BTreeSet<&'static str>);

impl Hash for Seen {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Seen {
    pub(crate) fn note(&mut self, what: &'static str) {
        self.0.insert(what);
    }

    pub(crate) fn add(&mut self, other: &Seen) {
        self.0.extend(&other.0);
    }

    /// Fails unless all of these were seen.
    pub(crate) fn require<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) {
        let missing: Vec<&str> = wanted.into_iter().filter(|what| !self.0.contains(what)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}\nseen: {:?}", self.0);
    }
}
