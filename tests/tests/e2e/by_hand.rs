//! Somebody lays hands on the znodes.

use election_tests::{LONG, Strategy, What, World};
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

async fn hand(world: &World) -> RawClient {
    RawClient::connect(world.ensemble.server(0).address(), LONG, None).await.unwrap()
}

/// There may be two masters until the first hears of it; everything else is promised.
pub(crate) async fn the_lock_is_deleted(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let mut hand = hand(&world).await;
    let znode = world.masters_znode(&mut hand).await;
    assert!(world.delete_by_hand(&mut hand, &znode).await);
    a.standby(mark, "node_lost").await;
    let second = tokio::select! {
        (_, token, _) = a.master(mark) => token,
        (_, token, _) = b.master(0) => token,
    };
    assert!(second > first);
    hand.close().await.unwrap();
    world.finish(vec![a, b]).await;
}

/// The data is not what the mastership rests on.
pub(crate) async fn the_lock_is_overwritten(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let mut a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let mut hand = hand(&world).await;
    let znode = world.masters_znode(&mut hand).await;
    for rubbish in [&b"\xff\xfe\x00"[..], b"", b"b:1", &[b'x'; 100_000]] {
        hand.set_data(&znode, rubbish, None).await.unwrap();
        a.holding(a.history.mark()).await;
    }
    let c = world.campaign("c");
    let (event, _) = c.standby(0, "outranked").await;
    assert!(matches!(&event.what, What::BecameStandby { master: Some(m), .. } if m.token == first));
    assert_eq!(a.told(mark).len(), 0);
    a.stop().await;
    let second = tokio::select! {
        (_, token, _) = b.master(0) => token,
        (_, token, _) = c.master(0) => token,
    };
    assert!(second > first);
    hand.close().await.unwrap();
    world.finish(vec![a, b, c]).await;
}

