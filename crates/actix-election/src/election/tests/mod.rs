//! The election actor with the clock paused, against a fake session.
//!
//! Time passes only while everybody waits, and then in one leap to the next timer: each test says at which moment
//! of its own time a thing happened, and no machine is too slow for that.

mod asking;
mod departure;
mod fake;
mod handover;
mod interruption;
mod lease;
mod restart;
mod role;
mod several;
mod turns;
mod watching;

use std::future::Future;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{Address, CandidateConfig, CandidateState, ElectionPath, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{AddRole, Election, ElectionSettings, GetStatus, Status, Sweep};
use crate::clock::Clock;
use fake::Fake;
use role::Watched;

/// The session timeout of every test: T/10 is a second.
const T: Duration = Duration::from_secs(10);

/// The election path of every test.
const PATH: &str = "/master";

/// How long a test waits, in its own time, for what has to happen.
const PATIENCE: Duration = Duration::from_secs(600);

/// An election, the fake session that it is on, and the time that both go by.
struct World {
    origin: Instant,
    session: Fake,
    election: Addr<Election>,
}

/// An election that competes with this role, on a session that is not connected yet.
fn campaign(role: &Watched) -> World {
    start(&[role], true, |_| ())
}

/// An election with these roles, on a session that is not connected yet.
fn start(roles: &[&Watched], campaign: bool, change: impl FnOnce(&mut CandidateConfig)) -> World {
    let origin = role::origin();
    let clock = Clock::Tokio(origin);
    let (session, link, notices) = Fake::start(clock);
    let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
    config.address = Some(Address::new("here:1").unwrap());
    change(&mut config);
    let roles = roles.iter().map(|role| AddRole::new(&role.address)).collect();
    let settings = ElectionSettings { config, roles, watchdog: false, campaign };
    let election = Election::new(settings, T, clock, None, link, notices, Sweep::start(clock)).unwrap();
    World { origin, session, election: election.start() }
}

impl World {
    async fn status(&self) -> Status {
        self.election.send(GetStatus).await.unwrap()
    }

    /// Waits until the election is in this state.
    async fn state(&self, state: CandidateState) {
        let reached = async {
            while self.status().await.state != state {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon(reached, state.name()).await;
    }

    /// The time of the test.
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// This moment of the test's time, as the lease's clock shows it.
    fn session_time(&self, at: Duration) -> Timestamp {
        Clock::Tokio(self.origin).now() + at - self.now()
    }

    /// Waits for this moment of the test's time.
    async fn at(&self, at: Duration) {
        tokio::time::sleep_until(self.origin + at).await;
    }
}

/// Connects a lone candidate, and waits until its role is master.
async fn lone_master(role: &mut Watched) -> (World, crate::Lease) {
    let world = campaign(role);
    world.session.connect();
    let lease = role.master().await;
    (world, lease)
}

async fn soon<T>(event: impl Future<Output = T>, what: &str) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// What arrives on a channel, waited for with a limit.
async fn next<T>(channel: &mut mpsc::UnboundedReceiver<T>, what: &str) -> T {
    soon(channel.recv(), what).await.unwrap_or_else(|| panic!("nobody is left to send: {what}"))
}
