//! Candidates live through random faults of the in-process server and of the network before it.

#![allow(clippy::print_stdout, reason = "a run that fails shows how to have it again")]

use std::net::SocketAddr;
use std::time::Duration;

use election_tests::{Node, Options, PATH, PATIENCE, Strategy, Verdict, What, fail, judge};
use zookeeper_testkit::proxy::{FaultKind, ReplyFilter};
use zookeeper_testkit::scenario::{proxy_faults, server_faults};
use zookeeper_testkit::wire::OpCode;
use zookeeper_testkit::{FaultProxy, Scenario, TestServer};

const T: Duration = Duration::from_secs(2);
const MEMBERS: usize = 3;
/// How long there are faults.
const LENGTH: Duration = Duration::from_secs(30);
/// Some are over before anybody notices, and most outlast a session.
const LONGEST: Duration = Duration::from_secs(6);

/// From `TESTKIT_SEED`, to replay a run; else another one each time.
fn seed() -> u64 {
    let given = std::env::var("TESTKIT_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()))
}

/// A candidate with a network of its own to a member of its own, and what that network suffers.
struct Candidate {
    node: Node,
    proxy: FaultProxy,
    scenario: Scenario<FaultKind>,
}

impl Candidate {
    fn start(name: &str, strategy: Strategy, member: SocketAddr, seed: u64) -> Self {
        let proxy = FaultProxy::start(member).unwrap();
        let mut faults = proxy_faults(LONGEST);
        // The replies that matter most: the lock is taken, and is let go.
        match strategy {
            Strategy::Lock => faults.extend(
                [OpCode::Create2, OpCode::Delete]
                    .map(|op| FaultKind::CutBeforeReply(ReplyFilter::to(op).on(PATH))),
            ),
            // What it deletes has a name that nobody knows beforehand.
            Strategy::Queue => faults.push(FaultKind::CutBeforeReply(OpCode::Create2.into())),
        }
        let scenario = Scenario::random(seed, &faults, LENGTH, LONGEST);
        let options = Options { strategy, zookeeper: proxy.connect_string(), timeout: T, more: Vec::new() };
        Candidate { node: Node::start(name, options.campaign(name)), proxy, scenario }
    }
}

/// Never two masters and never a message out of turn, whatever happens; and a master again once it is over.
pub(crate) async fn two_candidates_live_through_random_faults(strategy: Strategy) {
    let seed = seed();
    println!("TESTKIT_SEED={seed}");
    let server =
        TestServer::builder().members(MEMBERS).tick(Duration::from_millis(500)).start().await.unwrap();
    let scenario = Scenario::random(seed, &server_faults(MEMBERS, LONGEST), LENGTH, LONGEST);
    println!("the server suffers the {scenario}");
    let mut a = Candidate::start("a", strategy, server.addresses()[0], seed.wrapping_add(1));
    a.node.master(0).await;
    let mut b = Candidate::start("b", strategy, server.addresses()[1], seed.wrapping_add(2));
    b.node.standby(0, "outranked").await;

    let mut running = vec![scenario.start(server.handle()).unwrap()];
    for candidate in [&a, &b] {
        println!("the network of {} suffers the {}", candidate.node.name, candidate.scenario);
        running.push(candidate.scenario.start(candidate.proxy.handle()).unwrap());
    }
    for scenario in &running {
        scenario.ended().await;
    }
    assert!(server.faults().is_empty());
    tokio::select! {
        _ = a.node.holding(a.node.history.mark()) => {}
        _ = b.node.holding(b.node.history.mark()) => {}
    }

    let mut said = Vec::new();
    for Candidate { node, proxy, .. } in [&mut a, &mut b] {
        assert!(proxy.faults().is_empty());
        node.stop().await;
        said.push((node.name.clone(), node.history.events()));
    }
    let verdict = judge(&said, &[]);
    if verdict != Verdict::default() {
        let violations: Vec<_> = verdict.0.iter().map(ToString::to_string).collect();
        fail(&violations, &format!("{:?}\n{:?}", a.node.history, b.node.history));
    }
    let lost = |what: &What| matches!(what, What::Session { state } if state == "lost");
    assert!(said.iter().flat_map(|(_, events)| events).any(|event| lost(&event.what)), "nobody suffered");
    let nothing_left = server.wait_for(PATIENCE, |view| view.sessions.is_empty() && view.watches == 0).await;
    nothing_left.unwrap();
}
