//! The election actor with the clock paused, against a fake session.
//!
//! Time passes only while everybody waits, and then in one leap to the next timer: each test says at which moment
//! of its own time a thing happened, and no machine is too slow for that.

mod asking;
mod bystanders;
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
mod working;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{Address, CandidateConfig, CandidateState, ElectionPath, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::actor::ElectionActor;
use super::messages::{AddRole, Withdraw};
use super::status::ElectionBoard;
use super::sweep::Sweep;
use super::work::Work;
use super::{Election, ElectionSettings, Home, Status};
use crate::clock::Clock;
use crate::session::SessionBoard;
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
    election: Addr<ElectionActor>,
    board: Arc<ElectionBoard>,
}

/// Have handled whatever came before.
#[derive(Message)]
#[rtype(result = "()")]
struct Settle;

impl Handler<Settle> for ElectionActor {
    type Result = ();

    fn handle(&mut self, _: Settle, _: &mut Context<Self>) {}
}

/// An election that competes with this role, on a session that is not connected yet.
fn campaign(role: &Watched) -> World {
    start(&[role], true, |_| ())
}

/// An election with these roles, on a session that is not connected yet.
fn start(roles: &[&Watched], campaign: bool, change: impl FnOnce(&mut CandidateConfig)) -> World {
    let roles = roles.iter().map(|role| AddRole::new(&role.address)).collect();
    start_with(roles, None, campaign, change)
}

/// The same with a role that is no actor.
fn start_with(
    roles: Vec<AddRole>,
    work: Option<Work>,
    campaign: bool,
    change: impl FnOnce(&mut CandidateConfig),
) -> World {
    let origin = role::origin();
    let clock = Clock::Tokio(origin);
    let (session, link, notices) = Fake::start(clock);
    let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
    config.address = Some(Address::new("here:1").unwrap());
    change(&mut config);
    let settings = ElectionSettings { config, roles, work, watchdog: false, campaign };
    let shown = Arc::new(SessionBoard::of_new_session());
    let home = Home { session: None, shown, timeout: T, link, notices };
    let actor = ElectionActor::new(settings, clock, Sweep::start(clock), home).unwrap();
    let board = Arc::clone(&actor.board);
    World { origin, session, election: actor.start(), board }
}

impl World {
    async fn status(&self) -> Status {
        self.election.send(Settle).await.unwrap();
        self.board.status()
    }

    /// What users hold.
    fn handle(&self) -> Election {
        Election { address: self.election.clone(), board: Arc::clone(&self.board), _held: Arc::default() }
    }

    /// Returns at once; the future once that is done.
    fn withdraw(&self) -> impl Future<Output = ()> + use<> {
        let (left, wait) = oneshot::channel();
        self.election.do_send(Withdraw(left));
        async move { wait.await.unwrap_or_default() }
    }

    /// Waits until the election is in this state.
    async fn state(&self, state: CandidateState) {
        let reached = async {
            while self.status().await.state != state {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon(reached, state.as_str()).await;
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
