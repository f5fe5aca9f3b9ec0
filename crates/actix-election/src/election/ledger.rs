//! What elections log: a line for each change, and one line for all those of a session that change together.
//!
//! A session that is lost, or connected, changes all of its elections: of ten thousand, the lines would bury what matters.

use std::cell::RefCell;
use std::time::Duration;

use actix_election_core::{
    ElectionPath, FencingToken, Master, Problem, ProblemKind, StandbyReason, Timestamp, printable,
};

use crate::journal::journal;

/// Where a session has so many elections at most, each change is logged at once.
const FEW_ELECTIONS: usize = 8;

/// So many changes of a kind that came together have a line each.
const FEW_CHANGES: usize = 3;

/// What goes on for longer than this is logged as it stands.
const LONGEST: Duration = Duration::from_secs(5);

/// So much is logged of what is wrong: it may name znodes of others.
const LONGEST_PROBLEM: usize = 2_000;

/// Something that has happened in an election.
#[derive(Clone, Debug)]
pub(super) enum Change {
    BecameMaster {
        token: FencingToken,
    },
    BecameStandby {
        reason: StandbyReason,
        master: Option<Master>,
    },
    TermEnded {
        reason: StandbyReason,
        token: FencingToken,
        lasted: Duration,
    },
    NewMaster(Master),
    Problem(Problem),
    RoleDead,
    RoleRestarted,
    RoleAddedAgain,
    /// Nobody holds the election any more.
    Orphaned {
        competes: bool,
    },
}

/// What changes have to have in common to be logged together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    BecameMaster,
    BecameStandby(StandbyReason),
    TermEnded(StandbyReason),
    NewMaster,
    Problem(ProblemKind),
    RoleDead,
    RoleRestarted,
    RoleAddedAgain,
    Orphaned { competes: bool },
}

impl Change {
    fn kind(&self) -> Kind {
        match self {
            Change::BecameMaster { .. } => Kind::BecameMaster,
            Change::BecameStandby { reason, .. } => Kind::BecameStandby(*reason),
            Change::TermEnded { reason, .. } => Kind::TermEnded(*reason),
            Change::NewMaster(_) => Kind::NewMaster,
            Change::Problem(problem) => Kind::Problem(problem.kind),
            Change::RoleDead => Kind::RoleDead,
            Change::RoleRestarted => Kind::RoleRestarted,
            Change::RoleAddedAgain => Kind::RoleAddedAgain,
            Change::Orphaned { competes } => Kind::Orphaned { competes: *competes },
        }
    }

    fn log(self, path: ElectionPath) {
        match self {
            Change::BecameMaster { token } => {
                journal!(INFO, %path, token = token.as_i64(), "became master");
            }
            Change::BecameStandby { reason, master } => {
                let (master, master_token) = show(master.as_ref());
                journal!(INFO, %path, %reason, master, master_token, "became standby");
            }
            Change::TermEnded { reason, token, lasted } => {
                let (token, seconds) = (token.as_i64(), lasted.as_secs_f64());
                if reason == StandbyReason::Resigned {
                    journal!(INFO, %path, %reason, token, seconds, "became standby: the term has ended in order");
                } else {
                    journal!(WARN, %path, %reason, token, seconds, "became standby: mastership is lost");
                }
            }
            Change::NewMaster(master) => {
                let (master, token) = show(Some(&master));
                journal!(INFO, %path, master, token, "new master");
            }
            Change::Problem(problem) => {
                let problem = printable(&problem.message, LONGEST_PROBLEM);
                journal!(WARN, %path, "{problem}");
            }
            Change::RoleDead => journal!(WARN, %path, "a role actor is dead"),
            Change::RoleRestarted => {
                journal!(WARN, %path, "a role actor was restarted, or the future of its handler panicked");
            }
            Change::RoleAddedAgain => {
                journal!(INFO, %path, "a role actor was added again, so it was restarted");
            }
            Change::Orphaned { competes: true } => {
                journal!(WARN, %path, "the election's last handle was dropped: this process withdraws from it");
            }
            Change::Orphaned { competes: false } => {
                journal!(INFO, %path, "the election's last handle was dropped: it is no longer followed");
            }
        }
    }
}

