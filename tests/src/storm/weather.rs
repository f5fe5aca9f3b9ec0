//! What happens without the nemesis, or as a consequence of its moves: the ensemble changes leaders, the machine stalls.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::{sleep, timeout};
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::four_letter::Mode;

use super::field::Field;
use super::log::{Fault, Hits};
use super::now;

/// Between two looks at the servers.
const LOOK: Duration = Duration::from_millis(250);
/// How long a server has for its answer.
const ANSWER: Duration = Duration::from_secs(1);
/// Between two beats of the thread that notices stalls, and how late one may be.
const BEAT: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_millis(200);
/// A server that was away for less is no reason for anything.
const SHORT: Duration = Duration::from_secs(2);

/// The kinds of what happens without the nemesis.
const INCOMPLETE: &str = "ensemble incomplete, or under a new leader";
pub(super) const STALL: &str = "the machine stalled";

/// What was seen of the ensemble last.
#[derive(Default)]
pub(super) struct Weather {
    /// Who leads, while everything is well.
    leader: Cell<Option<usize>>,
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

    /// The leader of an ensemble that was complete at the last look.
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

/// Notes when the ensemble is not complete, or led by another server than before, for as long as it is polled.
pub(super) async fn observe(field: &Field) -> Infallible {
    let (mut well_until, mut well_under) = (now(), None);
    let mut complete = false;
    loop {
        let asked = now();
        let leader = leader_of_all(&field.ensemble).await;
        if let Some(leader) = leader {
            let changed = well_under != Some(leader);
            if !complete || changed {
                let (from, until) = (well_until, now());
                // Under the same leader, what was left had a quorum.
                let short = !changed && until - from < SHORT.as_secs_f64();
                let target = format!("server {leader} leads afterwards");
                let until = Some(until);
                field.log.note(Fault { kind: INCOMPLETE, target, hits: Hits::Ensemble, short, from, until });
            }
            (well_until, well_under) = (asked, Some(leader));
        }
        complete = leader.is_some();
        field.weather.leader.set(leader);
        for (from, until) in field.weather.stalls.take() {
            let target = format!("for {:.2} s", until - from);
            let (hits, until) = (Hits::Ensemble, Some(until));
            field.log.note(Fault { kind: STALL, target, hits, short: false, from, until });
        }
        sleep(LOOK).await;
    }
}

/// The server that leads, if all serve.
async fn leader_of_all(ensemble: &Ensemble) -> Option<usize> {
    let modes = join_all(ensemble.servers().iter().map(async |server| {
        let running = server.is_running() && !server.is_paused();
        if running { timeout(ANSWER, server.mode()).await.ok()?.ok() } else { None }
    }));
    let modes = modes.await.into_iter().collect::<Option<Vec<_>>>()?;
    let mut leaders = modes.iter().enumerate().filter(|(_, mode)| **mode == Mode::Leader);
    let (leader, _) = leaders.next()?;
    leaders.next().is_none().then_some(leader)
}
