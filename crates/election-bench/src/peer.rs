//! The harness's end of a subject: starts its process and tells it what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Outcome;

/// Debian's jars; each names in its manifest what it depends on.
const CURATOR: &str = "/usr/share/java/curator-recipes.jar:/usr/share/java/slf4j-nop.jar";
/// Where `cargo xtask` puts kazoo below the target folder.
const KAZOO: &str = "tmp/kazoo-2.11.0";
/// Far beyond what anything takes that is measured.
const PATIENCE: Duration = Duration::from_secs(600);

/// Whose elections are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Queue,
    Lock,
    QueueFloor,
    LockFloor,
    Curator,
    Kazoo,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] =
        [Kind::Queue, Kind::QueueFloor, Kind::Lock, Kind::LockFloor, Kind::Curator, Kind::Kazoo];

    /// As the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Queue => "`Queue`",
            Kind::Lock => "`Lock`",
            Kind::QueueFloor => "floor of `Queue`",
            Kind::LockFloor => "floor of `Lock`",
            Kind::Curator => "Curator LeaderLatch",
            Kind::Kazoo => "kazoo Election",
        }
    }

    /// The word for a subject of this program.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Queue => "queue",
            Kind::Lock => "lock",
            Kind::QueueFloor => "queue-floor",
            Kind::LockFloor => "lock-floor",
            Kind::Curator => "curator",
            Kind::Kazoo => "kazoo",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Kind::Queue | Kind::Lock)
    }

    fn command(self) -> Outcome<Command> {
        let mut command = match self {
            Kind::Curator => {
                let mut command = Command::new("java");
                let classes = compiled()?;
                command.args(["-cp", &format!("{}:{CURATOR}", classes.display()), "Peer"]);
                command
            }
            Kind::Kazoo => {
                let folder = target()?.join(KAZOO);
                let mut command = Command::new(python(&folder)?);
                command.env("PYTHONPATH", folder).args(["-c", include_str!("../peers/peer.py")]);
                command
            }
            _ => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["subject", self.word()]);
                command
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(command)
    }
}

/// The target folder: this program lies in a profile's folder of it.
pub(crate) fn target() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().and_then(Path::parent).ok_or("this program lies in no target folder")?.to_owned())
}

/// Compiles the subject for Curator, once a run; the compiler would otherwise be counted with it.
fn compiled() -> Outcome<PathBuf> {
    let classes = target()?.join("bench").join("classes");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/Peer.java");
    let class = classes.join("Peer.class");
    let age = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if age(&class) <= age(&source) {
        let mut compiler = Command::new("javac");
        compiler.args(["-nowarn", "-cp", CURATOR, "-d"]).arg(&classes).arg(&source);
        let status =
            compiler.status().map_err(|error| format!("javac: {error}; `cargo xtask bench` installs it"))?;
        if !status.success() {
            return Err(format!("javac failed: {status}").into());
        }
    }
    Ok(classes)
}

/// The first Python that runs kazoo: the first on the path need not be the one that it was installed with.
fn python(kazoo: &Path) -> Outcome<&'static str> {
    let runs = |python: &&str| {
        let mut command = Command::new(python);
        command.env("PYTHONPATH", kazoo).args(["-c", "import kazoo.client"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(runs);
    found.ok_or_else(|| {
        format!("no python3 runs kazoo from {}; `cargo xtask bench` installs it", kazoo.display()).into()
    })
}

/// A running subject; killed when dropped.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    child: Child,
    input: ChildStdin,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    pub(crate) async fn start(kind: Kind) -> Outcome<Self> {
        let mut child = kind.command()?.spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = child.stdout.take().ok_or("no output")?;
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Peer { kind, child, input, lines };
        peer.answer("to start").await?;
        Ok(peer)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn session(&mut self, session: u32, connect: &str, timeout: Duration) -> Outcome<()> {
        self.ask(&format!("session {session} {connect} {}", timeout.as_millis())).await.map(drop)
    }

    /// Returns the time before the first.
    pub(crate) async fn campaign(&mut self, session: u32, path: &str, count: usize) -> Outcome<u64> {
        self.time(&format!("campaign {session} {path} {count}")).await
    }

    /// Returns when the last of them became master.
    pub(crate) async fn masters(&mut self, session: u32, count: usize) -> Outcome<u64> {
        self.time(&format!("masters {session} {count}")).await
    }

    /// Returns when the last of them was told; only ours know.
    pub(crate) async fn told(&mut self, session: u32, count: usize) -> Outcome<u64> {
        self.time(&format!("told {session} {count}")).await
    }

    /// When a session became master after this time, and which.
    pub(crate) async fn next(&mut self, after: u64) -> Outcome<(u64, u32)> {
        let answer = self.ask(&format!("next {after}")).await?;
        let (at, session) = answer.split_once(' ').ok_or("a time and a session")?;
        Ok((at.parse()?, session.parse()?))
    }

    pub(crate) async fn standing(&mut self, session: u32) -> Outcome<()> {
        self.ask(&format!("standing {session}")).await.map(drop)
    }

    /// Returns the time before.
    pub(crate) async fn resign(&mut self, session: u32) -> Outcome<u64> {
        self.time(&format!("resign {session}")).await
    }

    /// Returns the time before.
    pub(crate) async fn close(&mut self, session: u32) -> Outcome<u64> {
        self.time(&format!("close {session}")).await
    }

    /// What the first candidate heard: whether it became master, and when.
    pub(crate) async fn log(&mut self, session: u32) -> Outcome<Vec<(bool, u64)>> {
        let answer = self.ask(&format!("log {session}")).await?;
        let entry = |word: &str| Ok((word.starts_with('+'), word[1..].parse()?));
        answer.split(' ').filter(|word| !word.is_empty()).map(entry).collect()
    }

    /// The KiB in use after the garbage is collected; only Curator's subject knows.
    pub(crate) async fn live(&mut self) -> Outcome<u64> {
        self.time("live").await
    }

    async fn time(&mut self, command: &str) -> Outcome<u64> {
        Ok(self.ask(command).await?.parse()?)
    }

    async fn ask(&mut self, command: &str) -> Outcome<String> {
        writeln!(self.input, "{command}")?;
        self.input.flush()?;
        self.answer(command).await
    }

    async fn answer(&mut self, command: &str) -> Outcome<String> {
        let name = self.kind.name();
        match timeout(PATIENCE, self.lines.recv()).await {
            Ok(Some(line)) => match line.strip_prefix("ok") {
                Some(answer) => Ok(answer.trim().to_owned()),
                None => Err(format!("{name} says {line:?} to {command:?}").into()),
            },
            Ok(None) => Err(format!("{name} ended at {command:?}").into()),
            Err(_) => Err(format!("{name} does not come to {command:?} in {PATIENCE:?}").into()),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only for a process that has been reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
