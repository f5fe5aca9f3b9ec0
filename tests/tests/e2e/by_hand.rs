//! Somebody lays hands on the znodes.

use std::time::Duration;

use election_tests::{What, World};
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

async fn hand(world: &World) -> RawClient {
    RawClient::connect(world.ensemble.server(0).address(), Duration::from_secs(10), None).await.unwrap()
}

/// Nothing is promised about overlap here but one notification's time; everything else is.
#[tokio::test]
async fn the_lock_is_deleted() {
    let mut world = World::new(1, Duration::from_secs(4)).await;
    let a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let mut hand = hand(&world).await;
    world.new_era();
    hand.delete("/master", None).await.unwrap();
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
#[tokio::test]
async fn the_lock_is_overwritten() {
    let mut world = World::new(1, Duration::from_secs(4)).await;
    let mut a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let mut hand = hand(&world).await;
    for rubbish in [&b"\xff\xfe\x00"[..], b"", b"b:1", &[b'x'; 100_000]] {
        hand.set_data("/master", rubbish, None).await.unwrap();
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
    let mut world = World::new(1, Duration::from_secs(4)).await;
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

/// The parent is ephemeral, so that there can be no lock below it.
#[tokio::test]
async fn an_ephemeral_parent_squats_on_the_path() {
    let mut world = World::new(1, Duration::from_secs(4)).await;
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
    let mut world = World::new(1, Duration::from_secs(4)).await;
    let mut hand = hand(&world).await;
    hand.create("/master", b"stranger:9", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let a = world.campaign("a");
    let (event, mark) = a.standby(0, "outranked").await;
    assert!(matches!(&event.what, What::BecameStandby { master: Some(m), .. } if m.address == "stranger:9"));
    hand.delete("/master", None).await.unwrap();
    let (_, token, mark) = a.master(mark).await;
    // In the place of a request to resign.
    let request = format!("/master.resign-{token:016x}");
    for (data, mode) in [
        (&b"resign"[..], CreateMode::Persistent),
        (b"rubbish", CreateMode::Ephemeral),
        (b"", CreateMode::Persistent),
    ] {
        hand.create(&request, data, &Acl::open(), mode).await.unwrap();
        hand.set_data(&request, b"more rubbish", None).await.unwrap();
        a.holding(a.history.mark()).await;
        hand.delete(&request, None).await.unwrap();
    }
    assert_eq!(a.told(mark).len(), 0);
    hand.create(&request, b"resign", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    a.standby(mark, "resigned").await;
    hand.close().await.unwrap();
    world.finish(vec![a]).await;
}
