//! Replies that never come: nobody stands twice, and nobody waits for ever.

use std::time::Duration;

use election_tests::{LONG, PATH};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::wire::{Acl, CreateMode, OpCode};

use crate::world::{Kind, all_stand, hand, join, new_world, start_behind};

/// One joins behind one of the other kind, and the reply to its create is lost; another of the other kind joins behind it.
async fn the_reply_to_the_create_is_lost(joins: Kind) {
    let mut world = new_world(LONG).await;
    // There already, so that the first create is the one that counts.
    let mut first = hand(&world).await;
    first.create(PATH, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    first.close().await.unwrap();
    let mut a = join(&mut world, joins.other(), "a", 1).await;
    a.node.master(0).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let fault = proxy.cut_before_reply(OpCode::Create2);
    let mut b = start_behind(&mut world, &proxy, joins, "b");
    fault.wait_until_met(Duration::from_secs(60)).await.unwrap();
    let mut c = join(&mut world, joins.other(), "c", 3).await;
    b.node.session(b.node.session(0, "suspended").await.1, "connected").await;
    a.leave().await;
    match joins {
        // When it is back it may look before it has found its znode, and then makes another one: it has lost its place.
        Kind::Curators => tokio::select! {
            _ = b.node.master(0) => b.leave().await,
            _ = c.node.master(0) => c.leave().await,
        },
        Kind::Ours => {
            b.node.master(0).await;
            let creates = proxy.requests().iter().filter(|request| request.op == OpCode::Create2).count();
            assert_eq!(creates, 1, "the znode that was found is the one that was created");
            b.leave().await;
        }
    }
    let last = if b.node.has_ended() { &mut c } else { &mut b };
    last.node.master(0).await;
    all_stand(&world, 1).await;
    last.leave().await;
    world.finish(vec![a.node, b.node, c.node]).await;
}

#[tokio::test]
async fn the_reply_to_a_latchs_create_is_lost() {
    the_reply_to_the_create_is_lost(Kind::Curators).await;
}

#[tokio::test]
async fn the_reply_to_our_create_is_lost() {
    the_reply_to_the_create_is_lost(Kind::Ours).await;
}
