//! The nemesis's moves, drawn from the seed.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use zookeeper_testkit::proxy::Direction;

use super::settings::Settings;

/// Keeps the moves of a seed apart from the settings that the same seed gives.
const MOVES: u64 = 0x5354_4f52_4d00_0001;

/// A candidate, found when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    /// The master of this election, or any candidate where there is none.
    Master(usize),
    /// The candidate with this number among all of this election.
    Candidate(usize, usize),
}

/// A server, found when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Which {
    /// The leader of the ensemble.
    Leader,
    /// The one that the master of this election is connected to.
    MastersServer(usize),
    /// The one with this number.
    Server(usize),
}

/// How a server turns candidates away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Denial {
    Refuse,
    AcceptAndClose,
    SayNothing,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Kill(Who),
    Pause(Who),
    Terminate(Who),
    Resign(usize),
    Expire(Who),
    Part(Who, Direction),
    Cut(Who),
    Delay(Who, Duration),
    LoseReply(usize),
    Deny(Which, Denial),
    KillServer(Which),
    PauseServer(Which),
    /// A follower hears nothing from the leader, while the master of this election stays attached to it; `alone`: from
    /// the other follower neither.
    IsolateFollower {
        election: usize,
        alone: bool,
    },
    IsolateLeader,
    /// Only what goes this way is kept between the leader and a follower.
    PartOneWay {
        follower: usize,
        to_leader: bool,
    },
    PartAll,
    RestartEach,
    RestartAll,
    LoseQuorum,
}

/// Something that is done for a while, and healed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move {
    /// How long after the beginning of the round.
    pub(super) after: Duration,
    /// For how long.
    pub(super) length: Duration,
    /// Whether that is so short (T/5) that nothing may come of it.
    pub(super) short: bool,
    pub(super) what: What,
}

/// Draws one round after the other.
pub(super) struct Plan<'a> {
    random: StdRng,
    settings: &'a Settings,
}

impl<'a> Plan<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Plan { random: StdRng::seed_from_u64(settings.seed ^ MOVES), settings }
    }

    /// One to three moves, of which the later ones begin while the first is in force, or soon after.
    pub(super) fn round(&mut self) -> Vec<Move> {
        let count = *[1, 1, 2, 2, 3].choose(&mut self.random).unwrap_or(&1);
        (0..count).map(|index| self.one(index > 0)).collect()
    }

    /// How long nothing is done before a round: often not at all.
    pub(super) fn rest(&mut self) -> Duration {
        let rests = self.random.random_bool(0.4);
        let rest = self.settings.longest_timeout().mul_f64(self.random.random_range(0.0..1.5));
        if rests { rest } else { Duration::ZERO }
    }

    fn one(&mut self, later: bool) -> Move {
        let election = self.random.random_range(0..self.settings.elections.len());
        let what = self.what(election);
        let timeout = match what {
            What::Kill(_)
            | What::Pause(_)
            | What::Part(..)
            | What::Delay(..)
            | What::IsolateFollower { .. } => self.settings.elections[election].timeout,
            _ => self.settings.longest_timeout(),
        };
        // What counts for the shortness is the shortest T among those who feel it.
        let shortest = match what {
            What::Pause(_) | What::Part(..) => timeout,
            _ => self.settings.elections.iter().map(|election| election.timeout).min().unwrap_or(timeout),
        };
        let can_be_short = matches!(what, What::Pause(_) | What::Part(..) | What::PauseServer(_));
        let short = can_be_short && self.random.random_bool(0.3);
        let length = if short {
            shortest.mul_f64(self.random.random_range(0.05..0.2))
        } else {
            timeout.mul_f64(self.random.random_range(0.4..3.0))
        };
        let after = if later { timeout.mul_f64(self.random.random_range(0.0..1.5)) } else { Duration::ZERO };
        Move { after, length, short, what }
    }

    fn what(&mut self, election: usize) -> What {
        let who = self.who(election);
        let which = self.which(election);
        let timeout = self.settings.elections[election].timeout;
        let random = &mut self.random;
        match random.random_range(0..40) {
            0..4 => What::Kill(who),
            4..7 => What::Pause(who),
            7..9 => What::Terminate(who),
            9..11 => What::Resign(election),
            11..13 => What::Expire(who),
            13..16 => {
                let all = [Direction::Both, Direction::Both, Direction::ToServer, Direction::ToClient];
                What::Part(who, *all.choose(random).unwrap_or(&Direction::Both))
            }
            16..18 => What::Cut(who),
            18..20 => What::Delay(who, timeout.mul_f64(random.random_range(0.005..0.12))),
            20..22 => What::LoseReply(election),
            22..24 => {
                let all = [Denial::Refuse, Denial::AcceptAndClose, Denial::SayNothing];
                What::Deny(which, *all.choose(random).unwrap_or(&Denial::Refuse))
            }
            24..27 => What::KillServer(which),
            27..30 => What::PauseServer(which),
            30..34 => What::IsolateFollower { election, alone: random.random_bool(0.5) },
            34 => What::IsolateLeader,
            35 => {
                What::PartOneWay { follower: random.random_range(0..2), to_leader: random.random_bool(0.5) }
            }
            36 => What::PartAll,
            37 => What::RestartEach,
            38 => What::RestartAll,
            _ => What::LoseQuorum,
        }
    }

    fn who(&mut self, election: usize) -> Who {
        if self.random.random_bool(0.65) {
            Who::Master(election)
        } else {
            Who::Candidate(
                election,
                self.random.random_range(0..self.settings.elections[election].candidates),
            )
        }
    }

    fn which(&mut self, election: usize) -> Which {
        match self.random.random_range(0..5) {
            0 | 1 => Which::Leader,
            2 | 3 => Which::MastersServer(election),
            _ => Which::Server(self.random.random_range(0..3)),
        }
    }
}

