//! What is read of processes and servers.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zookeeper_testkit::{Ensemble, EnsembleBuilder, four_letter};

use crate::Outcome;

/// Between two looks at what servers count.
const LOOK: Duration = Duration::from_millis(5);
/// Far beyond what anything takes that is measured.
const PATIENCE: Duration = Duration::from_secs(600);

/// Three servers, as for all subjects alike.
pub(crate) fn servers() -> EnsembleBuilder {
    Ensemble::builder().servers(3).max_session_timeout(Duration::from_secs(120)).force_sync(false)
}

/// Memory that a process occupies, in MiB.
pub(crate) fn resident(process: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}

/// The time that the threads of a process which live now have spent on a processor.
pub(crate) fn processor_time(process: u32) -> Outcome<Duration> {
    let mut total = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // One that has just ended is not counted.
        let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
        total += Duration::from_nanos(nanos.ok_or("schedstat has no number")?);
    }
    Ok(total)
}

/// The processor time of all servers.
pub(crate) fn servers_time(ensemble: &Ensemble) -> Outcome<Duration> {
    let processes = ensemble.servers().iter().filter_map(|server| server.process_id());
    processes.map(processor_time).sum()
}

/// What all servers have counted so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Packets that clients sent: requests, pings, connects and questions such as this one.
    pub(crate) received: f64,
    /// Packets sent to clients: replies and events.
    pub(crate) sent: f64,
    /// Events of watches that fired because a znode was deleted.
    pub(crate) deletions_told: f64,
}

impl Counters {
    pub(crate) async fn read(ensemble: &Ensemble) -> Outcome<Self> {
        let mut counters = Counters::default();
        for server in ensemble.servers() {
            let answer = four_letter::monitor(server.address()).await?;
            let number =
                |name: &str| answer.get(name).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            counters.received += number("zk_packets_received");
            counters.sent += number("zk_packets_sent");
            counters.deletions_told += number("zk_sum_node_deleted_watch_count");
        }
        Ok(counters)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Counters {
            received: self.received - before.received,
            sent: self.sent - before.sent,
            deletions_told: self.deletions_told - before.deletions_told,
        }
    }
}

/// How many watches all servers hold.
pub(crate) async fn watches(ensemble: &Ensemble) -> Outcome<usize> {
    let mut total = 0;
    for server in ensemble.servers() {
        total += four_letter::watch_count(server.address()).await?;
    }
    Ok(total)
}

/// Waits until the servers hold so many watches; returns when that was seen.
pub(crate) async fn wait_for_watches(ensemble: &Ensemble, wanted: usize) -> Outcome<u64> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let found = watches(ensemble).await?;
        if found >= wanted {
            return Ok(crate::subject::now());
        }
        if Instant::now() > give_up {
            return Err(format!("{found} watches after {PATIENCE:?}, where {wanted} were to be").into());
        }
        sleep(LOOK).await;
    }
}