/// Something that is no lock stands at the path: said, and recovered from when it goes.
#[tokio::test]
async fn a_persistent_node_squats_on_the_path() {
    let mut world = World::new(Strategy::Lock, 1, LONG).await;
    let mut hand = hand(&world).await;
    hand.create("/master", b"mine", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let a = world.campaign("a");
    let (_, mark) = a.standby(0, "path_taken").await;
    a.error(0, "/master").await;
    hand.delete("/master", None).await.unwrap();
    a.master(mark).await;
    hand.close().await.unwrap();
    world.finish(vec![a]).await;
}

/// A latch that is not ephemeral, from a backup: it is called nobody's master, and it is said what to do about it.
#[tokio::test]
async fn a_persistent_latch_squats_in_the_queue() {
    let mut world = World::new(Strategy::Queue, 1, LONG).await;
    let mut hand = hand(&world).await;
    let latch = "/master/latch-0000000000";
    hand.create("/master", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    hand.create(latch, b"old:1", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let a = world.campaign("a");
    let (_, mark) = a.standby(0, "path_taken").await;
    a.error(0, latch).await;
    assert_eq!(status(&world), Some(3), "there is no master");
    hand.delete(latch, None).await.unwrap();
    a.master(mark).await;
    hand.close().await.unwrap();
    world.finish(vec![a]).await;
}

/// What `elect status` exits with.
fn status(world: &World) -> Option<i32> {
    let mut status = std::process::Command::new(election_tests::elect());
    status.args(["status", "/master", "--zookeeper", &world.ensemble.connect_string()]);
    status.output().unwrap().status.code()
}

/// The parent is ephemeral, so that there can be no lock below it.
pub(crate) async fn an_ephemeral_parent_squats_on_the_path(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let mut hand = hand(&world).await;
    hand.create("/app", b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let mut options = world.options();
    options.zookeeper = format!("{}/app", options.zookeeper);
    let a = world.campaign_with("a", &options);
    let (_, mark) = a.standby(0, "path_taken").await;
    a.error(0, "ephemeral").await;
    hand.delete("/app", None).await.unwrap();
    a.master(mark).await;
    hand.close().await.unwrap();
    world.finish(vec![a]).await;
}

/// `create -e /master host:port` of any client competes, and rubbish beside the lock changes nothing.
#[tokio::test]
async fn a_stranger_holds_the_lock() {
    let mut world = World::new(Strategy::Lock, 1, LONG).await;
    let mut hand = hand(&world).await;
    hand.create("/master", b"stranger:9", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let a = world.campaign("a");
    let (event, mark) = a.standby(0, "outranked").await;
    assert!(matches!(&event.what, What::BecameStandby { master: Some(m), .. } if m.address == "stranger:9"));
    hand.delete("/master", None).await.unwrap();
    let (_, token, mark) = a.master(mark).await;
    // In the place of a request to resign.
    let session = hand.exists("/master").await.unwrap().unwrap().ephemeral_owner;
    let (request, words) = (format!("/master.resign-{session:016x}"), format!("resign {token:016x}"));
    for (data, mode) in [
        (words.as_bytes(), CreateMode::Persistent),
        (b"resign 0000000000000001", CreateMode::Ephemeral),
        (b"rubbish", CreateMode::Ephemeral),
        (b"", CreateMode::Persistent),
    ] {
        hand.create(&request, data, &Acl::open(), mode).await.unwrap();
        hand.set_data(&request, b"more rubbish", None).await.unwrap();
        a.holding(a.history.mark()).await;
        hand.delete(&request, None).await.unwrap();
    }
    assert_eq!(a.told(mark).len(), 0);
    hand.create(&request, words.as_bytes(), &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    a.standby(mark, "resigned").await;
    hand.close().await.unwrap();
    world.finish(vec![a]).await;
}

/// The other strategy has the path: each says so, and takes over when it is free.
#[tokio::test]
async fn the_other_strategy_has_the_path() {
    let mut world = World::new(Strategy::Lock, 1, LONG).await;
    let mut a = world.campaign("a");
    a.master(0).await;
    world.strategy = Strategy::Queue;
    let mut b = world.campaign("b");
    let (_, b_mark) = b.standby(0, "path_taken").await;
    a.stop().await;
    b.master(b_mark).await;
    world.strategy = Strategy::Lock;
    let c = world.campaign("c");
    let (_, c_mark) = c.standby(0, "path_taken").await;
    b.stop().await;
    let mut hand = hand(&world).await;
    hand.delete("/master", None).await.unwrap();
    c.master(c_mark).await;
    hand.close().await.unwrap();
    world.finish(vec![a, b, c]).await;
}

/// Znodes that are no candidates change nothing, wherever they stand.
#[tokio::test]
async fn strangers_stand_below_the_path() {
    let mut world = World::new(Strategy::Queue, 1, LONG).await;
    let mut hand = hand(&world).await;
    hand.create("/master", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    for name in ["config", "latch-", "latch-17", "0000000000", "_c_-lock-0000000000"] {
        hand.create(&format!("/master/{name}"), b"x", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    }
    let mut a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    hand.create("/master/latch-x", b"x", &Acl::open(), CreateMode::EphemeralSequential).await.unwrap();
    assert_eq!(a.told(mark).len(), 0);
    a.stop().await;
    let (_, second, _) = b.master(0).await;
    assert!(second > first);
    hand.close().await.unwrap();
    world.finish(vec![a, b]).await;
}

/// A znode in the middle of the queue is deleted: its owner goes to the end, and whoever stood behind it watches the next.
#[tokio::test]
async fn one_that_waits_is_deleted() {
    let mut world = World::new(Strategy::Queue, 1, LONG).await;
    let mut a = world.campaign("a");
    a.master(0).await;
    let mut b = world.campaign("b");
    b.standby(0, "outranked").await;
    let mut c = world.campaign("c");
    c.standby(0, "outranked").await;
    let mut hand = hand(&world).await;
    let before = world.znodes(&mut hand, "").await;
    hand.delete(&before[1], None).await.unwrap();
    let deadline = tokio::time::Instant::now() + election_tests::PATIENCE;
    while world.znodes(&mut hand, "").await.len() < 3 {
        assert!(tokio::time::Instant::now() < deadline, "b does not come back");
    }
    let after = world.znodes(&mut hand, "").await;
    assert_eq!(after[..2], [before[0].clone(), before[2].clone()]);
    a.stop().await;
    c.master(0).await;
    assert_eq!(b.told(0).len(), 1);
    c.stop().await;
    b.master(0).await;
    b.stop().await;
    hand.close().await.unwrap();
    world.finish(vec![a, b, c]).await;
}
