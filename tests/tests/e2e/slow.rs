//! A candidate whose connection is too slow for it to lead.

use std::time::Duration;

use election_tests::{LONG, Options, PATIENCE, Strategy, World};
use tokio::time::timeout;
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::wire::RawClient;

/// Round trips of 0.17 T: the connection stands, and no lease lasts. Alone it takes the lock all the same; as soon as
/// somebody is there who can lead, it must not stand in the way.
pub(crate) async fn a_slow_candidate_does_not_keep_others_from_leading(strategy: Strategy) {
    let mut world = World::new(strategy, 1, Duration::from_secs(2)).await;
    let server = world.ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let slow = world.campaign_with("slow", &Options { zookeeper: proxy.connect_string(), ..world.options() });
    let (_, first, mark) = slow.master(0).await;
    let delay = proxy.delay(Direction::Both, world.timeout.mul_f64(0.085));
    slow.standby(mark, "lease_ending").await;
    let mut raw = RawClient::connect(server, LONG, None).await.unwrap();
    // It has let go and come back, and cannot lead by what it holds now.
    let again = async {
        loop {
            if let Some(znode) = world.znodes(&mut raw, "").await.first()
                && raw.exists(znode).await.unwrap().is_some_and(|stat| stat.czxid != first)
            {
                break;
            }
        }
    };
    timeout(PATIENCE, again).await.unwrap();
    raw.close().await.unwrap();

    let fast = world.campaign("fast");
    let (_, _, mark) = fast.master(0).await;
    fast.holding(mark).await;
    delay.end();
    world.finish(vec![slow, fast]).await;
}
