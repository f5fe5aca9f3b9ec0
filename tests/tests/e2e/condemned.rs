//! Sessions that are served, and end all the same.
//!
//! The ensemble's leader takes all sessions that are due out of its queue, and then ends them one by one, with a line in
//! its log for each. Until its turn comes such a session attaches, and its writes are carried out; nothing saves it any
//! more. Here the log stops at the first of those lines, so that a test has as long as it needs before the others end.

#![allow(clippy::print_stdout, reason = "many tries are for their figures")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use election_tests::{Node, Options, PATH, PATIENCE, Strategy, Violation, What, judge, nothing_left, turn};
use futures::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::fail_on_any_machine;
use zookeeper_testkit::wire::{RawClient, open_session, ping_frame};
use zookeeper_testkit::{Ensemble, Fault, FaultProxy, Server, four_letter};

const T: Duration = Duration::from_secs(4);
/// What falls into one tick ends together: long enough for a candidate to attach in.
const TICK: Duration = Duration::from_secs(1);
/// How many candidates are cut off at once: whose session ends early is a matter of chance.
const ELECTIONS: usize = 8;
/// So many that few of the candidates' sessions are among the first, which end before the log stands.
const SILENT: usize = 200;
/// What the server says of each session before it ends it.
const EXPIRING: &str = "Expiring session 0x";
/// Only what the test waits for may make the server wait.
const SERVER_FLAGS: [&str; 4] = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.ZooKeeperServer=info",
    // One that refuses a session logs as well.
    "-Dzookeeper.nio.numWorkerThreads=64",
];

/// The servers, of which one keeps the time of all sessions.
struct Stage {
    ensemble: Ensemble,
    leader: Server,
    /// What the A's talk to: a follower, if there is one.
    entrance: SocketAddr,
}

impl Stage {
    async fn new(servers: usize) -> Stage {
        let mut builder = Ensemble::builder().servers(servers).tick(TICK).stoppable_log();
        for flag in SERVER_FLAGS {
            builder = builder.jvm_flag(flag);
        }
        let ensemble = builder.start().await.unwrap();
        let leader = ensemble.leader().await.unwrap();
        let entrance = ensemble.followers().await.unwrap().first().copied().unwrap_or(leader);
        let entrance = ensemble.server(entrance).address();
        Stage { leader: ensemble.server(leader).clone(), entrance, ensemble }
    }

    /// Cuts the A's off when their sessions and the silent ones end in one tick.
    async fn fall_due_together(&self, elections: &mut [Election], silent: &mut [TcpStream]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            elections.iter_mut().for_each(|election| election.cut = None);
            join_all(elections.iter_mut().map(Election::attach_anew)).await;
            ping(silent).await;
            elections.iter_mut().for_each(Election::cut_off);
            if self.ensemble.len() > 1 {
                // A follower reports whom it has heard with every answer to its leader's ping. It is time that is waited for.
                sleep(TICK / 2).await;
            }
            let condemned: BTreeSet<_> = elections.iter().map(|election| election.condemned).collect();
            let together = four_letter::expiries(self.leader.address()).await.unwrap();
            if together.iter().any(|due| condemned.is_subset(due) && due.len() >= SILENT + ELECTIONS) {
                return;
            }
            assert!(Instant::now() < deadline, "the sessions never end in one tick");
        }
    }

    /// Waits until none of these sessions is left.
    async fn are_ended(&self, condemned: &BTreeSet<i64>) {
        let deadline = Instant::now() + PATIENCE;
        let left = async || four_letter::ephemerals(self.leader.address()).await.unwrap();
        // There is no event to wait for: what a server holds can only be asked.
        while left().await.keys().any(|session| condemned.contains(session)) {
            assert!(Instant::now() < deadline, "the sessions do not end");
        }
    }
}

/// One election. A is master, and then cut off for as long as a session lives; B comes when A has come back.
struct Election {
    /// What the candidates' paths are below.
    chroot: String,
    options: Options,
    proxy: FaultProxy,
    cut: Option<Fault>,
    a: Node,
    b: Option<Node>,
    /// Where A's history stood when its network was healed.
    healed: usize,
    /// The session of A that ends.
    condemned: i64,
    /// Whether A attached to that session again, and whether it was master in it.
    served: bool,
    led: bool,
}

