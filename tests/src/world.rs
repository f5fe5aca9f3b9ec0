//! An ensemble, the processes that compete on it, and what is checked at the end of every test.

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use actix_election_core::queue_order;
use tokio::sync::{Semaphore, SemaphorePermit};
use zookeeper_testkit::wire::RawClient;
use zookeeper_testkit::{Ensemble, four_letter};

use crate::history::PATIENCE;
use crate::{Case, Deleted, Node, elect, fail};

/// The path that the candidates of a test compete for.
pub const PATH: &str = "/master";

/// The session timeout of tests in which none is waited for: the longest that the servers of a [`World`] grant, so that no
/// machine is too slow for it.
pub const LONG: Duration = Duration::from_secs(20);

/// Worlds at a time: three servers and several processes each are as much as two cores carry without making the
/// promises a matter of luck.
static WORLDS: Semaphore = Semaphore::const_new(2);

/// Waits for a turn, which lasts until the value is dropped. For tests that do without a [`World`].
///
/// # Panics
///
/// If `elect` cannot be built.
pub async fn turn() -> SemaphorePermit<'static> {
    // Before the turn: a build would take the time of others.
    elect();
    WORLDS.acquire().await.expect("never closed")
}

/// How the candidates of a world compete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// `--strategy lock`.
    Lock,
    /// `--strategy queue`.
    Queue,
}

impl Strategy {
    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Lock => "lock",
            Strategy::Queue => "queue",
        }
    }
}

/// How an `elect campaign` is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// How it competes.
    pub strategy: Strategy,
    /// The connect string.
    pub zookeeper: String,
    /// The session timeout asked for.
    pub timeout: Duration,
    /// More arguments.
    pub more: Vec<String>,
}

impl Options {
    /// The command of a candidate for [`PATH`].
    pub fn campaign(&self, name: &str) -> Command {
        let mut command = Command::new(elect());
        command
            .args([
                "campaign",
                PATH,
                "--strategy",
                self.strategy.name(),
                "--json",
                "--holding",
                "10ms",
                "--id",
                name,
            ])
            .args(["--address", &format!("{name}:1")])
            .args(["--zookeeper", &self.zookeeper])
            .args(["--session-timeout", &format!("{}ms", self.timeout.as_millis())])
            .args(&self.more);
        command
    }
}

/// The world of one test.
pub struct World {
    /// The servers.
    pub ensemble: Ensemble,
    /// The session timeout that candidates ask for.
    pub timeout: Duration,
    /// The servers' tick.
    pub tick: Duration,
    /// How candidates compete.
    pub strategy: Strategy,
    histories: Vec<(String, std::sync::Arc<crate::History>)>,
    /// When a new era began.
    eras: Vec<f64>,
    deleted: Vec<Deleted>,
    _turn: SemaphorePermit<'static>,
}

impl World {
    /// A world with so many servers, a tick of 500 ms and session timeouts of `timeout`.
    ///
    /// # Panics
    ///
    /// If the servers cannot be started.
    pub async fn new(strategy: Strategy, servers: usize, timeout: Duration) -> World {
        let turn = turn().await;
        let tick = Duration::from_millis(500);
        let ensemble = Ensemble::builder()
            .servers(servers)
            .tick(tick)
            .max_session_timeout(LONG)
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let (histories, eras, deleted) = (Vec::new(), Vec::new(), Vec::new());
        World { ensemble, timeout, tick, strategy, histories, eras, deleted, _turn: turn }
    }

    /// The usual options.
    pub fn options(&self) -> Options {
        Options {
            strategy: self.strategy,
            zookeeper: self.ensemble.connect_string(),
            timeout: self.timeout,
            more: Vec::new(),
        }
    }

    /// Starts a candidate for [`PATH`] by the usual options.
    pub fn campaign(&mut self, name: &str) -> Node {
        self.campaign_with(name, &self.options())
    }

    /// Starts a candidate for [`PATH`].
    pub fn campaign_with(&mut self, name: &str, options: &Options) -> Node {
        self.start(name, options.campaign(name))
    }

