//! Pipes that nobody reads, and the end all the same.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;

use crate::harness::{LIMIT, Running, client, elect, path, server};

/// How long the end may take.
const PROMISED: Duration = Duration::from_secs(5);

/// A pipe that is full. Nobody reads the other end, but it has to be kept.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let room = rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
    writer.write_all(&vec![b'.'; room]).unwrap();
    (reader, writer)
}

/// Waits for the end, and returns the exit code; one that does not end is killed, and has none.
async fn end(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() >= deadline {
            child.kill().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_master_whose_log_nobody_reads_steps_down_and_ends_in_time() {
    when_the_machine_runs(Duration::from_millis(40), async |_| {
        let proxy = FaultProxy::start(server().await).unwrap();
        let path = path("unread");
        let address = proxy.address().to_string();
        for setting in ["trace", "warn"] {
            let (_unread, log) = full();
            let args = ["campaign", &path, "--json", "--session-timeout", "2s", "--zookeeper", &address];
            let mut candidate = Running::start_as_is(elect(&args).env("RUST_LOG", setting).stderr(log));
            candidate.event("became_master");
            let silence = proxy.hold(Direction::Both);
            // By its reason, in time.
            assert_eq!(candidate.event("became_standby")["reason"], "lease_ending", "{setting}");
            let began = Instant::now();
            assert_eq!(candidate.terminate(), Some(0), "{setting}");
            assert!(began.elapsed() < PROMISED, "{setting}: {:?}", began.elapsed());
            silence.end();
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_even_if_nobody_reads_anything() {
    let path = path("nothing-read");
    let server = server().await.to_string();
    let (_events, stdout) = full();
    let (_logs, stderr) = full();
    let args = ["campaign", &path, "--json", "--zookeeper", &server];
    let mut child = elect(&args).env("RUST_LOG", "trace").stdout(stdout).stderr(stderr).spawn().unwrap();
    // It cannot say that it is master; its lock shows it.
    let mut client = client().await;
    let deadline = Instant::now() + LIMIT;
    while client.exists(&path).await.unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not compete");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for signal in ["STOP", "TERM", "INT", "CONT"] {
        let args = [format!("-{signal}"), child.id().to_string()];
        assert!(Command::new("kill").args(args).status().unwrap().success());
    }
    assert_eq!(end(&mut child).await, Some(130));
}

/// The reason of its end cannot be told either.
#[tokio::test]
async fn a_failure_that_nobody_hears_of_is_an_end_all_the_same() {
    let path = path("deaf-failure");
    let server = server().await.to_string();
    let (_logs, stderr) = full();
    let args = ["campaign", &path, "--json", "--holding", "5ms", "--zookeeper", &server];
    let (events, stdout) = std::io::pipe().unwrap();
    let mut child = elect(&args).stdout(stdout).stderr(stderr).spawn().unwrap();
    drop(events);
    assert_eq!(end(&mut child).await, Some(1));
    assert_eq!(client().await.exists(&path).await.unwrap(), None, "the lock is released");
}

/// Logs that could not be written at first come once they can.
#[tokio::test]
async fn logs_come_once_somebody_reads_them() {
    let path = path("late-reader");
    let server = server().await.to_string();
    let (mut logs, stderr) = full();
    let args = ["campaign", &path, "--json", "--zookeeper", &server];
    let mut candidate = Running::start_as_is(elect(&args).env("RUST_LOG", "info").stderr(stderr));
    candidate.event("became_master");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        logs.read_to_string(&mut text).unwrap();
        text
    });
    assert_eq!(candidate.terminate(), Some(0));
    let text = reading.join().unwrap();
    for word in ["session connected", "became master", "became standby", "session closed"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("dropped"));
}
