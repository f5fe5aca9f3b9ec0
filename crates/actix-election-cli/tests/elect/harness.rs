//! Starts `elect` and a server for it, and waits for what is printed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::OnceCell;
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::wire::RawClient;

/// The most that anything may take before the test fails. Nothing passes by taking less.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// One real server for all tests. It ends with the test's process, being tied to it.
pub(crate) async fn server() -> SocketAddr {
    static SERVER: OnceCell<Ensemble> = OnceCell::const_new();
    SERVER.get_or_init(|| async { Ensemble::single().await.unwrap() }).await.server(0).address()
}

/// A client of the test's own.
pub(crate) async fn client() -> RawClient {
    RawClient::connect(server().await, Duration::from_secs(10), None).await.unwrap()
}

/// An election of this test's own.
pub(crate) fn path(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An address where nobody listens.
pub(crate) fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The command, with nothing of the test's own environment.
pub(crate) fn elect(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elect"));
    command.args(args).stdin(Stdio::null());
    for name in ["ELECT_ZOOKEEPER", "ELECT_AUTH", "RUST_LOG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Runs the command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    let mut running = Running::start(command);
    let status = running.wait();
    let lines: String = running.remaining().iter().map(|line| format!("{line}\n")).collect();
    Output { status, stdout: lines.into_bytes(), stderr: running.errors().into_bytes() }
}

/// What a finished command said on standard error, which must be one line.
pub(crate) fn one_line(output: &Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(errors.matches('\n').count(), 1, "not one line: {errors}");
    assert!(errors.ends_with('\n') && errors.starts_with("elect: "), "{errors}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    errors
}

/// A running command, killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts the command and reads whatever it prints.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_as_is(command.stderr(Stdio::piped()))
    }

    /// The same, but standard error is what the command has.
    pub(crate) fn start_as_is(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let (sender, errors) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || {
                let mut stderr = BufReader::new(stderr);
                let mut line = String::new();
                while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let _ = sender.send(std::mem::take(&mut line));
                }
            });
        }
        Running { child, lines, errors, seen: Vec::new() }
    }

    /// A candidate on the server of these tests, with a session timeout of 2 s, that prints JSON.
    pub(crate) async fn campaign(path: &str, args: &[&str]) -> Self {
        let server = server().await.to_string();
        let base = ["--zookeeper", &server, "campaign", path, "--json", "--session-timeout", "2s"];
        Self::start(elect(&base).args(args))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line, whatever it is.
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(LIMIT).unwrap_or_else(|error| {
            panic!("no further line ({error:?}) after:\n{}", self.seen.join("\n"));
        });
        self.seen.push(line.clone());
        line
    }

    /// The next line, if one comes before the end.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let line = match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("neither a line nor the end after:\n{}", self.seen.join("\n"))
            }
        };
        self.seen.push(line.clone());
        Some(line)
    }

    /// The next event with this name; others are passed over.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.event_where(|event| event["event"] == name)
    }

    /// The next event of which this holds; others are passed over.
    pub(crate) fn event_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.line()).unwrap();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Waits for the session to be in this state.
    pub(crate) fn session(&mut self, state: &str) {
        self.event_where(|event| event["event"] == "session" && event["state"] == state);
    }

    /// The lines that are left; the command has ended, or is about to.
    pub(crate) fn remaining(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let deadline = Instant::now() + LIMIT;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            lines.push(line);
        }
        lines
    }

    /// The events that are left.
    pub(crate) fn remaining_events(&mut self) -> Vec<Value> {
        self.remaining().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it said on standard error; it has ended.
    pub(crate) fn errors(&mut self) -> String {
        self.errors.iter().collect()
    }

    /// The next line on standard error.
    pub(crate) fn error_line(&mut self) -> String {
        self.errors.recv_timeout(LIMIT).expect("a line on standard error")
    }

    /// Sends a signal: TERM, INT, KILL, STOP, CONT.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it has a handler for SIGTERM.
    pub(crate) fn signals_are_caught(&self) {
        let caught = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            mask.is_some_and(|mask| mask & (1 << 14) != 0)
        };
        let deadline = Instant::now() + LIMIT;
        while !caught() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; it printed:\n{}", self.seen.join("\n"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of text without the time before it, which has to be one.
pub(crate) fn untimed(line: &str) -> String {
    let (time, text) = line.split_once(' ').expect("a time and what happened");
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{line}");
    text.to_owned()
}

/// The keys of an object, in the order in which they stand in the line.
pub(crate) fn keys(line: &str) -> Vec<String> {
    let object: Value = serde_json::from_str(line).unwrap();
    let mut keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
    keys.sort_by_key(|key| line.find(&format!("\"{key}\":")).unwrap());
    keys
}
