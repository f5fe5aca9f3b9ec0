//! The stand of one candidate: its process, those that stood there before it, and the proxies between it and the servers.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use zookeeper_testkit::{Ensemble, FaultProxy};

use super::settings::{ElectionSettings, Elector};
use crate::{Event, History, Node, Standing, elect, naive};

/// Ties a process to the life of its parent.
const SETPRIV: &str = "/usr/bin/setpriv";

/// One candidate.
pub(super) struct Stand {
    pub(super) name: String,
    pub(super) election: usize,
    /// One for each server.
    pub(super) proxies: Vec<FaultProxy>,
    /// Whether a move has its hands on the process.
    taken: Cell<bool>,
    life: RefCell<Life>,
    command: Box<dyn Fn() -> Command>,
}

#[derive(Default)]
struct Life {
    /// None while no process runs, or while it is waited for.
    node: Option<Node>,
    /// Of all processes so far.
    histories: Vec<(String, Arc<History>)>,
    /// The id and password of the session, once it has been seen.
    session: Option<(i64, Vec<u8>)>,
}

/// The process of a stand in the hands of one move, until this value is dropped.
pub(super) struct Taken<'a>(&'a Stand);

impl Stand {
    /// A stand without a process.
    pub(super) fn new(
        name: &str,
        election: usize,
        settings: &ElectionSettings,
        elector: Elector,
        ensemble: &Ensemble,
        folder: &Path,
    ) -> io::Result<Stand> {
        let proxies = ensemble.servers().iter().map(|server| FaultProxy::start(server.address()));
        let proxies = proxies.collect::<io::Result<Vec<_>>>()?;
        let servers: Vec<_> = proxies.iter().map(|proxy| proxy.connect_string()).collect();
        let mut arguments = vec!["campaign".to_owned(), settings.path.clone(), "--json".to_owned()];
        for (option, value) in [
            ("--holding", "20ms".to_owned()),
            ("--id", name.to_owned()),
            ("--address", format!("{name}:1")),
            ("--zookeeper", servers.join(",")),
            ("--session-timeout", format!("{}ms", settings.timeout.as_millis())),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        if let Some(strategy) = &settings.strategy {
            arguments.extend(["--strategy".to_owned(), strategy.clone()]);
        }
        let program = match elector {
            Elector::Elect => elect(),
            Elector::Naive => naive(),
        };
        let log = folder.join(format!("{name}.log"));
        let command = move || {
            let mut command = tied(program);
            command.args(&arguments).env("RUST_LOG", "warn,actix_election=info");
            // What it says there is only looked at after something went wrong.
            let log = std::fs::File::options().append(true).create(true).open(&log);
            command.stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
            command
        };
        let (taken, life) = Default::default();
        Ok(Stand { name: name.to_owned(), election, proxies, taken, life, command: Box::new(command) })
    }

    /// Starts a process.
    pub(super) fn start(&self) {
        let mut life = self.life.borrow_mut();
        let history = Arc::new(History::folding());
        let name = format!("{}#{}", self.name, life.histories.len());
        life.histories.push((name, Arc::clone(&history)));
        // The session of the process before must not be taken for this one's.
        self.proxies.iter().for_each(|proxy| proxy.forget());
        life.session = None;
        life.node = Some(Node::start_with(&self.name, (self.command)(), history));
    }

    /// Takes hold of the process, if there is one and nobody else has.
    pub(super) fn take(&self) -> Option<Taken<'_>> {
        let free = !self.taken.get() && self.runs();
        free.then(|| {
            self.taken.set(true);
            Taken(self)
        })
    }

    pub(super) fn runs(&self) -> bool {
        self.life.borrow().node.is_some()
    }

    /// The name of the present process.
    pub(super) fn process(&self) -> String {
        self.life.borrow().histories.last().map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// What the present process last said of itself.
    pub(super) fn standing(&self) -> Standing {
        let life = self.life.borrow();
        match life.histories.last() {
            Some((_, history)) if life.node.is_some() => history.standing(),
            _ => Standing::default(),
        }
    }

    /// What every process said that ever stood here.
    pub(super) fn said(&self) -> Vec<(String, Vec<Event>)> {
        self.life.borrow().histories.iter().map(|(name, history)| (name.clone(), history.events())).collect()
    }

    /// What is not of the form that was agreed on.
    pub(super) fn garbage(&self) -> Vec<String> {
        self.life.borrow().histories.iter().flat_map(|(_, history)| history.garbage()).collect()
    }

    /// The server that the process is connected to.
    pub(super) fn server(&self) -> Option<usize> {
        self.proxies.iter().position(|proxy| proxy.open_connections() > 0)
    }

    /// The id and password of the process's session, as far as it has shown.
    pub(super) fn session(&self) -> Option<(i64, Vec<u8>)> {
        let seen = self.proxies.iter().flat_map(|proxy| proxy.handshakes());
        let answered = seen.filter_map(|handshake| Some((handshake.responded_at?, handshake.response?)));
        let last = answered.filter(|(_, response)| !response.is_refused()).max_by_key(|(at, _)| *at);
        let mut life = self.life.borrow_mut();
        if let Some((_, response)) = last {
            life.session = Some((response.session_id, response.password));
        }
        life.session.clone()
    }

    /// Lets the proxies forget what they recorded, but not the session.
    pub(super) fn forget_records(&self) {
        self.session();
        self.proxies.iter().for_each(|proxy| proxy.forget());
    }
}

impl Taken<'_> {
    /// SIGKILL.
    pub(super) fn kill(&self) {
        if let Some(mut node) = self.0.life.borrow_mut().node.take() {
            node.kill();
        }
    }

    /// SIGSTOP, until the value returned is dropped.
    pub(super) fn pause(&self) -> Paused<'_> {
        if let Some(node) = &self.0.life.borrow().node {
            node.pause();
        }
        Paused(self.0)
    }

    /// SIGTERM, and waits for the end. Says what is wrong with it, if anything is.
    pub(super) async fn stop(&self) -> Result<(), String> {
        let Some(mut node) = self.0.life.borrow_mut().node.take() else { return Ok(()) };
        let started = std::time::Instant::now();
        node.terminate();
        let status = node.ended().await;
        let (name, took) = (&self.0.name, started.elapsed());
        if !status.success() {
            return Err(format!("{name} ended with {status} on SIGTERM"));
        }
        if took > LONGEST_END {
            return Err(format!("{name} took {took:?} to end on SIGTERM"));
        }
        Ok(())
    }

    /// Starts another process in place of the one that ended.
    pub(super) fn restart(&self) {
        self.0.start();
    }
}

/// What is promised is 5 s; the rest is for a machine with other work.
const LONGEST_END: std::time::Duration = std::time::Duration::from_secs(8);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.taken.set(false);
    }
}

/// A process that stands still.
pub(super) struct Paused<'a>(&'a Stand);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        if let Some(node) = &self.0.life.borrow().node {
            node.resume();
        }
    }
}

/// A command that is killed when this process is gone, however that ends, where util-linux is there.
pub(super) fn tied(program: &Path) -> Command {
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}
