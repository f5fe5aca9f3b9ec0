//! Candidates that are Curator's: Java processes with a `LeaderLatch` each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use election_tests::{Event, Node, PATH};
use rustix::time::{ClockId, Timespec, clock_gettime};
use zookeeper_testkit::wire::expire_session;

use crate::classpath::{REMEDY, classpath};

/// How a latch is started.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) zookeeper: String,
    pub(crate) timeout: Duration,
    /// Curator's word for a chroot.
    pub(crate) namespace: Option<String>,
    /// What is created is for these alone.
    pub(crate) credentials: Option<String>,
}

impl Options {
    pub(crate) fn new(zookeeper: String, timeout: Duration) -> Self {
        Options { zookeeper, timeout, namespace: None, credentials: None }
    }

    /// The command of a candidate for [`PATH`].
    pub(crate) fn latch(&self, name: &str) -> Command {
        let or_none = |option: &Option<String>| option.clone().unwrap_or_else(|| "-".to_owned());
        let mut command = Command::new("java");
        command
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-cp"])
            .arg(format!("{}:{}", classes().display(), classpath()))
            .args(["Latch", &self.zookeeper, PATH, &id(name)])
            .args([self.timeout.as_millis().to_string(), clock_offset().to_string()])
            .args([or_none(&self.namespace), or_none(&self.credentials)]);
        command
    }
}

/// What a candidate says of itself, Curator's and ours alike.
pub(crate) fn id(name: &str) -> String {
    format!("{name}:1")
}

/// From Java's clock to ours, in nanoseconds: the time that this machine was asleep.
fn clock_offset() -> i128 {
    let nanos = |time: Timespec| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    nanos(clock_gettime(ClockId::Boottime)) - nanos(clock_gettime(ClockId::Monotonic))
}

/// Where the compiled program is.
fn classes() -> &'static Path {
    static CLASSES: OnceLock<PathBuf> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latch");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/curator/Latch.java");
        let mut compiler = Command::new("java");
        // Where only `java` is on the path, its compiler is there all the same.
        compiler.args(["-m", "jdk.compiler/com.sun.tools.javac.Main", "-cp", &classpath(), "-d"]);
        let output = compiler.arg(&folder).arg(source).output();
        let output = output.unwrap_or_else(|error| panic!("{compiler:?}: {error}. {REMEDY}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{compiler:?}: {}. {REMEDY}\n{said}", output.status);
        folder
    })
}

/// It no longer leads, or has said so since `mark`.
pub(crate) async fn not_leader(latch: &Node, mark: usize) -> (Event, usize) {
    latch.standby(mark, "not_leader").await
}

/// It leaves the queue.
pub(crate) async fn close(latch: &mut Node) {
    latch.ask("close").await;
}

/// It stands in the queue again, at the end.
pub(crate) async fn stand(latch: &mut Node) {
    latch.ask("stand").await;
}

/// It ends in order.
pub(crate) async fn quit(latch: &mut Node) {
    latch.say("quit");
    let status = latch.ended().await;
    assert!(status.success(), "{} ended with {status}\n{:?}", latch.name, latch.history);
}

/// What `getParticipants` shows it: the ids in the order of the queue, the leader's first.
pub(crate) async fn participants(latch: &mut Node) -> Vec<String> {
    let shown: Vec<(String, bool)> = serde_json::from_value(latch.ask("participants").await).unwrap();
    for (place, (_, leads)) in shown.iter().enumerate() {
        assert_eq!(*leads, place == 0, "{shown:?}");
    }
    shown.into_iter().map(|(id, _)| id).collect()
}

/// Its session is ended from outside.
pub(crate) async fn expire(latch: &mut Node, server: std::net::SocketAddr) {
    let (id, password): (i64, String) = serde_json::from_value(latch.ask("session").await).unwrap();
    let byte = |at: usize| u8::from_str_radix(&password[at..at + 2], 16).unwrap();
    let password: Vec<u8> = (0..password.len()).step_by(2).map(byte).collect();
    expire_session(server, id, &password).await.unwrap();
}