impl What {
    /// The kind of fault, for the table.
    pub(super) fn kind(self) -> &'static str {
        match self {
            What::Kill(_) => "candidate killed",
            What::Pause(_) => "candidate stopped",
            What::Terminate(_) => "candidate terminated",
            What::Resign(_) => "master asked to resign",
            What::Expire(_) => "session ended from outside",
            What::Part(..) => "candidate cut off in silence",
            What::Cut(_) => "connections reset",
            What::Delay(..) => "connections delayed",
            What::LoseReply(_) => "reply to a create or delete lost",
            What::Deny(..) => "server that turns candidates away",
            What::KillServer(_) => "server killed",
            What::PauseServer(_) => "server stopped",
            What::IsolateFollower { .. } => "master's follower isolated",
            What::IsolateLeader => "leader isolated",
            What::PartOneWay { .. } => "leader and follower parted one way",
            What::PartAll => "all servers parted",
            What::RestartEach => "servers restarted one by one",
            What::RestartAll => "all servers restarted",
            What::LoseQuorum => "two servers killed",
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = match self.what {
            What::Kill(who)
            | What::Pause(who)
            | What::Terminate(who)
            | What::Expire(who)
            | What::Cut(who) => {
                format!(": {who}")
            }
            What::Part(who, direction) => format!(": {who}, {direction}"),
            What::Delay(who, by) => format!(": {who}, by {by:.0?}"),
            What::Resign(election) | What::LoseReply(election) => format!(" in election {election}"),
            What::Deny(which, denial) => format!(": {which}, {denial:?}"),
            What::KillServer(which) | What::PauseServer(which) => format!(": {which}"),
            What::IsolateFollower { election, alone } => {
                format!(" in election {election}{}", if alone { ", alone" } else { "" })
            }
            What::PartOneWay { to_leader, .. } => {
                if to_leader { ": to the leader" } else { ": to the follower" }.to_owned()
            }
            What::IsolateLeader | What::PartAll | What::RestartEach | What::RestartAll | What::LoseQuorum => {
                String::new()
            }
        };
        let (after, length) = (self.after.as_secs_f64(), self.length.as_secs_f64());
        write!(f, "{}{detail} ({length:.1} s", self.what.kind())?;
        if self.after > Duration::ZERO {
            write!(f, ", after {after:.1} s")?;
        }
        write!(f, ")")
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Master(election) => write!(f, "master of election {election}"),
            Who::Candidate(election, number) => write!(f, "candidate {number} of election {election}"),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Leader => f.write_str("leader"),
            Which::MastersServer(election) => write!(f, "server of the master of election {election}"),
            Which::Server(number) => write!(f, "server {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_gives_the_same_moves_and_in_time_all_kinds() {
        let settings = Settings::new(7, &[]);
        let (mut one, mut other) = (Plan::new(&settings), Plan::new(&settings));
        let mut kinds = BTreeSet::new();
        for _ in 0..400 {
            assert_eq!(one.rest(), other.rest());
            let round = one.round();
            assert_eq!(round, other.round());
            kinds.extend(round.iter().map(|one| one.what.kind()));
            assert!(round.iter().all(|one| !one.short || one.length < settings.longest_timeout() / 4));
        }
        assert_eq!(kinds.len(), 19, "{kinds:?}");
        let another = Settings::new(8, &[]);
        assert_ne!(Plan::new(&settings).round(), Plan::new(&another).round());
    }
}