impl Election {
    async fn start(stage: &Stage, strategy: Strategy, chroot: String) -> Election {
        let proxy = FaultProxy::start(stage.entrance).unwrap();
        let zookeeper = format!("{}{chroot}", stage.leader.address());
        let options = Options { strategy, zookeeper, timeout: T, more: Vec::new() };
        let through = Options { zookeeper: format!("{}{chroot}", proxy.connect_string()), ..options.clone() };
        let a = Node::start("a", through.campaign("a"));
        a.master(0).await;
        Election {
            chroot,
            options,
            condemned: session(&proxy),
            proxy,
            cut: None,
            a,
            b: None,
            healed: 0,
            served: false,
            led: false,
        }
    }

    fn cut_off(&mut self) {
        self.cut = Some(self.proxy.hold(Direction::Both));
    }

    /// A loses its connection and makes a new one: so the session is touched just then, and its lease is at its longest.
    async fn attach_anew(&mut self) {
        let mark = self.a.history.mark();
        self.proxy.cut();
        self.a.session(mark, "connected").await;
        self.condemned = session(&self.proxy);
    }

    /// A's network is there again. Returns once A has made of it what it can: a client that trusts the session is master
    /// in it before long, and cut off again at once, with all of its lease before it.
    async fn heal(&mut self) {
        self.healed = self.a.history.mark();
        self.cut = None;
        // One whose session has ended already is not answered before the log goes on, and the leases of others run down.
        let deadline = Instant::now() + T / 2;
        let _ = timeout_at(deadline, self.a.session(self.healed, "connected")).await;
        self.served = session(&self.proxy) == self.condemned;
        self.led = self.served && timeout_at(deadline, self.a.master(self.healed)).await.is_ok();
        if self.led {
            self.cut_off();
        }
    }

    async fn start_b(&mut self) {
        let b = Node::start("b", self.options.campaign("b"));
        b.history.wait(0, "became_* of b", is_told).await;
        self.b = Some(b);
    }

    fn b(&self) -> &Node {
        self.b.as_ref().unwrap()
    }

    /// Once the session has ended, somebody holds the lock. Is that B, A's lease is waited for to end, which is to be before.
    async fn change_hands(&self, client: &mut RawClient) {
        let deadline = Instant::now() + PATIENCE;
        let b_holds = loop {
            match self.holder(client).await {
                Some(address) => break address == "b:1",
                None => assert!(Instant::now() < deadline, "nobody holds the lock of {}", self.chroot),
            }
        };
        if b_holds {
            self.b().master(0).await;
            if self.a.history.standing().master.is_some() {
                self.a.history.wait(self.healed, "became_standby of a", is_standby).await;
            }
        }
    }

    /// The address of whoever holds the lock.
    async fn holder(&self, client: &mut RawClient) -> Option<String> {
        let mut path = format!("{}{PATH}", self.chroot);
        if self.options.strategy == Strategy::Queue {
            let names = client.get_children(&path).await.unwrap();
            let first = actix_election_core::queue_order(&names).first()?.to_string();
            path = format!("{path}/{first}");
        }
        let (data, _) = client.get_data(&path).await.ok()?;
        Some(String::from_utf8(data).unwrap())
    }

    /// The network is there for good, and so is a master.
    async fn recover(&mut self) {
        self.cut = None;
        let (a_mark, b_mark) = (self.a.history.mark(), self.b().history.mark());
        tokio::select! {
            _ = self.a.holding(a_mark) => {}
            _ = self.b().holding(b_mark) => {}
        }
        self.a.stop().await;
        self.b.as_mut().unwrap().stop().await;
    }

    /// For how many seconds there were two masters, and all that should not have been.
    fn judged(&self) -> (Option<f64>, Vec<String>) {
        let nodes = [&self.a, self.b()];
        let histories = nodes.map(|node| (node.name.clone(), node.history.events()));
        let violations = judge(&histories, &[]).0;
        let is_overlap = |violation: &&Violation| violation.what.starts_with("two masters");
        let overlap = violations.iter().filter(is_overlap).map(|violation| violation.until - violation.from);
        let overlap = overlap.reduce(f64::max);
        let mut found: Vec<_> = violations.iter().map(ToString::to_string).collect();
        found.extend(nodes.iter().flat_map(|node| node.history.garbage()));
        if !found.is_empty() {
            found.extend(nodes.map(|node| format!("{} said\n{:?}", node.name, node.history)));
        }
        (overlap, found)
    }
}

