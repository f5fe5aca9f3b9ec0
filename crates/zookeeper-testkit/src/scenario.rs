//! Scenarios: faults by a timetable, made up from a seed.
//!
//! A [`Scenario`] is a value: it prints itself in full, and the same seed makes the same one again. Where it is started,
//! its faults begin and end by the real clock, whatever the test's own clock and runtime do.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::time::Duration;
//! use zookeeper_testkit::TestServer;
//! use zookeeper_testkit::scenario::{Scenario, server_faults};
//!
//! let server = TestServer::start().await?;
//! let longest = Duration::from_millis(20);
//! let scenario = Scenario::random(7, &server_faults(1, longest), Duration::from_millis(100), longest);
//! println!("{scenario}");
//! let running = scenario.start(server.handle())?;
//! // ... let clients live through it ...
//! running.ended().await;
//! assert!(server.faults().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::proxy::{Direction, Fault, FaultKind, ProxyHandle};
use crate::random::Random;
use crate::server::{ReplyFilter, ServerFault, ServerFaultKind, ServerHandle};

/// One fault of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<K> {
    /// When it begins, from the start of the scenario.
    pub at: Duration,
    /// What is wrong.
    pub fault: K,
    /// For how long.
    pub lasts: Duration,
}

/// What faults can be brought on: [`ServerHandle`] and [`ProxyHandle`].
pub trait Suffers<K>: Send + 'static {
    /// A fault that is in force until it is dropped.
    type Fault;

    /// Begins a fault.
    #[must_use = "a fault ends when its value is dropped"]
    fn suffer(&self, fault: K) -> Self::Fault;
}

impl Suffers<ServerFaultKind> for ServerHandle {
    type Fault = ServerFault;

    fn suffer(&self, fault: ServerFaultKind) -> ServerFault {
        self.fault(fault)
    }
}

impl Suffers<FaultKind> for ProxyHandle {
    type Fault = Fault;

    fn suffer(&self, fault: FaultKind) -> Fault {
        self.fault(fault)
    }
}

/// A timetable of faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario<K> {
    seed: Option<u64>,
    steps: Vec<Step<K>>,
}

impl<K: Clone> Scenario<K> {
    /// Exactly these faults, in the order of their beginnings.
    pub fn of(mut steps: Vec<Step<K>>) -> Self {
        steps.sort_by_key(|step| step.at);
        Self { seed: None, steps }
    }

    /// Faults out of `faults` one after another, at random. Each lasts up to `longest`, the next one begins up to `longest`
    /// after it began, so that some meet; and all are over after `length`.
    ///
    /// The same arguments make the same scenario. With `length` and `longest` both scaled, it is the same one at another
    /// pace.
    pub fn random(seed: u64, faults: &[K], length: Duration, longest: Duration) -> Self {
        let mut random = Random(seed);
        let mut steps = Vec::new();
        let mut at = Duration::ZERO;
        while !faults.is_empty() && !longest.is_zero() {
            at += share(&mut random, longest);
            let fault = faults[random.below(faults.len())].clone();
            let lasts = share(&mut random, longest);
            if at >= length {
                break;
            }
            steps.push(Step { at, fault, lasts: lasts.min(length - at) });
        }
        Self { seed: Some(seed), steps }
    }

    /// What happens, in the order of the beginnings.
    pub fn steps(&self) -> &[Step<K>] {
        &self.steps
    }

    /// When the last fault has ended.
    pub fn length(&self) -> Duration {
        self.steps.iter().map(|step| step.at + step.lasts).max().unwrap_or_default()
    }

    /// Lets it happen to a server or proxy, from now on.
    ///
    /// # Errors
    ///
    /// Where no thread is to be had.
    pub fn start(&self, sufferer: impl Suffers<K>) -> io::Result<RunningScenario>
    where
        K: Send + 'static,
    {
        let (stop, stopped) = channel();
        let (tell, ended) = watch::channel(false);
        let (moments, steps) = (self.moments(), self.steps.clone());
        let thread = std::thread::Builder::new().name("fault-scenario".to_owned()).spawn(move || {
            run(moments, &steps, &sufferer, &stopped);
            tell.send_replace(true);
        })?;
        Ok(RunningScenario { stop: Some(stop), thread: Some(thread), ended })
    }

