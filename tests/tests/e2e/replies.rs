//! Replies that never come.

use std::time::Duration;

use election_tests::{LONG, Strategy, World};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::ReplyFilter;
use zookeeper_testkit::wire::{Acl, CreateMode, OpCode, RawClient};

/// The create was applied and its reply lost: the lock is found by its owner, and nobody waits for ever.
pub(crate) async fn the_reply_to_the_create_is_lost(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    if strategy == Strategy::Queue {
        // There already, so that the first create is the one that counts.
        let mut hand =
            RawClient::connect(world.ensemble.server(0).address(), world.timeout, None).await.unwrap();
        hand.create("/master", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
        hand.close().await.unwrap();
    }
    let fault = proxy.cut_before_reply(OpCode::Create2);
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let a = world.campaign_with("a", &options);
    fault.wait_until_met(Duration::from_secs(60)).await.unwrap();
    a.master(0).await;
    let creates = proxy.requests().iter().filter(|request| request.op == OpCode::Create2).count();
    assert_eq!(creates, 1, "the lock that was found is the one that was created");
    world.finish(vec![a]).await;
}

/// The delete of a resignation was applied and its reply lost: it is not sent again at somebody else's lock.
pub(crate) async fn the_reply_to_the_delete_is_lost(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let a = world.campaign_with("a", &options);
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let server = world.ensemble.server(0).address();
    let mut client = RawClient::connect(server, world.timeout, None).await.unwrap();
    let znode = world.masters_znode(&mut client).await;
    client.close().await.unwrap();
    let fault = proxy.cut_before_reply(ReplyFilter::to(OpCode::Delete).on(&znode));
    let connect = world.ensemble.connect_string();
    let resign = tokio::task::spawn_blocking(move || {
        std::process::Command::new(election_tests::elect())
            .args(["resign", "/master", "--zookeeper", &connect])
            .status()
            .unwrap()
    });
    fault.wait_until_met(Duration::from_secs(60)).await.unwrap();
    let (_, second, b_mark) = b.master(0).await;
    assert!(second > first);
    assert!(resign.await.unwrap().success());
    let (_, a_mark) = a.session(mark, "suspended").await;
    a.session(a_mark, "connected").await;
    b.holding(b_mark).await;
    let deletes = proxy.requests();
    let is_its = |path: &Option<String>| path.as_ref() == Some(&znode);
    let deletes = deletes.iter().filter(|r| r.op == OpCode::Delete && is_its(&r.path)).count();
    match strategy {
        Strategy::Lock => assert_eq!(deletes, 1),
        // The name is nobody else's: there is nothing that a second one could hit.
        Strategy::Queue => assert!((1..=2).contains(&deletes)),
    }
    assert_eq!(b.told(b_mark).len(), 0);
    world.finish(vec![a, b]).await;
}
