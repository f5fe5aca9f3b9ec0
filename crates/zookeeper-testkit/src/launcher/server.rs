//! One server of an ensemble.

use std::fmt;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::LaunchError;
use super::builder::EnsembleBuilder;
use super::config::{Ports, Settings, server_id, zoo_cfg};
use super::distribution::Distribution;
use super::error::log_tail;
use super::log::{LogStop, Valve};
use super::process::Process;
use crate::driver;
use crate::four_letter::{FourLetterError, Mode, ask_mode};
use crate::ports::loopback;

/// Between two questions to a server that does not serve yet.
pub(super) const PAUSE: Duration = Duration::from_millis(25);

/// How long a server that is starting has for an answer.
const ONE_QUESTION: Duration = Duration::from_secs(1);
/// How long a server may take to end in order.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
const MAIN_CLASS: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
/// A JVM that starts fast and stays small.
const JVM_FLAGS: [&str; 7] = [
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
    "-Djava.awt.headless=true",
];
/// Logs to standard error, which is a file; and not every four-letter word.
const LOG_FLAGS: [&str; 5] = [
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showShortLogName=true",
    "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=warn",
    "-Dzookeeper.root.logger=INFO,CONSOLE",
];

/// One server of an [`Ensemble`](super::Ensemble). Clones are the same server.
///
/// Everything that waits does so at most for the ensemble's [`deadline`](super::EnsembleBuilder::deadline), and is cancel
/// safe: if dropped, the server is left as it is at that moment.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    index: usize,
    folder: PathBuf,
    members: Vec<Ports>,
    distribution: Distribution,
    deadline: Duration,
    /// What its log passes through, if it can be stopped.
    valve: Option<Arc<Valve>>,
    state: Mutex<State>,
}

struct State {
    settings: Settings,
    process: Option<Process>,
    /// Set for ever when the ensemble is dropped, so that nothing is started after it.
    closed: bool,
}

impl Server {
    pub(super) fn new(
        index: usize,
        folder: PathBuf,
        members: Vec<Ports>,
        distribution: Distribution,
        builder: &EnsembleBuilder,
    ) -> Self {
        let state = State { settings: builder.settings.clone(), process: None, closed: false };
        Self(Arc::new(Shared {
            index,
            folder,
            members,
            distribution,
            deadline: builder.deadline,
            valve: builder.stoppable_log.then(Arc::default),
            state: Mutex::new(state),
        }))
    }

    /// Its place in the ensemble, from 0.
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// Where clients reach it. The same after every restart.
    pub fn address(&self) -> SocketAddr {
        loopback(self.0.members[self.0.index].client)
    }

    /// Its log, with those of earlier runs before it.
    pub fn log(&self) -> PathBuf {
        self.0.folder.join("server.log")
    }

    /// Stops its log at the next line that contains `text`, until the returned value is dropped. Whatever part of the
    /// server logs more than a few lines from there on waits, and the others go on.
    ///
    /// A server has one log for all its parts: see to it, by the levels of its loggers, that nothing logs that is not meant
    /// to wait.
    ///
    /// # Panics
    ///
    /// If the ensemble was not built with a [`stoppable_log`](super::EnsembleBuilder::stoppable_log).
    pub fn stop_log_at(&self, text: impl Into<String>) -> LogStop {
        match &self.0.valve {
            Some(valve) => valve.stop_at(text.into()),
            None => {
                panic!("only the log of an ensemble that was built with a `stoppable_log` can be stopped")
            }
        }
    }

