//! How a candidate ends, whatever is in the way.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;

use crate::harness::{Running, client, elect, nowhere, one_line, path, server};

/// How long the end may take.
const PROMISED: Duration = Duration::from_secs(5);
/// What the machine may stall for meanwhile: of the 5 s, some 2 are taken.
const TOLERATED: Duration = Duration::from_millis(100);

#[tokio::test]
async fn with_no_server_sigterm_ends_it_in_time() {
    when_the_machine_runs(TOLERATED, async |_| {
        let args = ["campaign", "/m", "--json", "--zookeeper", &nowhere()];
        let mut candidate = Running::start(&mut elect(&args));
        candidate.session("connecting");
        candidate.event("error");
        let began = Instant::now();
        assert_eq!(candidate.terminate(), Some(0));
        assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
        assert!(candidate.remaining().last().unwrap().contains("closed"));
    })
    .await;
}

/// A master with a session timeout of 10 s, whose server is behind this proxy.
fn master_behind(proxy: &FaultProxy, name: &str) -> Running {
    let zookeeper = proxy.address().to_string();
    let (path, timeout) = (path(name), ["--session-timeout", "10s"]);
    let mut master =
        Running::start(elect(&["campaign", &path, "--json", "--zookeeper", &zookeeper]).args(timeout));
    master.event("became_master");
    master
}

#[tokio::test]
async fn a_master_whose_server_is_silent_ends_in_time() {
    when_the_machine_runs(TOLERATED, async |_| {
        let proxy = FaultProxy::start(server().await).unwrap();
        let mut candidate = master_behind(&proxy, "silent");
        let _silence = proxy.hold(Direction::Both);
        let began = Instant::now();
        assert_eq!(candidate.terminate(), Some(0));
        assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
        assert_eq!(candidate.event("became_standby")["reason"], "resigned");
    })
    .await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let proxy = FaultProxy::start(server().await).unwrap();
    let mut candidate = master_behind(&proxy, "second");
    // The end in order takes its 2 s; the signals come at the same moment, however slow this machine is.
    let _silence = proxy.hold(Direction::Both);
    for signal in ["STOP", "TERM", "INT", "CONT"] {
        candidate.signal(signal);
    }
    assert_eq!(candidate.wait().code(), Some(130));
}

#[tokio::test]
async fn a_reader_that_goes_makes_it_resign_in_order() {
    let path = path("gone");
    let server = server().await.to_string();
    let args = ["campaign", &path, "--json", "--holding", "5ms", "--zookeeper", &server];
    let mut child = elect(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("became_master") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended early");
    }
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot write to standard output") && !errors.contains("panicked"), "{errors}");
    assert_eq!(client().await.exists(&path).await.unwrap(), None, "the lock is released");
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_nothing_up() {
    when_the_machine_runs(TOLERATED, async |_| {
        let path = path("deaf");
        let server = server().await.to_string();
        // Thousands of lines a second: the pipe is soon full.
        let args = ["campaign", &path, "--json", "--holding", "1ms", "--zookeeper", &server];
        let mut child = elect(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        // The thread that prints then hangs in write(2), which is 1 on x86-64 and 64 on other machines. It passes there
        // in between, too; but a pipe that is not full yet is only a weaker test.
        let hangs = || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
            tasks.flatten().any(|task| {
                let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
                let call = read("syscall");
                read("comm").trim() == "stdout" && (call.starts_with("1 ") || call.starts_with("64 "))
            })
        };
        let deadline = Instant::now() + crate::harness::LIMIT;
        while !hangs() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let began = Instant::now();
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
        assert_eq!(client().await.exists(&path).await.unwrap(), None, "the lock is released");
        drop(stdout);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_a_failure() {
    let server = server().await.to_string();
    let mut child = elect(&["status", &path("untaken"), "--zookeeper", &server])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(one_line(&output).contains("cannot write to standard output"));
}
