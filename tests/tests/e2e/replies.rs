//! Replies that never come.

use std::time::Duration;

use election_tests::World;
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::ReplyFilter;
use zookeeper_testkit::wire::OpCode;

/// The create was applied and its reply lost: the lock is found by its owner, and nobody waits for ever.
#[tokio::test]
async fn the_reply_to_the_create_is_lost() {
    let mut world = World::new(1, Duration::from_secs(4)).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let fault = proxy.cut_before_reply(ReplyFilter::to(OpCode::Create2).on("/master"));
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
#[tokio::test]
async fn the_reply_to_the_delete_is_lost() {
    let mut world = World::new(1, Duration::from_secs(4)).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let a = world.campaign_with("a", &options);
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let fault = proxy.cut_before_reply(ReplyFilter::to(OpCode::Delete).on("/master"));
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
    let deletes =
        deletes.iter().filter(|r| r.op == OpCode::Delete && r.path.as_deref() == Some("/master")).count();
    assert_eq!(deletes, 1);
    assert_eq!(b.told(b_mark).len(), 0);
    world.finish(vec![a, b]).await;
}
