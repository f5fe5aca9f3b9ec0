//! What docs/testing.md shows: a role actor alone with time paused, and under a failover, an expiry and a silent
//! partition.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside of #[test] say what they expect, too"
)]

use std::time::Duration;

use actix_election::prelude::*;
use actix_election::testing::Term;
use actix_election::{ElectionPath, FencingToken};
use tokio::sync::mpsc;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::{FaultProxy, TestServer};

/// Polls a source every second while it is master, and reports what it does.
struct Poller {
    lease: Option<Lease>,
    report: mpsc::UnboundedSender<Report>,
}

#[derive(Debug, PartialEq)]
enum Report {
    Started(FencingToken),
    Polled(FencingToken),
    Stopped(StandbyReason),
}

impl Actor for Poller {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(1), |poller, _| {
            if let Some(lease) = poller.lease.as_ref().filter(|lease| lease.is_valid()) {
                let _ = poller.report.send(Report::Polled(lease.token()));
            }
        });
    }
}

impl Handler<BecameMaster> for Poller {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        let _ = self.report.send(Report::Started(lease.token()));
        self.lease = Some(lease);
    }
}

impl Handler<BecameStandby> for Poller {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, .. }: BecameStandby, _: &mut Self::Context) {
        self.lease = None;
        let _ = self.report.send(Report::Stopped(reason));
    }
}

/// The actor, and what it has reported.
struct Watched {
    poller: Addr<Poller>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Watched {
    fn start() -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        Watched { poller: Poller { lease: None, report }.start(), reports }
    }

    async fn next(&mut self) -> Report {
        let report = tokio::time::timeout(Duration::from_secs(60), self.reports.recv()).await;
        report.expect("a report within a minute").expect("a living actor")
    }

    /// The token of its next term, whatever it reports before that.
    async fn master(&mut self) -> FencingToken {
        loop {
            if let Report::Started(token) = self.next().await {
                return token;
            }
        }
    }

    /// Why it stops next, whatever it reports before that.
    async fn standby(&mut self) -> StandbyReason {
        loop {
            if let Report::Stopped(reason) = self.next().await {
                return reason;
            }
        }
    }
}

#[actix::test]
async fn it_polls_under_a_valid_lease_only() {
    tokio::time::pause();
    let mut watched = Watched::start();
    let (path, token) = (ElectionPath::new("/poller").unwrap(), FencingToken::new(7));
    let term = Term::start(token, Duration::from_secs(10));
    watched.poller.send(BecameMaster::new(path.clone(), term.lease())).await.unwrap();
    assert_eq!(watched.next().await, Report::Started(token));

    // An hour, in which the lease is extended as by an ensemble that answers.
    for _ in 0..3600 {
        assert_eq!(watched.next().await, Report::Polled(token));
        term.extend(Duration::from_secs(10));
    }
    // The lease is over, and nobody has told the actor yet: it has to look for itself.
    term.end();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(watched.reports.is_empty());

    watched.poller.send(BecameStandby::new(path, StandbyReason::SessionLost, None)).await.unwrap();
    assert_eq!(watched.next().await, Report::Stopped(StandbyReason::SessionLost));
}

/// Session timeouts: short where a test waits for one to pass, else long, to keep stalls of the machine out.
const SHORT: Duration = Duration::from_secs(4);
const LONG: Duration = Duration::from_secs(10);

/// A node of the application, with a network of its own between it and the server.
struct Node {
    watched: Watched,
    network: FaultProxy,
    session: Session,
    _election: Election,
}

impl Node {
    async fn start(server: &TestServer, timeout: Duration) -> Self {
        let network = FaultProxy::start(server.address()).unwrap();
        let watched = Watched::start();
        let session = Session::builder(&network.connect_string()).session_timeout(timeout).start().unwrap();
        let election = Election::builder("/poller").role(&watched.poller).campaign(&session);
        let _election = election.await.unwrap();
        Node { watched, network, session, _election }
    }
}

/// A server, the node that leads with its token, and one that stands by.
async fn two_nodes(timeout: Duration) -> (TestServer, Node, FencingToken, Node) {
    let server = TestServer::builder().tick(Duration::from_millis(500)).start().await.unwrap();
    let mut first = Node::start(&server, timeout).await;
    let token = first.watched.master().await;
    let mut second = Node::start(&server, timeout).await;
    assert_eq!(second.watched.standby().await, StandbyReason::Outranked);
    (server, first, token, second)
}

#[actix::test]
async fn a_failover() {
    let (_server, mut first, token, mut second) = two_nodes(LONG).await;
    first.session.close().await;
    assert_eq!(first.watched.standby().await, StandbyReason::Resigned);
    assert!(second.watched.master().await > token);
}

#[actix::test]
async fn an_expiry() {
    let (server, mut first, token, mut second) = two_nodes(LONG).await;
    let session = server.view().owner("/poller").unwrap();
    assert!(server.expire(session));
    assert_eq!(first.watched.standby().await, StandbyReason::SessionLost);
    assert!(second.watched.master().await > token);
}

#[actix::test]
async fn a_silent_partition() {
    let (_server, mut first, token, mut second) = two_nodes(SHORT).await;
    let silence = first.network.hold(Direction::Both);
    assert_eq!(first.watched.standby().await, StandbyReason::LeaseEnding);
    let taken_over = second.watched.master().await;
    assert!(taken_over > token);

    // The network is back. The first node stands by, and takes its turn when the second one leaves.
    silence.end();
    second.session.close().await;
    assert!(first.watched.master().await > taken_over);
}

/// The page shows this file's text and no other.
#[test]
fn the_page_shows_what_is_tested_here() {
    let page = include_str!("../../docs/testing.md");
    let blocks: Vec<_> =
        page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    for block in blocks {
        assert!(include_str!("role_actor.rs").contains(block), "docs/testing.md differs here:\n{block}");
    }
}
