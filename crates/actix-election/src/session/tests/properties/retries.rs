//! Retries: how often, and at what cost. In a process of its own, where nothing else takes time or has threads.

use std::fs;
use std::process::Command as Process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::fake::{FakeConnection, FakeServer};
use super::super::*;

/// How a server can be of no use.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Accepts and closes.
    Closes,
    /// Closes when it has heard what is wanted, as a server without a quorum does.
    ClosesOnHandshake,
    /// Attaches the session, and closes.
    ClosesOnceAttached,
    /// Says at once that the session that it granted is over.
    Expires,
}

impl Manner {
    async fn treat(self, mut connection: FakeConnection) {
        match self {
            Manner::Closes => {}
            Manner::ClosesOnHandshake => drop(connection.handshake().await),
            Manner::ClosesOnceAttached => {
                connection.handshake().await;
                connection.grant(77, seconds(10.0)).await;
            }
            Manner::Expires => {
                let known = connection.handshake().await.session_id != 0;
                connection.grant(77, if known { Duration::ZERO } else { seconds(10.0) }).await;
            }
        }
    }
}

/// The processor time of this process's session thread so far; `None` if there is no such thread.
fn thread_time() -> Option<Duration> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let named = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "zk-session")
    };
    let task = tasks.flatten().find(named)?;
    let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
    times.split_whitespace().next()?.parse().map(Duration::from_nanos).ok()
}

/// Runs the test of this name again, in a process of its own, and says whether this is that process.
fn alone(test: &str) -> bool {
    const ALONE: &str = "ACTIX_ELECTION_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let mut process = Process::new(std::env::current_exe().unwrap());
    let output = process.args(["--exact", &name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

#[tokio::test]
async fn retries_are_paced_and_burn_nothing() {
    if !alone("retries_are_paced_and_burn_nothing") {
        return;
    }
    for manner in [Manner::Closes, Manner::ClosesOnHandshake, Manner::ClosesOnceAttached, Manner::Expires] {
        let server = FakeServer::start().await;
        let mut rig = Rig::start(&server.address().to_string(), seconds(10.0));
        let count = Arc::new(AtomicU32::new(0));
        let mut last = Instant::now();
        let mut gaps = Vec::new();
        // The pauses grow from 20 ms at least to 250 ms at least: together 1.3 s for these.
        for _ in 0..9 {
            let connection = server.accept().await;
            gaps.push(last.elapsed());
            last = Instant::now();
            count.fetch_add(1, Ordering::Relaxed);
            manner.treat(connection).await;
        }
        let waited: Duration = gaps.iter().sum();
        // A session that is over is followed by another at once, so those attempts come in pairs.
        let least = if matches!(manner, Manner::Expires) { seconds(0.25) } else { seconds(1.0) };
        assert!(waited >= least, "{manner:?}: {gaps:?}");
        assert!(gaps.iter().all(|gap| *gap < seconds(5.0)), "{manner:?}: a ceiling, {gaps:?}");
        let burnt = thread_time().expect("a session thread");
        assert!(burnt < waited / 4, "{manner:?}: {burnt:?} of processor time in {waited:?}");
        rig.commands = mpsc::unbounded_channel().0;
        drop(server);
        rig.ended().await;
        // The channel closes just before the thread ends.
        let gone = async {
            while thread_time().is_some() {
                tokio::task::yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, gone).await.expect("the thread is gone");
    }
}
