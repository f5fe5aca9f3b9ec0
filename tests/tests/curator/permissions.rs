//! Credentials on both sides, on one, or on the other.

use election_tests::{LONG, PATH, What, World};
use zookeeper_testkit::four_letter;
use zookeeper_testkit::wire::{Acl, CreateMode};

use crate::latch::{self, id};
use crate::world::{Candidate, Kind, all_stand, hand, join, master_seen_by, new_world, standing};

const CREDENTIALS: &str = "me:secret";

/// Starts one with credentials, and waits until it is one of `count` in the queue.
async fn join_with_credentials(world: &mut World, kind: Kind, name: &str, count: usize) -> Candidate {
    let node = match kind {
        Kind::Curators => {
            let mut options = latch::Options::new(world.ensemble.connect_string(), LONG);
            options.credentials = Some(CREDENTIALS.to_owned());
            world.start(name, options.latch(name))
        }
        Kind::Ours => {
            let mut options = world.options();
            options.more = vec!["--auth".into(), format!("digest:{CREDENTIALS}")];
            world.campaign_with(name, &options)
        }
    };
    let mut hand = hand(world).await;
    hand.add_auth("digest", CREDENTIALS.as_bytes()).await.unwrap();
    standing(&mut hand, PATH, count).await;
    hand.close().await.unwrap();
    Candidate { kind, node }
}

/// A path below which anybody may stand.
async fn open_path(world: &World) {
    let mut hand = hand(world).await;
    hand.create(PATH, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    hand.close().await.unwrap();
}

/// The same credentials on both sides: all is as without any, below a path that either kind has made.
#[tokio::test]
async fn all_have_the_same_credentials() {
    for (first, second) in [(Kind::Curators, Kind::Ours), (Kind::Ours, Kind::Curators)] {
        let mut world = new_world(LONG).await;
        let mut a = join_with_credentials(&mut world, first, "a", 1).await;
        a.node.master(0).await;
        let mut b = join_with_credentials(&mut world, second, "b", 2).await;
        let mut c = join_with_credentials(&mut world, first, "c", 3).await;
        a.leave().await;
        b.node.master(0).await;
        b.leave().await;
        c.node.master(0).await;
        c.leave().await;
        world.finish(vec![a.node, b.node, c.node]).await;
    }
}

/// Ours stands behind a znode of Curator's that it may not read: it sees a master without an address, says so, and takes
/// over all the same.
#[tokio::test]
async fn ours_may_not_read_a_latch() {
    let mut world = new_world(LONG).await;
    open_path(&world).await;
    let mut a = join_with_credentials(&mut world, Kind::Curators, "a", 1).await;
    let (_, token, _) = a.node.master(0).await;
    let mut b = join(&mut world, Kind::Ours, "b", 2).await;
    assert_eq!(master_seen_by(&b.node, 0).await, (String::new(), token));
    b.node.error(0, "ACL").await;
    a.leave().await;
    b.node.master(0).await;
    b.leave().await;
    world.finish(vec![a.node, b.node]).await;
}

/// The other way round nobody is served: Curator sets its watch by reading, and asks no more where it may not. What
/// `docs/curator.md` warns of.
#[tokio::test]
async fn a_latch_may_not_read_ours() {
    let mut world = new_world(LONG).await;
    open_path(&world).await;
    let mut a = join_with_credentials(&mut world, Kind::Ours, "a", 1).await;
    a.node.master(0).await;
    let mut b = join(&mut world, Kind::Curators, "b", 2).await;
    let c = join(&mut world, Kind::Ours, "c", 3).await;
    let (event, _) = c.node.standby(0, "outranked").await;
    assert!(matches!(event.what, What::BecameStandby { master: None, .. }), "the head may not be read");
    // Whatever it asked for when it had joined is answered before this.
    assert_eq!(b.node.ask("leads").await, false);
    a.leave().await;
    all_stand(&world, 2).await;
    assert_eq!(b.node.ask("leader").await, id("b").as_str(), "it is the head");
    assert_eq!(b.node.ask("leads").await, false);
    let watches = four_letter::watches(world.ensemble.server(0).address()).await.unwrap();
    let watched = watches.keys().filter(|path| path.starts_with(&format!("{PATH}/"))).count();
    assert_eq!(watched, 2, "c watches b's and its own, and b nothing: {watches:?}");
    b.node.kill();
    let mut c = c;
    c.node.master(0).await;
    c.leave().await;
    world.finish(vec![a.node, b.node, c.node]).await;
}