fn is_told(what: &What) -> bool {
    matches!(what, What::BecameMaster { .. } | What::BecameStandby { .. })
}

fn is_standby(what: &What) -> bool {
    matches!(what, What::BecameStandby { .. })
}

/// The session that was last granted through this proxy.
fn session(proxy: &FaultProxy) -> i64 {
    proxy.handshakes().into_iter().filter_map(|handshake| handshake.response).next_back().unwrap().session_id
}

/// Opens sessions of which nothing is heard but [`ping`].
async fn open_silent_sessions(server: SocketAddr) -> Vec<TcpStream> {
    join_all((0..SILENT).map(|_| async move { open_session(server, T).await.unwrap() })).await
}

async fn ping(silent: &mut [TcpStream]) {
    for stream in silent {
        stream.write_all(&ping_frame()).await.unwrap();
    }
}

/// Plays it once, and returns the elections when nobody stands in them any more.
async fn play(stage: &Stage, strategy: Strategy, number: usize) -> Vec<Election> {
    let address = stage.leader.address();
    let chroots = (0..ELECTIONS).map(|election| format!("/try-{number}/{election}"));
    let mut elections = join_all(chroots.map(|chroot| Election::start(stage, strategy, chroot))).await;
    let mut silent = open_silent_sessions(address).await;
    stage.fall_due_together(&mut elections, &mut silent).await;
    let stop = stage.leader.stop_log_at(EXPIRING);
    stop.reached(3 * T).await.unwrap();
    join_all(elections.iter_mut().map(Election::heal)).await;
    join_all(elections.iter_mut().map(Election::start_b)).await;
    elections.iter_mut().for_each(Election::cut_off);
    stop.end();
    stage.are_ended(&elections.iter().map(|election| election.condemned).collect()).await;
    let mut client = RawClient::connect(address, T, None).await.unwrap();
    for election in &elections {
        election.change_hands(&mut client).await;
    }
    client.close().await.unwrap();
    join_all(elections.iter_mut().map(Election::recover)).await;
    nothing_left(&stage.ensemble).await.unwrap();
    elections
}

/// A number that may be given for a run by itself; one unless it is.
fn setting(name: &str) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// Whoever comes back while its session is about to end must not lead by what it is told there.
pub(crate) async fn a_condemned_session_is_served(strategy: Strategy) {
    let (tries, servers) = (setting("CONDEMNED_TRIES"), setting("CONDEMNED_SERVERS"));
    let _turn = turn().await;
    let stage = Stage::new(servers).await;
    let (mut overlaps, mut first) = (Vec::new(), None);
    for number in 1..=tries {
        let elections = play(&stage, strategy, number).await;
        let served = elections.iter().filter(|election| election.served).count();
        let led = elections.iter().filter(|election| election.led).count();
        let (seconds, found): (Vec<_>, Vec<_>) = elections.iter().map(Election::judged).unzip();
        let seconds: Vec<_> = seconds.into_iter().flatten().collect();
        println!(
            "{}, try {number} of {tries}: {ELECTIONS} elections, {served} sessions served, {led} led by, two masters in {} \
             {seconds:.2?} s",
            strategy.name(),
            seconds.len(),
        );
        overlaps.extend(seconds);
        first = first.or(found.into_iter().find(|found| !found.is_empty()));
    }
    let longest = overlaps.iter().copied().fold(0.0, f64::max);
    let summary = format!("two masters in {} of {} elections", overlaps.len(), tries * ELECTIONS);
    if let Some(found) = first {
        let first = format!("for {longest:.2} s at most; the first that was wrong:\n{}", found.join("\n"));
        if !overlaps.is_empty() {
            fail_on_any_machine(&format!("{summary}, {first}"));
        }
        panic!("{summary}, {first}");
    }
}
