//! Runs every example to its end, as a reader would.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect, too")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use zookeeper_testkit::{Ensemble, four_letter};

/// The most that anything may take before the test fails. Nothing passes by taking less.
const LIMIT: Duration = Duration::from_secs(120);

/// One real server for all tests. It ends with the test's process, being tied to it.
async fn server() -> SocketAddr {
    static SERVER: OnceCell<Ensemble> = OnceCell::const_new();
    SERVER.get_or_init(|| async { Ensemble::single().await.unwrap() }).await.server(0).address()
}

/// Where the examples are. Cargo builds them for its own tests, but not for a single one of them (`--test run`).
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--workspace", "--examples", "--target-dir"])
            .arg(profile.parent().unwrap());
        match profile.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => {}
            Some(name) => {
                build.args(["--profile", name]);
            }
        }
        assert!(build.status().unwrap().success(), "the examples do not build");
        profile.join("examples")
    })
}

/// A running example, killed when dropped.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut command = Command::new(folder().join(name));
        let mut child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Running { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that holds this.
    fn expect(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap_or_else(|error| {
                panic!("no {wanted:?} ({error:?}) in:\n{}", self.seen.join("\n"));
            });
            let found = line.contains(wanted);
            self.seen.push(line);
            if found {
                return;
            }
        }
    }

    /// Sends SIGINT and waits for the end.
    fn interrupt(&mut self) -> Option<i32> {
        self.end_by("INT")
    }

    /// Sends this signal and waits for the end.
    fn end_by(&mut self, signal: &str) -> Option<i32> {
        let signal = format!("-{signal}");
        let kill = Command::new("kill").args([&signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        self.exit_code()
    }

    fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end after:\n{}", self.seen.join("\n"));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| mask.trim().ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
}

#[tokio::test]
async fn hello_role_becomes_master_and_leaves() {
    // Under nohup, which whoever runs the tests may use, it is ignored by intent.
    let signals = if is_hangup_ignored() { &["INT", "TERM"][..] } else { &["INT", "TERM", "HUP"] };
    for signal in signals {
        let mut example = Running::start("hello_role", &[&server().await.to_string()]);
        example.expect("master, token ");
        assert_eq!(example.end_by(signal), Some(0), "{signal}");
        example.expect("standby (resigned)");
    }
}

/// A real process with neither actors nor an actix system.
#[tokio::test]
async fn the_tokio_service_works_while_it_is_master() {
    let hosts = server().await.to_string();
    let mut first = Running::start("tokio_service", &[&hosts]);
    first.expect("a step, token ");
    let mut second = Running::start("tokio_service", &[&hosts]);
    assert_eq!(first.interrupt(), Some(0));
    first.expect("stopped, term ");
    first.expect("left");
    assert!(first.lines.iter().all(|line| !line.contains("step")), "it goes on");
    second.expect("a step, token ");
    assert_eq!(second.interrupt(), Some(0));
}

/// The answer to a GET: its status line and its body.
fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Asks until the answer is this.
fn get_until(address: &str, path: &str, wanted: impl Fn(&str, &str) -> bool) -> String {
    let deadline = Instant::now() + LIMIT;
    loop {
        let (status, body) = get(address, path);
        if wanted(&status, &body) {
            return body;
        }
        assert!(Instant::now() < deadline, "{status}: {body}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn the_web_service_answers_while_it_is_master() {
    let hosts = server().await.to_string();
    let start = || {
        let mut service = Running::start("web_service", &["127.0.0.1:0", &hosts]);
        service.expect("listening on ");
        let address = service.seen.last().unwrap().trim_start_matches("listening on ").to_owned();
        (service, address)
    };
    let (mut first, here) = start();
    get_until(&here, "/number", |status, body| status.contains("200") && body.contains("token"));
    let (mut second, there) = start();
    let refused =
        get_until(&there, "/number", |status, body| status.contains("503") && body.contains("ask 1"));
    assert_eq!(refused, format!("ask {here}\n"));
    assert!(get(&there, "/status").1.starts_with("standby, master: "));
    assert_eq!(first.interrupt(), Some(0));
    get_until(&there, "/number", |status, _| status.contains("200"));
    assert!(get(&there, "/status").1.contains("(this process)"));
    assert_eq!(second.interrupt(), Some(0));
}

/// The session that holds this lock.
async fn holder(lock: &str) -> Option<i64> {
    let ephemerals = four_letter::ephemerals(server().await).await.unwrap();
    ephemerals.into_iter().find(|(_, paths)| paths.contains(lock)).map(|(session, _)| session)
}

/// Nothing in it closes the session: the process ends once that is done, and no lock of it is left.
#[tokio::test]
async fn the_actix_web_service_hands_over_when_it_is_stopped() {
    const LOCK: &str = "/actix-web-service";
    let hosts = server().await.to_string();
    let start = || {
        let mut service = Running::start("actix_web_service", &["127.0.0.1:0", &hosts]);
        service.expect("listening on ");
        let address = service.seen.last().unwrap().trim_start_matches("listening on ").to_owned();
        (service, address)
    };
    for signal in ["TERM", "INT"] {
        let (mut first, here) = start();
        get_until(&here, "/number", |status, body| status.contains("200") && body.contains("token"));
        let (mut second, there) = start();
        get_until(&there, "/number", |status, body| status.contains("503") && body.contains(&here));
        let before = holder(LOCK).await;
        assert!(before.is_some());
        assert_eq!(first.end_by(signal), Some(0));
        assert_ne!(holder(LOCK).await, before, "its session is closed before it ends");
        get_until(&there, "/number", |status, _| status.contains("200"));
        assert_eq!(second.end_by(signal), Some(0));
        assert_eq!(holder(LOCK).await, None);
    }
}

#[tokio::test]
async fn multi_node_shows_the_nodes_to_each_other() {
    let hosts = server().await.to_string();
    let mut first = Running::start("multi_node", &[&hosts, "/multi", "first.example:1"]);
    first.expect("first.example:1 is master");
    let mut second = Running::start("multi_node", &[&hosts, "/multi", "second.example:2"]);
    second.expect("second.example:2 is standby (outranked): the master is \"first.example:1\"");
    assert_eq!(first.interrupt(), Some(0));
    second.expect("second.example:2 is master");
    assert_eq!(second.interrupt(), Some(0));
}

#[tokio::test]
async fn the_observer_sees_masters_come_and_go() {
    let hosts = server().await.to_string();
    let mut observer = Running::start("observer", &[&hosts, "/observed"]);
    observer.expect("there is no master");
    let mut node = Running::start("multi_node", &[&hosts, "/observed", "node.example:1"]);
    observer.expect("the master is \"node.example:1\"");
    assert_eq!(node.interrupt(), Some(0));
    observer.expect("there is no master");
    assert_eq!(observer.interrupt(), Some(0));
    observer.expect("the quorum last answered");
}

#[tokio::test]
async fn the_fenced_writer_refuses_the_late_write() {
    let mut example = Running::start("fenced_writer", &["--zookeeper", &server().await.to_string()]);
    example.expect("REFUSED");
    example.expect("the late write of the old master was refused");
    assert_eq!(example.exit_code(), Some(0));
}

/// On the server inside the process, and on a real one.
#[tokio::test]
async fn the_failover_shows_a_takeover_and_a_handover_and_draws_them() {
    let real = server().await.to_string();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("failover.svg");
    for args in [vec![], vec!["--zookeeper", &real, "--svg", picture.to_str().unwrap()]] {
        let mut example = Running::start("failover", &args);
        example.expect("KILLED");
        example.expect("MASTER");
        example.expect("asked to leave in order");
        example.expect("MASTER");
        example.expect("never two at once");
        assert_eq!(example.exit_code(), Some(0));
    }
    let svg = std::fs::read_to_string(picture).unwrap();
    assert_eq!(
        svg.matches(r#"<rect class="master" x="#).count(),
        3 + 1,
        "three masterships and the legend: {svg}"
    );
    assert!(
        svg.contains("kill -9") && svg.contains("takeover after") && svg.contains("handover after"),
        "{svg}"
    );
}

#[test]
fn the_quick_start_needs_no_java() {
    let mut command = Command::new(folder().join("failover"));
    let output = command.env("PATH", "/nonexistent").env("ZOOKEEPER_HOME", "/nonexistent").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
