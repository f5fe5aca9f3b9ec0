//! Other rules for the lease, judged beside the shipped one on the same probes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use actix_election_core::Timestamp;

use crate::process::Process;

/// What a client knows of one connection of its session.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct History {
    attached: Timestamp,
    /// When each answered probe was sent and answered.
    pub(crate) probes: Vec<(Timestamp, Timestamp)>,
}

impl History {
    pub(crate) fn new(attached: Timestamp) -> Self {
        History { attached, probes: Vec::new() }
    }
}

/// A rule: how many probes it takes, how far the second has to be behind the first, and what it takes off T. Shares
/// are in ten-thousandths of T.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    probes: u8,
    gap: u64,
    less: u64,
    /// Whether a proof counts only while the lease before it lasts.
    chain: bool,
}

/// The shipped rule first, then what might do instead. All but one are chains.
pub(crate) const RULES: [Rule; 11] = [
    Rule {
        name: "a chain of three probes, gap T/4 + T/50, less T/50 (shipped)",
        probes: 3,
        gap: 2_700,
        less: 200,
        chain: true,
    },
    Rule { name: "the same, but no chain", probes: 3, gap: 2_700, less: 200, chain: false },
    Rule { name: "the same, less T/100", probes: 3, gap: 2_700, less: 100, chain: true },
    Rule { name: "the same, less nothing", probes: 3, gap: 2_700, less: 0, chain: true },
    Rule {
        name: "three probes, gap k/2 + T/50, less T/50",
        probes: 3,
        gap: KNOWN_TICK,
        less: 200,
        chain: true,
    },
    Rule { name: "three probes, gap T/5, less T/50", probes: 3, gap: 2_000, less: 200, chain: true },
    Rule { name: "three probes, gap T/10, less T/50", probes: 3, gap: 1_000, less: 200, chain: true },
    Rule { name: "two probes, gap T/4 + T/50, less T/50", probes: 2, gap: 2_700, less: 200, chain: true },
    Rule { name: "two probes, gap T/4 + T/50, less T/8", probes: 2, gap: 2_700, less: 1_250, chain: true },
    Rule { name: "the newest answered probe, less T/4 + T/10", probes: 1, gap: 0, less: 3_500, chain: true },
    Rule { name: "the newest answered probe, less T/50", probes: 1, gap: 0, less: 200, chain: true },
];

/// Stands for half a tick and T/50, for a client that knows the tick.
const KNOWN_TICK: u64 = u64::MAX;

impl Rule {
    /// The end of the lease of a session with these connections, the first of which created it.
    fn deadline(&self, connections: &BTreeMap<u32, History>, t: u64, tick: u64) -> Option<Timestamp> {
        let less = t / 10_000 * self.less;
        let lease_of = |touch: Timestamp| touch + Duration::from_nanos(t - less);
        let mut end = lease_of(connections.values().next()?.attached);
        for History { attached, probes } in connections.values() {
            for (j, (_, answered)) in probes.iter().enumerate() {
                if self.chain && *answered >= end {
                    return Some(end);
                }
                let touch = self.proven(&probes[..=j], t, tick).map_or(*attached, |h| h.max(*attached));
                end = end.max(lease_of(touch));
            }
        }
        Some(end)
    }

    /// When the touch was sent that the last of these probes proves, if it proves one.
    fn proven(&self, probes: &[(Timestamp, Timestamp)], t: u64, tick: u64) -> Option<Timestamp> {
        let newest = probes.last()?;
        let gap = if self.gap == KNOWN_TICK { tick / 2 + t / 50 } else { t / 10_000 * self.gap };
        let i = match self.probes {
            3 => probes.iter().rev().skip(1).find(|(_, answered)| *answered <= newest.0)?,
            _ => newest,
        };
        let h = match self.probes {
            1 => Some(newest),
            _ => probes.iter().rev().find(|h| h.1 + Duration::from_nanos(gap) <= i.0),
        };
        h.map(|h| h.0)
    }
}

/// How the rules fared: how often the lease outlived its session, and by how much of T at most.
#[derive(Clone, Default, Debug)]
pub(crate) struct Rules {
    pub(crate) sessions: u64,
    pub(crate) outlived: [u64; RULES.len()],
    /// In ten-thousandths of T.
    pub(crate) worst: [u64; RULES.len()],
}

impl Hash for Rules {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Rules {
    pub(crate) fn add(&mut self, other: &Rules) {
        self.sessions += other.sessions;
        for rule in 0..RULES.len() {
            self.outlived[rule] += other.outlived[rule];
            self.worst[rule] = self.worst[rule].max(other.worst[rule]);
        }
    }

    /// The ensemble ends the session of this process, whose clock shows `now`.
    pub(crate) fn judge(&mut self, process: &Process, now: Timestamp, t: u64, tick: u64) {
        if process.history.is_empty() {
            return;
        }
        self.sessions += 1;
        for (number, rule) in RULES.iter().enumerate() {
            let deadline = rule.deadline(&process.history, t, tick);
            if let Some(deadline) = deadline.filter(|deadline| *deadline > now) {
                self.outlived[number] += 1;
                let beyond = u64::try_from(deadline.since(now).as_nanos()).unwrap();
                self.worst[number] = self.worst[number].max(beyond / (t / 10_000));
            }
        }
    }
}

impl std::fmt::Display for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} sessions ended", self.sessions)?;
        for (number, rule) in RULES.iter().enumerate() {
            let (outlived, worst) = (self.outlived[number], self.worst[number]);
            writeln!(f, "  {:<62} outlived {outlived}, worst {worst} / 10,000 of T", rule.name)?;
        }
        Ok(())
    }
}
