//! Curator makes the election path a container, which the server deletes some time after the last candidate has left.

use std::time::Duration;

use election_tests::{LONG, Node, Options, PATH, PATIENCE, Strategy, Verdict, judge};
use zookeeper_testkit::proxy::Reply;
use zookeeper_testkit::wire::{ErrorCode, OpCode, RawClient};
use zookeeper_testkit::{FaultProxy, TestServer};

use crate::latch;
use crate::world::{Kind, hand, join, new_world, standing};

/// Ours stands in a container like in any other node; and whoever finds it gone makes it anew.
#[tokio::test]
async fn ours_stand_in_a_container() {
    let mut world = new_world(LONG).await;
    let mut a = join(&mut world, Kind::Curators, "a", 1).await;
    a.node.master(0).await;
    let mut b = join(&mut world, Kind::Ours, "b", 2).await;
    b.node.standby(0, "outranked").await;
    a.leave().await;
    let (_, token, mark) = b.node.master(0).await;
    b.leave().await;
    let mut hand = hand(&world).await;
    standing(&mut hand, PATH, 0).await;
    // The server would do it within a minute.
    hand.delete(PATH, None).await.unwrap();
    let mut c = join(&mut world, Kind::Ours, "c", 1).await;
    let (_, second, _) = c.node.master(0).await;
    assert!(second > token);
    assert_eq!(b.node.told(mark).len(), 1);
    let mut d = join(&mut world, Kind::Curators, "d", 2).await;
    c.leave().await;
    d.node.master(0).await;
    d.leave().await;
    hand.close().await.unwrap();
    world.finish(vec![a.node, b.node, c.node, d.node]).await;
}

/// Here the server deletes it at once. Each of ours comes just as the last of Curator's leaves: in time for the container,
/// too late for it, or between the two.
#[tokio::test]
async fn the_container_is_deleted_while_ours_join() {
    let server = TestServer::builder().container_interval(Duration::from_millis(1)).start().await.unwrap();
    let mut a = Node::start("a", latch::Options::new(server.connect_string(), LONG).latch("a"));
    let options = Options {
        strategy: Strategy::Queue,
        zookeeper: server.connect_string(),
        timeout: LONG,
        more: Vec::new(),
    };
    let mut said = Vec::new();
    let mut mark = 0;
    for round in 0..8 {
        (_, _, mark) = a.master(mark).await;
        let mut b = Node::start("b", options.campaign("b"));
        if round % 2 == 0 {
            // It is about to send its first requests.
            b.session(0, "connected").await;
        }
        latch::close(&mut a).await;
        b.master(0).await;
        b.stop().await;
        said.push((format!("b#{round}"), b.history.events()));
        remove(&server).await;
        latch::stand(&mut a).await;
    }
    latch::quit(&mut a).await;
    said.push(("a".to_owned(), a.history.events()));
    let verdict = judge(&said, &[]);
    assert_eq!(verdict, Verdict::default(), "{verdict}");
    let nothing_left = server.wait_for(PATIENCE, |view| view.sessions.is_empty() && view.watches == 0).await;
    nothing_left.unwrap();
}

/// The election path goes, if the server has not done it yet: what ours make in its place is no container.
async fn remove(server: &TestServer) {
    let mut hand = RawClient::connect(server.address(), LONG, None).await.unwrap();
    standing(&mut hand, PATH, 0).await;
    let _ = hand.delete(PATH, None).await;
    assert_eq!(hand.exists(PATH).await.unwrap(), None);
    hand.close().await.unwrap();
}

/// A latch that finds its container gone when it is back from the end of its session makes no other, and never stands again.
/// What `docs/curator.md` warns of.
#[tokio::test]
async fn a_latch_outlives_its_container() {
    let server = TestServer::builder().container_interval(Duration::from_millis(1)).start().await.unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    let mut a = Node::start("a", latch::Options::new(proxy.connect_string(), LONG).latch("a"));
    let (_, _, mark) = a.master(0).await;
    let (session, _): (i64, String) = serde_json::from_value(a.ask("session").await).unwrap();
    let empty = server.view().nodes - 2;
    let away = proxy.refuse();
    assert!(server.expire(session));
    server.wait_for(PATIENCE, |view| view.nodes == empty).await.unwrap();
    proxy.forget();
    away.end();
    a.session(mark, "connected").await;
    let is_told = |reply: &Reply| reply.op == OpCode::GetChildren2 && reply.error == Some(ErrorCode::NoNode);
    proxy.wait_for(PATIENCE, |record| record.replies.iter().any(is_told)).await.unwrap();
    assert_eq!(a.ask("leads").await, false);
    // Only a new latch stands again.
    latch::close(&mut a).await;
    latch::stand(&mut a).await;
    a.master(mark).await;
    let creates = proxy.requests().iter().filter(|request| request.op == OpCode::Create2).count();
    assert_eq!(creates, 2, "the new latch's: one that found no path, and one that did");
    latch::quit(&mut a).await;
}
