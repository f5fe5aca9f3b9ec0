//! G7: recovery without a restart.

use std::time::Duration;

use election_tests::{LONG, Strategy, What, World};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient, expire_session};

/// The server ends the session though the connection is fine.
pub(crate) async fn the_session_is_expired_while_the_connection_is_fine(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let server = world.ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let a = world.campaign_with("a", &options);
    let (_, first, mark) = a.master(0).await;
    let handshake = proxy.handshakes().into_iter().find_map(|h| h.response).unwrap();
    expire_session(server, handshake.session_id, &handshake.password).await.unwrap();
    a.standby(mark, "session_lost").await;
    a.session(mark, "lost").await;
    let (_, second, _) = a.master(mark).await;
    assert!(second > first);
    world.finish(vec![a]).await;
}

pub(crate) async fn no_server_at_the_start(strategy: Strategy) {
    let mut world = World::new(strategy, 1, Duration::from_secs(2)).await;
    world.ensemble.server(0).kill();
    let a = world.campaign("a");
    let (_, mark) = a.standby(0, "connecting").await;
    a.error(0, "no server").await;
    world.ensemble.start_server(0).await.unwrap();
    a.master(mark).await;
    world.finish(vec![a]).await;
}

/// Tokens and the lease are exempt when the ensemble loses its data; recovery is not.
pub(crate) async fn the_ensemble_is_wiped(strategy: Strategy) {
    let mut world = World::new(strategy, 3, Duration::from_secs(2)).await;
    let a = world.campaign("a");
    let (_, _, mark) = a.master(0).await;
    let b = world.campaign("b");
    let (_, b_mark) = b.standby(0, "outranked").await;
    world.ensemble.kill_all();
    a.standby(mark, "lease_ending").await;
    world.new_era();
    let (mark, b_mark) = (a.history.mark().max(mark), b.history.mark().max(b_mark));
    world.ensemble.wipe().await.unwrap();
    tokio::select! {
        _ = a.master(mark) => {}
        _ = b.master(b_mark) => {}
    }
    world.finish(vec![a, b]).await;
}

/// The lease goes by what the server granted, however much was asked for.
pub(crate) async fn a_smaller_grant_and_then_silence(strategy: Strategy) {
    let mut world = World::new(strategy, 1, Duration::from_secs(60)).await;
    world.ensemble.restart_with("maxSessionTimeout", 2000).await.unwrap();
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let mut options = world.options();
    options.zookeeper = proxy.connect_string();
    let a = world.campaign_with("a", &options);
    let (event, _, mark) = a.master(0).await;
    assert!(
        matches!(event.what, What::BecameMaster { remaining, .. } if remaining.is_some_and(|left| left <= 2.0)),
        "{event:?}"
    );
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let silence = proxy.hold(zookeeper_testkit::proxy::Direction::Both);
    let (stepped_down, _) = a.standby(mark, "lease_ending").await;
    let (event, _, _) = b.master(0).await;
    assert!(event.at > stepped_down.at);
    drop(silence);
    let (a_mark, b_mark) = (a.history.mark(), b.history.mark());
    b.holding(b_mark).await;
    a.session(mark, "lost").await;
    a.session(a_mark.min(mark), "connected").await;
    world.finish(vec![a, b]).await;
}

/// The path of the election, several levels deep, is deleted with everything in it.
pub(crate) async fn the_election_path_is_deleted(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let server = world.ensemble.server(0).address();
    let mut options = world.options();
    options.zookeeper = format!("{}/deep/down", options.zookeeper);
    let a = world.campaign_with("a", &options);
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign_with("b", &options);
    b.standby(0, "outranked").await;
    let mut client = RawClient::connect(server, LONG, None).await.unwrap();
    // The candidates race us for every parent; losing a race only means to begin again.
    let mut deleted = 0;
    while deleted < 3 {
        deleted = 0;
        let below = client.get_children("/deep/down/master").await.unwrap_or_default();
        for name in below {
            // Another one may have gone before.
            world.delete_by_hand(&mut client, &format!("/deep/down/master/{name}")).await;
        }
        for path in ["/deep/down/master", "/deep/down", "/deep"] {
            deleted += usize::from(world.delete_by_hand(&mut client, path).await);
        }
    }
    client.close().await.unwrap();
    a.standby(mark, "node_lost").await;
    let second = tokio::select! {
        (_, token, _) = a.master(mark) => token,
        (_, token, _) = b.master(0) => token,
    };
    assert!(second > first);
    world.finish(vec![a, b]).await;
}

/// A denied ACL is reported, and recovered from when it is put right.
pub(crate) async fn a_denied_acl_is_put_right(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let server = world.ensemble.server(0).address();
    let mut client = RawClient::connect(server, LONG, None).await.unwrap();
    client.create("/closed", b"", &Acl::read_only(), CreateMode::Persistent).await.unwrap();
    client.close().await.unwrap();
    let mut options = world.options();
    options.zookeeper = format!("{}/closed", options.zookeeper);
    let a = world.campaign_with("a", &options);
    a.error(0, "ACL").await;
    let (_, mark) = a.standby(0, "denied").await;
    // Its ACL allows nobody to change it, but its parent allows to delete it.
    let mut client = RawClient::connect(server, LONG, None).await.unwrap();
    client.delete("/closed", None).await.unwrap();
    client.close().await.unwrap();
    a.master(mark).await;
    world.finish(vec![a]).await;
}

/// What the master creates with credentials, others can neither read nor delete; they wait all the same.
#[tokio::test]
async fn credentials() {
    let mut world = World::new(Strategy::Lock, 1, LONG).await;
    let server = world.ensemble.server(0).address();
    let mut options = world.options();
    options.more = vec!["--auth".into(), "digest:me:secret".into()];
    let mut a = world.campaign_with("a", &options);
    let (_, first, _) = a.master(0).await;
    let mut stranger = RawClient::connect(server, LONG, None).await.unwrap();
    assert!(stranger.get_data("/master").await.is_err());
    stranger.close().await.unwrap();
    let b = world.campaign("b");
    let (event, mark) = b.standby(0, "outranked").await;
    assert!(
        matches!(&event.what, What::BecameStandby { master: Some(m), .. } if m.address.is_empty() && m.token == first)
    );
    b.error(0, "ACL").await;
    a.stop().await;
    b.master(mark).await;
    world.finish(vec![a, b]).await;
}

/// Below a path that was made with credentials only those who have them can stand in the queue.
#[tokio::test]
async fn credentials_of_a_queue() {
    let mut world = World::new(Strategy::Queue, 1, LONG).await;
    let mut options = world.options();
    options.more = vec!["--auth".into(), "digest:me:secret".into()];
    let mut a = world.campaign_with("a", &options);
    a.master(0).await;
    let b = world.campaign_with("b", &options);
    b.standby(0, "outranked").await;
    let c = world.campaign("c");
    c.standby(0, "denied").await;
    c.error(0, "ACL").await;
    a.stop().await;
    b.master(0).await;
    world.finish(vec![a, b, c]).await;
}
