//! Servers that form one ZooKeeper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use super::builder::EnsembleBuilder;
use super::config::Ports;
use super::distribution::Distribution;
use super::error::log_tail;
use super::links::{Links, Parting};
use super::server::PAUSE;
use super::{LaunchError, Server};
use crate::driver;
use crate::four_letter::{FourLetterError, Mode, ask_mode};
use crate::ports::free_ports;

/// How often an ensemble is started anew where others took its ports.
const ATTEMPTS: usize = 5;
/// How long a server may take to say what it is; a paused one never does.
const ANSWER: Duration = Duration::from_secs(1);

/// One or more real servers that form one ZooKeeper, in a temporary folder on loopback. Dropped, all end at once and
/// the folder goes. In a `static` it is never dropped: the servers then end with the test's process (see
/// [the module](super)), and the folder stays behind.
///
/// Everything that waits does so at most for the [`deadline`](EnsembleBuilder::deadline), and is cancel safe: if dropped,
/// the servers are left as they are at that moment.
pub struct Ensemble {
    servers: Vec<Server>,
    deadline: Duration,
    links: Option<Links>,
    /// Last, so that it goes after the servers that write into it.
    folder: Arc<TempDir>,
}

impl Ensemble {
    /// Settings to start from.
    pub fn builder() -> EnsembleBuilder {
        EnsembleBuilder::new()
    }

    /// One server with the default settings.
    pub async fn single() -> Result<Self, LaunchError> {
        Self::builder().start().await
    }

    pub(super) async fn start(builder: EnsembleBuilder) -> Result<Self, LaunchError> {
        if builder.servers.is_multiple_of(2) || builder.servers > 253 {
            return Err(LaunchError::BadSize(builder.servers));
        }
        let distribution = Distribution::find(builder.home.clone(), &builder.jvm_flags)?;
        let mut attempt = 1;
        loop {
            let ensemble = Self::prepare(&builder, &distribution)?;
            match ensemble.launch_all().await {
                Err(LaunchError::PortTaken { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(ensemble),
            }
        }
    }

    fn prepare(builder: &EnsembleBuilder, distribution: &Distribution) -> Result<Self, LaunchError> {
        let folder = tempfile::Builder::new().prefix("zookeeper-testkit-").tempdir();
        let folder = folder.map_err(LaunchError::io("create a temporary folder"))?;
        let ports = free_ports(3 * builder.servers).map_err(LaunchError::io("find free ports"))?;
        let members: Vec<_> = ports
            .chunks_exact(3)
            .map(|ports| Ports { client: ports[0], quorum: ports[1], election: ports[2] })
            .collect();
        let links = builder.links.then(|| Links::start(&members)).transpose();
        let links = links.map_err(LaunchError::io("set up links between the servers"))?;
        let mut servers = Vec::new();
        for index in 0..builder.servers {
            let own = folder.path().join(format!("server-{index}"));
            std::fs::create_dir(&own).map_err(LaunchError::io(format!("create {}", own.display())))?;
            let seen = links.as_ref().map_or_else(|| members.clone(), |links| links.seen_by(index, &members));
            servers.push(Server::new(index, own, seen, distribution.clone(), builder));
        }
        Ok(Self { servers, deadline: builder.deadline, links, folder: Arc::new(folder) })
    }

    /// How many servers belong to it, running or not.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Never: there is at least one server.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// All servers in order.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server with this index, from 0.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn server(&self, index: usize) -> &Server {
        &self.servers[index]
    }

    /// The addresses of all servers, as clients want them: `127.0.0.1:1,127.0.0.1:2`.
    pub fn connect_string(&self) -> String {
        self.servers.iter().map(|server| server.address().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Returns once one server leads and, counted with it, a majority serves. Servers that are down or paused are not
    /// waited for.
    ///
    /// # Errors
    ///
    /// [`LaunchError::NoQuorum`], with what each server said last.
    pub async fn wait_for_quorum(&self) -> Result<(), LaunchError> {
        self.leader().await.map(drop)
    }

    /// The index of the server that leads; waits for there to be one, with a majority behind it.
    pub async fn leader(&self) -> Result<usize, LaunchError> {
        let (servers, deadline) = (self.servers.clone(), self.deadline);
        driver::run(async move { wait_for_leader(&servers, deadline).await })
            .await
            .map_err(LaunchError::io("wait for a leader"))?
    }

    /// The indices of the servers that run and do not lead; waits for a leader.
    pub async fn followers(&self) -> Result<Vec<usize>, LaunchError> {
        let leader = self.leader().await?;
        let others = self.servers.iter().filter(|server| server.is_running()).map(Server::index);
        Ok(others.filter(|index| *index != leader).collect())
    }

    /// Parts two servers: nothing that one of them sends reaches the other, and new connections between them are not
    /// made, until the parting ends. Then everything arrives, as after a network that lost packets for a while. Their
    /// clients, and other servers, reach both.
    ///
    /// # Panics
    ///
    /// If the ensemble was not built [`partable`](EnsembleBuilder::partable).
    pub fn part(&self, one: usize, other: usize) -> Parting {
        self.links().part(vec![(one, other), (other, one)])
    }

    /// As [`part`](Self::part), but only what `from` sends does not reach `to`.
    ///
    /// # Panics
    ///
    /// If the ensemble was not built [`partable`](EnsembleBuilder::partable).
    pub fn part_one_way(&self, from: usize, to: usize) -> Parting {
        self.links().part(vec![(from, to)])
    }

    fn links(&self) -> &Links {
        match &self.links {
            Some(links) => links,
            None => panic!("only the servers of an ensemble that was built `partable` can be parted"),
        }
    }

    /// Starts the server with this index if it is down, with the data it has; returns once it serves.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn start_server(&self, index: usize) -> Result<(), LaunchError> {
        self.server(index).start().await
    }

    /// Kills all servers.
    pub fn kill_all(&self) {
        self.servers.iter().for_each(Server::kill);
    }

    /// Kills all servers and starts them again with the data they have; returns once each serves.
    pub async fn restart_all(&self) -> Result<(), LaunchError> {
        self.kill_all();
        self.launch_all().await
    }

    /// Kills all servers, deletes everything and starts them again; returns once each serves. Sessions, nodes and
    /// transaction numbers are gone.
    pub async fn wipe(&self) -> Result<(), LaunchError> {
        self.kill_all();
        self.servers.iter().try_for_each(Server::wipe)?;
        self.launch_all().await
    }

    /// Changes a line of every server's `zoo.cfg` and restarts them all, keeping their data.
    pub async fn restart_with(&self, name: &str, value: impl ToString) -> Result<(), LaunchError> {
        let value = value.to_string();
        self.servers.iter().for_each(|server| server.set(name, &value));
        self.restart_all().await
    }

    /// Starts every server that is down, and returns once each serves and there is a quorum.
    async fn launch_all(&self) -> Result<(), LaunchError> {
        let (servers, deadline, folder) = (self.servers.clone(), self.deadline, Arc::clone(&self.folder));
        driver::run(async move {
            // Should the ensemble go meanwhile, its folder is here until this has noticed.
            let _folder = folder;
            servers.iter().try_for_each(Server::spawn)?;
            for server in &servers {
                server.wait_serving().await?;
            }
            wait_for_leader(&servers, deadline).await.map(drop)
        })
        .await
        .map_err(LaunchError::io("wait for the servers"))?
    }
}

impl Drop for Ensemble {
    fn drop(&mut self) {
        self.servers.iter().for_each(Server::close);
    }
}

impl fmt::Debug for Ensemble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.servers).finish()
    }
}

