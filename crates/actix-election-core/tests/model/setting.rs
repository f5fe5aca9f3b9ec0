//! What a world is like: its ensemble, its timings, and which of the lease's assumptions hold in it.

use crate::clock::{MILLI, SECOND};
use crate::random::Random;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Setting {
    /// The servers' tick, k.
    pub(crate) tick: u64,
    /// The session timeout that each server grants, T. The same everywhere is one of the assumptions.
    pub(crate) grants: Vec<u64>,
    pub(crate) voters: usize,
    /// Servers that follow a follower, which is then their observer master.
    pub(crate) observers: usize,
    /// In ticks.
    pub(crate) sync_limit: u64,
    pub(crate) processes: usize,
    /// The strategy: a queue, or a lock.
    pub(crate) queue: bool,
    /// Clocks run wrong by so many millionths at most, either way.
    pub(crate) ppm: i64,
    /// How long a leader may take at most to end a session once it has taken its bucket out.
    pub(crate) expiry_delay: u64,
    /// Whether the servers may be restarted with a greater least T.
    pub(crate) raises: bool,
    /// Whether a server that is silent is left after T/5, as it is shipped.
    pub(crate) leaves_silent: bool,
    /// How late the leader's ping may be.
    pub(crate) ping_lag: u64,
    /// How long a message takes at least, and by how much longer at most.
    pub(crate) latency: (u64, u64),
    /// Whether somebody deletes, overwrites and squats.
    pub(crate) hands: bool,
    /// Whether the ensemble may lose its data.
    pub(crate) wipes: bool,
    pub(crate) parent: bool,
    /// Whether the overlaps that a deletion by hand may lead to are counted as broken promises.
    pub(crate) hands_count: bool,
    /// Whether a lease is excused that outlives its session by an attach that granted less and whose answer the client
    /// has not seen.
    pub(crate) excuse_unheard_grants: bool,
    /// Whether rules for the lease are judged, the shipped one and others, on the same probes. For that a session is kept
    /// up for as long as the ensemble keeps it, so that nothing else is promised in such a world.
    pub(crate) rules: bool,
}

impl Setting {
    /// T, where it is the same everywhere.
    pub(crate) fn timeout(&self) -> u64 {
        self.grants[0]
    }

    pub(crate) fn servers(&self) -> usize {
        self.voters + self.observers
    }

    /// The least of everything, with nothing left to chance: what exhaustive exploration starts from.
    pub(crate) fn small() -> Self {
        let tick = 2 * SECOND;
        Setting {
            tick,
            grants: vec![2 * tick; 3],
            voters: 3,
            observers: 0,
            sync_limit: 5,
            processes: 1,
            queue: false,
            ppm: 0,
            expiry_delay: 0,
            raises: false,
            leaves_silent: true,
            ping_lag: 0,
            latency: (MILLI, 0),
            hands: false,
            wipes: false,
            parent: true,
            hands_count: false,
            excuse_unheard_grants: true,
            rules: false,
        }
    }

    /// A large world in which every assumption holds, if only just.
    pub(crate) fn random(random: &mut Random) -> Self {
        let tick = SECOND;
        let timeout = match random.below(3) {
            // The least that is allowed is where everything is tight.
            0 => 2 * tick,
            _ => 2 * tick + random.below(4 * tick),
        };
        let voters = if random.below(4) == 0 { 5 } else { 3 };
        // Servers that grant different T can be survived by one session that hears of it in time.
        let alone = random.below(8) == 0;
        let grants =
            (0..voters).map(|s| if alone && s > 0 { timeout + random.below(timeout) } else { timeout });
        let grants = grants.collect();
        Setting {
            tick,
            grants,
            voters,
            observers: 0,
            sync_limit: 2 + random.below(9),
            processes: if alone { 1 } else { 2 + random.index(3) },
            queue: false,
            ppm: 4_950,
            expiry_delay: [0, timeout / 10, 2 * timeout][random.index(3)],
            raises: random.below(4) == 0,
            leaves_silent: true,
            // A fiftieth of T by the clock of the client, which may run 1 % faster than the leader.s.
            ping_lag: timeout / 58,
            latency: (50_000, [MILLI, timeout / 100, timeout / 30][random.index(3)]),
            hands: random.below(3) == 0,
            wipes: false,
            parent: random.below(8) > 0,
            hands_count: false,
            excuse_unheard_grants: true,
            rules: false,
        }
    }
}
