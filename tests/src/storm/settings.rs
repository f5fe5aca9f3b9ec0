//! What a run is made from: all of it follows from the seed and the command line.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How many candidates stand in each election.
const CANDIDATES: usize = 5;

/// The ticks without a word after which leader and follower part. Long, so that a follower on its own serves on.
pub(super) const SYNC_LIMIT: u32 = 8;

/// Who elects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elector {
    /// `elect campaign`.
    Elect,
    /// The elector that trusts its client's state events.
    Naive,
}

/// One election.
#[derive(Clone, Debug)]
pub(super) struct ElectionSettings {
    pub(super) path: String,
    /// T.
    pub(super) timeout: Duration,
    pub(super) candidates: usize,
    /// What is given as `--strategy`, if anything is.
    pub(super) strategy: Option<String>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where all chance comes from.
    pub seed: u64,
    pub(super) elector: Elector,
    /// k.
    pub(super) tick: Duration,
    pub(super) elections: Vec<ElectionSettings>,
}

impl Settings {
    /// The run of this seed: two elections, with timeouts of 2 to 4 s, on servers with a tick of 500 ms or 1 s. The
    /// elections take the `strategies` in turn; without any, none is named to the processes.
    pub fn new(seed: u64, strategies: &[String]) -> Settings {
        let mut random = StdRng::seed_from_u64(seed);
        let tick = Duration::from_millis(if random.random_bool(0.5) { 500 } else { 1_000 });
        let elections = ["/storm/alpha", "/storm/beta"].into_iter().enumerate();
        let elections = elections.map(|(index, path)| ElectionSettings {
            path: path.to_owned(),
            timeout: Duration::from_secs(random.random_range(2..=4)),
            candidates: CANDIDATES,
            strategy: strategies.get(index % strategies.len().max(1)).cloned(),
        });
        Settings { seed, elector: Elector::Elect, tick, elections: elections.collect() }
    }

    /// The run that shows what tells one elector from another: one election, T = 2 s, a tick of 500 ms.
    pub fn self_test(elector: Elector) -> Settings {
        let election = ElectionSettings {
            path: "/self-test".to_owned(),
            timeout: Duration::from_secs(2),
            candidates: 3,
            strategy: None,
        };
        Settings { seed: 0, elector, tick: Duration::from_millis(500), elections: vec![election] }
    }

    /// The longest T of all elections.
    pub(super) fn longest_timeout(&self) -> Duration {
        self.elections.iter().map(|election| election.timeout).max().unwrap_or_default()
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storm with seed {}: 3 servers, tick {:?}", self.seed, self.tick)?;
        for election in &self.elections {
            let ElectionSettings { path, timeout, candidates, strategy } = election;
            write!(f, "; {path} with {candidates} candidates, T = {timeout:?}")?;
            if let Some(strategy) = strategy {
                write!(f, ", {strategy}")?;
            }
        }
        Ok(())
    }
}