    /// The znodes that candidates have made below the chroot, the master's first.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub async fn znodes(&self, client: &mut RawClient, chroot: &str) -> Vec<String> {
        let path = format!("{chroot}{PATH}");
        if self.strategy == Strategy::Lock {
            return vec![path];
        }
        let names = client.get_children(&path).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        queue_order(&names).into_iter().map(|name| format!("{path}/{name}")).collect()
    }

    /// The master's znode.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn masters_znode(&self, client: &mut RawClient) -> String {
        self.znodes(client, "").await.into_iter().next().expect("a znode")
    }

    /// Starts any process that speaks as `elect campaign` does.
    pub fn start(&mut self, name: &str, command: Command) -> Node {
        let node = Node::start(name, command);
        // A process of that name may have lived before.
        self.histories
            .push((format!("{name}#{}", self.histories.len()), std::sync::Arc::clone(&node.history)));
        node
    }

    /// A new era begins: nothing is promised from here on that compares with a term before.
    pub fn new_era(&mut self) {
        self.eras.push(actix_election::clock::now().as_secs_f64());
    }

    /// Deletes a lock by hand, and returns whether it did. Its master may hold on until it hears of that; nobody else is
    /// excused.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub async fn delete_by_hand(&mut self, hand: &mut RawClient, lock: &str) -> bool {
        let Some(stat) = hand.exists(lock).await.unwrap_or_else(|error| panic!("{lock}: {error}")) else {
            return false;
        };
        let from = actix_election::clock::now().as_secs_f64();
        let gone = hand.delete(lock, None).await.is_ok();
        if gone {
            self.deleted.push(Deleted { token: stat.czxid, from });
        }
        gone
    }

    /// Stops the processes in order, and judges all that was said. Nothing may be left at the servers: no session, no
    /// ephemeral znode, no watch.
    ///
    /// # Panics
    ///
    /// With every violation and the histories, if there is one.
    pub async fn finish(self, nodes: Vec<Node>) {
        for mut node in nodes {
            if !node.has_ended() {
                node.stop().await;
            }
        }
        let said: Vec<_> =
            self.histories.iter().map(|(name, history)| (name.clone(), history.events())).collect();
        let case = Case { histories: &said, eras: &self.eras, deleted: &self.deleted, ..Case::default() };
        let mut violations: Vec<_> = case.judge().0.iter().map(ToString::to_string).collect();
        for (name, history) in &self.histories {
            violations.extend(history.garbage().into_iter().map(|line| format!("{name} said {line}")));
        }
        if let Err(left) = nothing_left(&self.ensemble).await {
            violations.push(left);
        }
        if !violations.is_empty() {
            let histories: Vec<_> =
                self.histories.iter().map(|(name, h)| format!("  {name}\n{h:?}")).collect();
            fail(&violations, &histories.join("\n"));
        }
    }
}

/// Waits until the leader knows of no session, and no server of an ephemeral znode or a watch. Sessions of killed processes
/// take their timeout to go.
///
/// Only the leader keeps and ends sessions. A follower of ZooKeeper 3.8.0 was seen to list some for an hour that a leader
/// had been asked for while it was cut off, and that no other server knew of.
///
/// # Errors
///
/// What is still there after 90 s.
pub async fn nothing_left(ensemble: &Ensemble) -> Result<(), String> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let left = left(ensemble).await;
        match left {
            Ok(left) if left.is_empty() => return Ok(()),
            left if tokio::time::Instant::now() > deadline => {
                return Err(format!("left at the servers: {left:?}"));
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn left(ensemble: &Ensemble) -> Result<Vec<String>, Box<dyn Error>> {
    let leader = ensemble.server(ensemble.leader().await?);
    let sessions = four_letter::sessions(leader.address()).await?;
    let mut left: Vec<_> = sessions.iter().map(|id| format!("session {id:#x}")).collect();
    for server in ensemble.servers().iter().filter(|server| server.is_running()) {
        let address = server.address();
        left.extend(four_letter::ephemerals(address).await?.values().flatten().cloned());
        let watches = four_letter::watch_count(address).await?;
        if watches > 0 {
            left.push(format!("{watches} watches"));
        }
    }
    Ok(left)
}
