//! Processes that stand in an election.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::history::PATIENCE;
use crate::{Event, History, What};

/// The `elect` binary, built if it is not up to date.
///
/// # Panics
///
/// If it cannot be built.
pub fn elect() -> &'static Path {
    static ELECT: OnceLock<PathBuf> = OnceLock::new();
    ELECT.get_or_init(|| build("actix-election-cli", "elect"))
}

/// The binary of this package whose role actor misbehaves on command.
///
/// # Panics
///
/// If it cannot be built.
pub fn misbehave() -> &'static Path {
    static MISBEHAVE: OnceLock<PathBuf> = OnceLock::new();
    MISBEHAVE.get_or_init(|| build("election-tests", "misbehave"))
}

/// The binary of this package that is an elector as it should not be.
///
/// # Panics
///
/// If it cannot be built.
pub fn naive() -> &'static Path {
    static NAIVE: OnceLock<PathBuf> = OnceLock::new();
    NAIVE.get_or_init(|| build("election-tests", "naive"))
}

/// Builds a binary of the workspace and says where it is.
fn build(package: &str, binary: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
            "--package",
            package,
            "--bin",
            binary,
        ])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{binary} cannot be built");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == binary)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo says where the binary is")
}

/// A process whose standard output is a history. Killed when dropped.
pub struct Node {
    /// Its name, which is also its id.
    pub name: String,
    /// What it said.
    pub history: Arc<History>,
    child: Child,
    status: Option<ExitStatus>,
}

impl Node {
    /// Starts a process and reads what it says.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(name: &str, command: Command) -> Node {
        Node::start_with(name, command, Arc::default())
    }

    /// As [`start`](Self::start), into a history that is there already.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start_with(name: &str, mut command: Command, history: Arc<History>) -> Node {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the process starts");
        let stdout = child.stdout.take().expect("a pipe");
        let reader = Arc::clone(&history);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                match line {
                    Ok(line) => reader.line(&line),
                    Err(_) => break,
                }
            }
            reader.end();
        });
        Node { name: name.to_owned(), history, child, status: None }
    }

    /// Waits until it says, after `mark`, that it became master. Returns the event, its token and the mark behind.
    pub async fn master(&self, mark: usize) -> (Event, i64, usize) {
        let name = format!("became_master of {}", self.name);
        let wanted = |what: &What| matches!(what, What::BecameMaster { .. });
        let (event, mark) = self.history.wait(mark, &name, wanted).await;
        match event.what {
            What::BecameMaster { token, .. } => (event, token, mark),
            _ => unreachable!(),
        }
    }

    /// Waits until it says, after `mark`, that it became standby for this reason.
    pub async fn standby(&self, mark: usize, reason: &str) -> (Event, usize) {
        let name = format!("became_standby ({reason}) of {}", self.name);
        let wanted = |what: &What| matches!(what, What::BecameStandby { reason: r, .. } if r == reason);
        self.history.wait(mark, &name, wanted).await
    }

    /// Waits until it says, after `mark`, that its session is in this state.
    pub async fn session(&self, mark: usize, state: &str) -> (Event, usize) {
        let name = format!("session {state} of {}", self.name);
        self.history.wait(mark, &name, |what| matches!(what, What::Session { state: s } if s == state)).await
    }

    /// Waits for an `error` after `mark` that contains this text.
    pub async fn error(&self, mark: usize, text: &str) -> (Event, usize) {
        let name = format!("error ({text}) of {}", self.name);
        self.history
            .wait(mark, &name, |what| matches!(what, What::Error { message } if message.contains(text)))
            .await
    }

    /// Waits for the next `holding` after `mark`.
    pub async fn holding(&self, mark: usize) -> (Event, usize) {
        let name = format!("holding of {}", self.name);
        self.history.wait(mark, &name, |what| matches!(what, What::Holding { .. })).await
    }

    /// What it was told after `mark`: every `became_*`.
    pub fn told(&self, mark: usize) -> Vec<Event> {
        let mut events = self.history.events().split_off(mark);
        events.retain(|event| matches!(event.what, What::BecameMaster { .. } | What::BecameStandby { .. }));
        events
    }

    /// Says something to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("it listens");
    }

    /// Says something to its standard input, and waits for the answer.
    pub async fn ask(&mut self, question: &str) -> serde_json::Value {
        let mark = self.history.mark();
        self.say(question);
        let name = format!("answer to {question:?} of {}", self.name);
        let wanted = |what: &What| matches!(what, What::Answer { to, .. } if to == question);
        match self.history.wait(mark, &name, wanted).await.0.what {
            What::Answer { answer, .. } => answer,
            _ => unreachable!(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.status = self.child.wait().ok();
    }

    /// SIGTERM; does not wait.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if self.status.is_none()
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            kill_process(pid, signal).expect("the process is ours");
        }
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// If it has not in 90 s.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.status.or_else(|| self.child.try_wait().ok().flatten()) {
                self.status = Some(status);
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} does not end\n{:?}", self.name, self.history);
            // The only way to ask about a process without a thread for each.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGTERM, and it must end well.
    pub async fn stop(&mut self) {
        self.terminate();
        let status = self.ended().await;
        assert!(status.success(), "{} ended with {status}\n{:?}", self.name, self.history);
    }

    /// Whether it is known to have ended.
    pub fn has_ended(&self) -> bool {
        self.status.is_some()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
