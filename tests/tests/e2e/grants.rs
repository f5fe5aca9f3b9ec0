//! The session timeout that is granted changes.

use std::time::Duration;

use election_tests::{Node, Options, Strategy, World};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;

/// A candidate with a network of its own.
struct Candidate {
    node: Node,
    proxy: FaultProxy,
}

impl Candidate {
    fn start(world: &mut World, name: &str) -> Candidate {
        let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
        let options = Options { zookeeper: proxy.connect_string(), ..world.options() };
        Candidate { node: world.campaign_with(name, &options), proxy }
    }

    /// The timeout that its session was granted last.
    fn granted(&self) -> Option<Duration> {
        self.proxy
            .handshakes()
            .into_iter()
            .filter_map(|handshake| handshake.response)
            .next_back()
            .map(|r| r.timeout)
    }
}

/// A server that was restarted with a greater `minSessionTimeout` grants more than the session was made with. Whoever keeps
/// the time of sessions goes by the request until it is restarted, and from then on by what they were made with.
pub(crate) async fn a_greater_grant_and_then_a_restart(strategy: Strategy) {
    let greater = Duration::from_secs(20);
    // Long enough for a lease to outlast a restart.
    let mut world = World::new(strategy, 1, Duration::from_secs(16)).await;
    let a = Candidate::start(&mut world, "a");
    a.node.master(0).await;
    let b = Candidate::start(&mut world, "b");
    b.node.standby(0, "outranked").await;

    let (a_mark, b_mark) = (a.node.history.mark(), b.node.history.mark());
    world.ensemble.restart_with("minSessionTimeout", greater.as_millis()).await.unwrap();
    let (_, a_mark) = a.node.session(a_mark, "connected").await;
    let (_, b_mark) = b.node.session(b_mark, "connected").await;
    assert_eq!((a.granted(), b.granted()), (Some(greater), Some(greater)));
    let (_, a_mark) = a.node.holding(a_mark).await;
    assert_eq!(
        a.proxy.record().sessions().len(),
        1,
        "it is the session that was made with less\n{:?}",
        a.node.history
    );

    let silence = a.proxy.hold(Direction::Both);
    world.ensemble.server(0).restart().await.unwrap();
    // Both, in either order: which is the question.
    tokio::join!(a.node.standby(a_mark, "lease_ending"), b.node.master(b_mark));
    drop(silence);
    a.node.session(a_mark, "lost").await;
    b.node.holding(b.node.history.mark()).await;
    world.finish(vec![a.node, b.node]).await;
}