/// A master in the fields of a log.
fn show(master: Option<&Master>) -> (Option<String>, Option<i64>) {
    (master.map(Master::printable_address), master.map(|master| master.token.as_i64()))
}

impl Kind {
    /// One line for all of them; `first` is where it happened first.
    fn log(self, elections: usize, first: ElectionPath) {
        match self {
            Kind::BecameMaster => journal!(INFO, elections, %first, "became master"),
            Kind::BecameStandby(reason) => journal!(INFO, elections, %first, %reason, "became standby"),
            Kind::TermEnded(reason @ StandbyReason::Resigned) => {
                journal!(INFO, elections, %first, %reason, "became standby: the terms have ended in order");
            }
            Kind::TermEnded(reason) => {
                journal!(WARN, elections, %first, %reason, "became standby: masterships are lost");
            }
            Kind::NewMaster => journal!(INFO, elections, %first, "new masters"),
            Kind::Problem(_) => {}
            Kind::RoleDead => journal!(WARN, elections, %first, "role actors are dead"),
            Kind::RoleRestarted => journal!(
                WARN,
                elections,
                %first,
                "role actors were restarted, or the futures of their handlers panicked"
            ),
            Kind::RoleAddedAgain => {
                journal!(INFO, elections, %first, "role actors were added again, so they were restarted");
            }
            Kind::Orphaned { competes: true } => journal!(
                WARN,
                elections,
                %first,
                "the last handles of elections were dropped: this process withdraws from them"
            ),
            Kind::Orphaned { competes: false } => journal!(
                INFO,
                elections,
                %first,
                "the last handles of elections were dropped: they are no longer followed"
            ),
        }
    }
}

/// What is to be logged of the elections of one session.
#[derive(Default)]
pub(super) struct Ledger(RefCell<Vec<Group>>);

/// Changes of one kind. There are at most as many groups as there are kinds.
struct Group {
    kind: Kind,
    first: Vec<(ElectionPath, Change)>,
    count: usize,
    began: Timestamp,
    /// Whether another one has come since the last look.
    grew: bool,
}

impl Ledger {
    /// Logs a change, or has it wait for others of its kind if the session has many elections.
    pub(super) fn note(&self, now: Timestamp, elections: usize, path: &ElectionPath, change: Change) {
        if elections <= FEW_ELECTIONS {
            return change.log(path.clone());
        }
        let mut groups = self.0.borrow_mut();
        let kind = change.kind();
        let place = groups.iter().position(|group| group.kind == kind).unwrap_or_else(|| {
            groups.push(Group { kind, first: Vec::new(), count: 0, began: now, grew: true });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.grew = true;
        group.count += 1;
        if group.first.len() < FEW_CHANGES {
            group.first.push((path.clone(), change));
        }
    }

    /// Logs what nothing was added to since the last look, and what has waited for long.
    pub(super) fn look(&self, now: Timestamp) {
        self.log(|group| std::mem::take(&mut group.grew) && now.since(group.began) < LONGEST);
    }

    /// Logs everything.
    pub(super) fn flush(&self) {
        self.log(|_| false);
    }

    fn log(&self, waits: impl FnMut(&mut Group) -> bool) {
        let mut groups = self.0.borrow_mut();
        let mut waits = waits;
        groups.retain_mut(|group| {
            let stays = waits(group);
            if !stays {
                group.log();
            }
            stays
        });
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Group {
    fn log(&mut self) {
        let first = std::mem::take(&mut self.first);
        if self.count <= FEW_CHANGES {
            first.into_iter().for_each(|(path, change)| change.log(path));
        } else if let Some((path, change)) = first.into_iter().next() {
            match change {
                Change::Problem(Problem { message, .. }) => {
                    let (elections, first) = (self.count, path);
                    let problem = printable(&message, LONGEST_PROBLEM);
                    journal!(WARN, elections, %first, "{problem}");
                }
                _ => self.kind.log(self.count, path),
            }
        }
    }
}