    /// The number of its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.is_running().then(|| self.state().process.as_ref().map(Process::id)).flatten()
    }

    /// Whether its process is there, paused or not.
    pub fn is_running(&self) -> bool {
        self.state().process.as_mut().is_some_and(|process| process.exited().is_none())
    }

    /// Whether it stands still between [`pause`](Self::pause) and [`resume`](Self::resume).
    pub fn is_paused(&self) -> bool {
        self.state().process.as_ref().is_some_and(Process::is_paused)
    }

    /// The part it plays.
    ///
    /// # Errors
    ///
    /// As [`mode`](crate::four_letter::mode): it does not serve, or does not run.
    pub async fn mode(&self) -> Result<Mode, FourLetterError> {
        crate::four_letter::mode(self.address()).await
    }

    /// Whether it leads its ensemble at this moment; false where it does not answer. A server that stands alone leads.
    pub async fn is_leader(&self) -> bool {
        matches!(self.mode().await, Ok(Mode::Leader | Mode::Standalone))
    }

    /// SIGKILL: it ends at once, and its clients' connections with it. Its data stays. Returns once it is reaped.
    pub fn kill(&self) {
        self.state().process = None;
    }

    /// SIGSTOP: it stands still with all its connections open, and the kernel still takes new ones for it. Returns once
    /// all its threads stand.
    pub fn pause(&self) {
        if let Some(process) = self.state().process.as_mut() {
            process.pause();
        }
    }

    /// SIGCONT: it goes on from where it stood.
    pub fn resume(&self) {
        if let Some(process) = self.state().process.as_mut() {
            process.resume();
        }
    }

    /// SIGTERM, and SIGKILL where it has not ended in 5 s.
    pub async fn stop(&self) -> Result<(), LaunchError> {
        self.on_driver(|server| async move {
            if let Some(process) = server.state().process.as_mut() {
                process.terminate();
            }
            let deadline = Instant::now() + STOP_DEADLINE;
            while server.is_running() && Instant::now() < deadline {
                sleep(PAUSE).await;
            }
            server.kill();
            Ok(())
        })
        .await
    }

    /// Starts it with the data it has, and returns once it serves; that takes a quorum. Does nothing but wait where it
    /// runs already.
    pub async fn start(&self) -> Result<(), LaunchError> {
        self.on_driver(|server| async move {
            server.spawn()?;
            server.wait_serving().await
        })
        .await
    }

    /// Starts it with the data it has, and does not wait. For servers that cannot serve yet, as when the first two of a
    /// dead ensemble come back.
    pub async fn launch(&self) -> Result<(), LaunchError> {
        self.on_driver(|server| async move { server.spawn() }).await
    }

    /// Kills it and starts it again with the data it has; returns once it serves.
    pub async fn restart(&self) -> Result<(), LaunchError> {
        self.kill();
        self.start().await
    }

    /// Kills it, deletes its data and starts it again; returns once it serves. In an ensemble it learns everything anew
    /// from the others.
    pub async fn restart_wiped(&self) -> Result<(), LaunchError> {
        self.kill();
        self.wipe()?;
        self.start().await
    }

    /// Changes a line of its `zoo.cfg`, from its next start on.
    pub fn set(&self, name: impl Into<String>, value: impl ToString) {
        self.state().settings.insert(name.into(), value.to_string());
    }

    /// Returns once it serves.
    pub async fn wait_for_service(&self) -> Result<(), LaunchError> {
        self.on_driver(|server| async move { server.wait_serving().await }).await
    }

    /// Ends it for good.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.process = None;
    }

    pub(super) fn wipe(&self) -> Result<(), LaunchError> {
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).map_err(LaunchError::io(format!("delete {}", data.display())))?;
        }
        Ok(())
    }

    /// Starts the process unless it runs. To be called on the driver, whose thread it is tied to.
    pub(super) fn spawn(&self) -> Result<(), LaunchError> {
        let mut state = self.state();
        if state.closed {
            return Err(LaunchError::Dropped);
        }
        if state.process.as_mut().is_some_and(|process| process.exited().is_none()) {
            return Ok(());
        }
        let configuration = self.write_configuration(&state.settings)?;
        let log = self.open_log().map_err(LaunchError::io(format!("open {}", self.log().display())))?;
        let mut command = self.command(&configuration);
        let errors = log.try_clone().map_err(LaunchError::io("share the log"))?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors).current_dir(&self.0.folder);
        let java = self.0.distribution.java.display();
        state.process = Some(Process::spawn(&mut command).map_err(LaunchError::io(format!("start {java}")))?);
        Ok(())
    }

    pub(super) async fn wait_serving(&self) -> Result<(), LaunchError> {
        let deadline = Instant::now() + self.0.deadline;
        loop {
            self.check_alive()?;
            // A server that is starting may lose a question altogether; the next one is answered.
            let last = match timeout(ONE_QUESTION, ask_mode(self.address())).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {ONE_QUESTION:?}"),
            };
            if Instant::now() >= deadline {
                let (server, after) = (self.index(), self.0.deadline);
                return Err(LaunchError::NotServing { server, after, last, log: log_tail(&self.log()) });
            }
            sleep(PAUSE).await;
        }
    }

    /// Fails where the process has ended or was never started.
    pub(super) fn check_alive(&self) -> Result<(), LaunchError> {
        let server = self.index();
        let mut state = self.state();
        let process = state.process.as_mut().ok_or(LaunchError::NotRunning { server })?;
        let Some(status) = process.exited() else { return Ok(()) };
        let log = log_tail(&self.log());
        let taken = log.contains("BindException") || log.contains("Address already in use");
        Err(if taken {
            LaunchError::PortTaken { server, log }
        } else {
            LaunchError::Exited { server, status, log }
        })
    }

    /// Where its process writes its log.
    fn open_log(&self) -> io::Result<OwnedFd> {
        let file = File::options().append(true).create(true).open(self.log())?;
        match &self.0.valve {
            Some(valve) => valve.connect(file),
            None => Ok(file.into()),
        }
    }

    fn command(&self, configuration: &Path) -> Command {
        let distribution = &self.0.distribution;
        let mut command = match &distribution.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL"]).arg(&distribution.java);
                command
            }
            None => Command::new(&distribution.java),
        };
        command.args(JVM_FLAGS).args(LOG_FLAGS).args(&distribution.jvm_flags);
        command.arg(format!("-Dzookeeper.log.dir={}", self.0.folder.display()));
        command.args(["-cp", &distribution.classpath, MAIN_CLASS]).arg(configuration);
        command
    }

    fn write_configuration(&self, settings: &Settings) -> Result<PathBuf, LaunchError> {
        let (data, path) = (self.data(), self.0.folder.join("zoo.cfg"));
        let text = zoo_cfg(settings, &self.0.members, self.index(), &data);
        fs::create_dir_all(&data)
            .and_then(|()| fs::write(data.join("myid"), server_id(self.index()).to_string()))
            .and_then(|()| fs::write(&path, text))
            .map_err(LaunchError::io(format!("write into {}", self.0.folder.display())))?;
        Ok(path)
    }

    fn data(&self) -> PathBuf {
        self.0.folder.join("data")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn on_driver<F, T>(&self, work: impl FnOnce(Self) -> F) -> Result<T, LaunchError>
    where
        F: Future<Output = Result<T, LaunchError>> + Send + 'static,
        T: Send + 'static,
    {
        driver::run(work(self.clone())).await.map_err(LaunchError::io("wait for a server"))?
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_paused() {
            "paused"
        } else if self.is_running() {
            "running"
        } else {
            "down"
        };
        write!(formatter, "server {} at {} ({state})", self.index(), self.address())
    }
}
