//! The master dies.

use std::time::Duration;

use election_tests::{LONG, Strategy, What, World};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::wire::RawClient;

/// G5: a new master within T + 1.5 k + 1 s.
pub(crate) async fn kill_dash_nine(strategy: Strategy) {
    let mut world = World::new(strategy, 3, Duration::from_secs(2)).await;
    let mut a = world.campaign("a");
    let (_, first, _) = a.master(0).await;
    let b = world.campaign("b");
    let (outranked, _) = b.standby(0, "outranked").await;
    let What::BecameStandby { master: Some(master), .. } = outranked.what else { panic!("{outranked:?}") };
    assert_eq!((master.address.as_str(), master.token), ("a:1", first));

    let mut client = RawClient::connect(world.ensemble.server(0).address(), LONG, None).await.unwrap();
    let znode = world.masters_znode(&mut client).await;
    let (data, stat) = client.get_data(&znode).await.unwrap();
    assert_eq!((data.as_slice(), stat.czxid), (&b"a:1"[..], first));
    client.close().await.unwrap();

    let (last, _) = a.holding(a.history.mark()).await;
    a.kill();
    let (event, second, _) = b.master(0).await;
    assert!(second > first);
    let bound = world.timeout + world.tick.mul_f64(1.5) + Duration::from_secs(1);
    let took = event.at - last.at;
    assert!(took <= bound.as_secs_f64(), "took {took:.3} s, promised {bound:?}");
    world.finish(vec![a, b]).await;
}

/// A standby that is between two connections when the master dies takes over as soon as it is back.
pub(crate) async fn while_a_standby_reconnects(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let mut a = world.campaign("a");
    let (_, first, _) = a.master(0).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let b = world.campaign_with("b", &options);
    b.standby(0, "outranked").await;

    let refused = proxy.refuse();
    proxy.cut();
    let (_, mark) = b.session(0, "suspended").await;
    // In order, so that the lock goes at once: nobody is there to see it go.
    a.stop().await;
    drop(refused);
    let (_, second, _) = b.master(mark).await;
    assert!(second > first);
    world.finish(vec![a, b]).await;
}
