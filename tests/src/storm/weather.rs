//! What happens without the nemesis, or as a consequence of its moves: the ensemble changes leaders, the machine stalls.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::{sleep, timeout};
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::four_letter::Mode;
use zookeeper_testkit::wire::RawClient;

use super::field::Field;
use super::log::{Fault, Hits, Log};
use super::now;

/// Between two looks at the servers.
const LOOK: Duration = Duration::from_millis(250);
/// How long a server has for its answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How long the quorum has for a write, and how long it may commit none, with all servers there, before it is stuck for good.
const WRITE: Duration = Duration::from_secs(2);
const STUCK: Duration = Duration::from_secs(15);
/// Between two beats of the thread that notices stalls, and how late one may be.
const BEAT: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_millis(200);

/// The kind of a fault that is the machine's.
const STALL: &str = "the machine stalled";

/// What was seen of the ensemble last.
#[derive(Default)]
pub(super) struct Weather {
    leader: Cell<Option<usize>>,
    complete: Cell<bool>,
    /// Since when all servers serve and nothing that is written is committed.
    stuck: Cell<Option<Instant>>,
    stalls: Arc<Stalls>,
}

#[derive(Default)]
struct Stalls(Mutex<Vec<(f64, f64)>>);

impl Stalls {
    fn take(&self) -> Vec<(f64, f64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Weather {
    /// Begins to watch the machine.
    ///
    /// # Panics
    ///
    /// If there is no thread to be had.
    pub(super) fn new() -> Self {
        let weather = Weather::default();
        let stalls = Arc::downgrade(&weather.stalls);
        std::thread::Builder::new().name("stalls".into()).spawn(move || beat(&stalls)).expect("a thread");
        weather
    }

    /// Whether all servers served at the last look.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// Whether the servers have found together and commit nothing all the same, for so long that they never will: a leader
    /// of ZooKeeper 3.8 that was cut off and followed again waits for proposals that it has sent to nobody.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.get().is_some_and(|since| since.elapsed() > STUCK)
    }

    /// The servers have been started anew.
    pub(super) fn restarted(&self) {
        self.stuck.set(None);
    }

    /// Who led a majority at the last look.
    pub(super) fn leader(&self) -> Option<usize> {
        self.leader.get()
    }
}

/// Ends when there is nobody left to tell.
fn beat(stalls: &Weak<Stalls>) {
    let mut last = Instant::now();
    while let Some(stalls) = stalls.upgrade() {
        let late = last.elapsed().saturating_sub(BEAT);
        if late > LATE {
            let now = now();
            let mut stalls = stalls.0.lock().unwrap_or_else(PoisonError::into_inner);
            stalls.push((now - late.as_secs_f64(), now));
        }
        last = Instant::now();
        drop(stalls);
        std::thread::sleep(BEAT);
    }
}

/// Something that should be so at every look.
struct Rule {
    kind: &'static str,
    /// Whether nothing may come of it if it is not so.
    short: bool,
    held_until: f64,
    broken: bool,
}

impl Rule {
    fn new(kind: &'static str, short: bool) -> Self {
        Rule { kind, short, held_until: now(), broken: false }
    }

    /// At the look that was begun at `asked` it was so, or not. What was not is noted once it is so again.
    fn see(&mut self, log: &Log, holds: bool, asked: f64) {
        if holds {
            if std::mem::take(&mut self.broken) {
                let Rule { kind, short, held_until: from, .. } = *self;
                let (target, hits, until) = ("seen from outside".to_owned(), Hits::Ensemble, Some(now()));
                log.note(Fault { kind, target, hits, short, from, until });
            }
            self.held_until = asked;
        } else {
            self.broken = true;
        }
    }
}

/// Notes when servers are away, and when there is no quorum or another leader than before, for as long as it is polled.
pub(super) async fn observe(field: &Field) -> Infallible {
    let mut quorum = Rule::new("no quorum, or a new leader", false);
    // With a quorum under the same leader the others are enough.
    let mut complete = Rule::new("server away", true);
    let mut commits = Rule::new("nothing committed", false);
    let mut led_by = None;
    loop {
        let asked = now();
        let (leader, all) = look(&field.ensemble).await;
        quorum.see(&field.log, leader.is_some() && leader == led_by, asked);
        complete.see(&field.log, all, asked);
        led_by = leader.or(led_by);
        field.weather.leader.set(leader);
        field.weather.complete.set(all);
        let committed = match leader.filter(|_| all) {
            Some(leader) => commits_a_write(&field.ensemble, leader).await,
            None => true,
        };
        commits.see(&field.log, committed, asked);
        let since = field.weather.stuck.take().unwrap_or_else(Instant::now);
        field.weather.stuck.set(Some(since).filter(|_| !committed));
        for (from, until) in field.weather.stalls.take() {
            let target = format!("for {:.2} s", until - from);
            let (hits, until) = (Hits::Ensemble, Some(until));
            field.log.note(Fault { kind: STALL, target, hits, short: false, from, until });
        }
        sleep(LOOK).await;
    }
}

/// Whether the quorum takes a write: to open a session is one.
async fn commits_a_write(ensemble: &Ensemble, leader: usize) -> bool {
    let write = async {
        let client = RawClient::connect(ensemble.server(leader).address(), WRITE, None).await?;
        client.close().await
    };
    timeout(WRITE, write).await.is_ok_and(|written| written.is_ok())
}

/// The server that leads a majority, and whether all servers serve under it.
async fn look(ensemble: &Ensemble) -> (Option<usize>, bool) {
    let modes = join_all(ensemble.servers().iter().map(async |server| {
        let running = server.is_running() && !server.is_paused();
        if running { timeout(ANSWER, server.mode()).await.ok()?.ok() } else { None }
    }));
    let modes = modes.await;
    let serving = modes.iter().flatten().count();
    let mut leaders = modes.iter().enumerate().filter(|(_, mode)| **mode == Some(Mode::Leader));
    let leader = leaders.next().map(|(leader, _)| leader).filter(|_| leaders.next().is_none());
    let leader = leader.filter(|_| 2 * serving > modes.len());
    (leader, leader.is_some() && serving == modes.len())
}