async fn wait_for_leader(servers: &[Server], deadline: Duration) -> Result<usize, LaunchError> {
    let give_up = Instant::now() + deadline;
    loop {
        let mut states = Vec::new();
        for server in servers {
            states.push(state(server).await);
        }
        if let Some(leader) = leader_of(&states) {
            return Ok(leader);
        }
        if Instant::now() >= give_up {
            let logs = servers.iter().map(|server| format!("{server:?}:\n{}\n", log_tail(&server.log())));
            let states = states.iter().map(State::to_string).collect::<Vec<_>>().join("; ");
            return Err(LaunchError::NoQuorum { after: deadline, states, logs: logs.collect() });
        }
        sleep(PAUSE).await;
    }
}

enum State {
    Down,
    Paused,
    Silent,
    Serving(Mode),
    Failing(FourLetterError),
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => formatter.write_str("down"),
            Self::Paused => formatter.write_str("paused"),
            Self::Silent => formatter.write_str("silent"),
            Self::Serving(mode) => write!(formatter, "{mode}"),
            Self::Failing(error) => write!(formatter, "{error}"),
        }
    }
}

async fn state(server: &Server) -> State {
    if !server.is_running() {
        return State::Down;
    }
    if server.is_paused() {
        return State::Paused;
    }
    match timeout(ANSWER, ask_mode(server.address())).await {
        Ok(Ok(mode)) => State::Serving(mode),
        Ok(Err(error)) => State::Failing(error),
        Err(_) => State::Silent,
    }
}

/// The one server that leads, if a majority serves.
fn leader_of(states: &[State]) -> Option<usize> {
    let is_leader = |state: &State| matches!(state, State::Serving(Mode::Leader | Mode::Standalone));
    let serving = states.iter().filter(|state| matches!(state, State::Serving(_))).count();
    let mut leaders = states.iter().enumerate().filter(|(_, state)| is_leader(state));
    let (leader, _) = leaders.next()?;
    (leaders.next().is_none() && 2 * serving > states.len()).then_some(leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Down, Paused, Serving};

    #[test]
    fn a_leader_counts_with_a_majority_behind_it() {
        let (leader, follower) = (|| Serving(Mode::Leader), || Serving(Mode::Follower));
        assert_eq!(leader_of(&[Serving(Mode::Standalone)]), Some(0));
        assert_eq!(leader_of(&[follower(), leader(), Down]), Some(1));
        assert_eq!(leader_of(&[Paused, leader(), Down]), None);
        assert_eq!(leader_of(&[leader(), follower(), leader()]), None, "the old one has not noticed yet");
        assert_eq!(leader_of(&[follower(), follower(), Paused]), None);
    }
}