    /// What there is to do when. At the same moment, faults end before others begin; and one that lasts no time is none.
    fn moments(&self) -> Vec<(Duration, Moment)> {
        let mut moments = Vec::new();
        for (index, step) in self.steps.iter().enumerate().filter(|(_, step)| !step.lasts.is_zero()) {
            moments.push((step.at, Moment::Begin(index)));
            moments.push((step.at + step.lasts, Moment::End(index)));
        }
        moments.sort();
        moments
    }
}

/// A random part of `whole`, from 1/1000 to all of it.
fn share(random: &mut Random, whole: Duration) -> Duration {
    const PARTS: u32 = 1000;
    let parts = 1 + random.below(PARTS as usize) as u32;
    whole.saturating_mul(parts) / PARTS
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    End(usize),
    Begin(usize),
}

/// Begins and ends the faults on time, until there are no more or the scenario is stopped; all have ended then.
fn run<K: Clone, S: Suffers<K>>(
    moments: Vec<(Duration, Moment)>,
    steps: &[Step<K>],
    sufferer: &S,
    stopped: &Receiver<()>,
) {
    let started = Instant::now();
    let mut in_force: Vec<_> = steps.iter().map(|_| None).collect();
    for (at, moment) in moments {
        let rest = at.saturating_sub(started.elapsed());
        if stopped.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        match moment {
            Moment::Begin(step) => in_force[step] = Some(sufferer.suffer(steps[step].fault.clone())),
            Moment::End(step) => in_force[step] = None,
        }
    }
}

impl<K: fmt::Display> fmt::Display for Scenario<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(formatter, "scenario of seed {seed}:")?,
            None => formatter.write_str("scenario:")?,
        }
        self.steps.iter().try_for_each(|step| write!(formatter, "\n  {step}"))
    }
}

impl<K: fmt::Display> fmt::Display for Step<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "after {:?}, for {:?}: {}", self.at, self.lasts, self.fault)
    }
}

/// A scenario that happens. Dropped, it stops: every fault of it has ended then.
#[must_use = "a scenario stops when its value is dropped"]
pub struct RunningScenario {
    /// Dropped to stop it.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    ended: watch::Receiver<bool>,
}

impl RunningScenario {
    /// Returns once its last fault has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn ended(&self) {
        // Fails where the thread has panicked, and with it all faults have ended.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Stops it. The same as dropping it.
    pub fn stop(self) {}
}

impl Drop for RunningScenario {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and a panic of it has been printed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for RunningScenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if *self.ended.borrow() { "ended" } else { "running" };
        write!(formatter, "RunningScenario({state})")
    }
}

/// What a healthy client has to survive at a server with so many members: all of its faults but those that ZooKeeper does
/// not have, which are wrong answers, and replies that are lost on a connection that goes on. Faults of replies strike any;
/// add others where some replies matter more. Delayed ones are late by half of `longest`.
pub fn server_faults(members: usize, longest: Duration) -> Vec<ServerFaultKind> {
    let any = ReplyFilter::any;
    let mut faults = vec![
        ServerFaultKind::Pause,
        ServerFaultKind::PauseLeader,
        ServerFaultKind::HoldExpiry,
        ServerFaultKind::DelayReply(any(), longest / 2),
        ServerFaultKind::HoldReply(any()),
        ServerFaultKind::CutBeforeReply(any()),
    ];
    for member in 0..members {
        faults.extend([
            ServerFaultKind::Refuse(member),
            ServerFaultKind::AcceptAndClose(member),
            ServerFaultKind::AcceptAndSayNothing(member),
            ServerFaultKind::Isolate(member),
        ]);
    }
    faults
}

/// The same for a proxy: all of its faults but frames that are lost on a connection that goes on.
pub fn proxy_faults(longest: Duration) -> Vec<FaultKind> {
    let any = ReplyFilter::any;
    let mut faults = vec![
        FaultKind::Refuse,
        FaultKind::AcceptAndClose,
        FaultKind::AcceptAndSayNothing,
        FaultKind::HoldReply(any()),
        FaultKind::CutBeforeReply(any()),
    ];
    for direction in [Direction::ToServer, Direction::ToClient, Direction::Both] {
        faults.extend([
            FaultKind::Hold(direction),
            FaultKind::Delay(direction, longest / 2),
            FaultKind::SingleBytes(direction),
        ]);
    }
    faults
}
