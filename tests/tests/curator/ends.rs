//! Candidates die, are stopped, lose their sessions or their network, and the server goes.

use std::time::Duration;

use election_tests::{LONG, PATH, World};
use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::expire_session;

use crate::latch;
use crate::world::{Candidate, Kind, all_stand, hand, join, new_world, standing, start_behind};

/// Where a session's timeout is waited for.
const SHORT: Duration = Duration::from_secs(4);

/// A master, and one of the other kind behind it.
async fn two(timeout: Duration, first: Kind) -> (World, Candidate, Candidate) {
    let mut world = new_world(timeout).await;
    let a = join(&mut world, first, "a", 1).await;
    a.node.master(0).await;
    let b = join(&mut world, first.other(), "b", 2).await;
    (world, a, b)
}

async fn finish(world: World, candidates: Vec<Candidate>) {
    let mut nodes = Vec::new();
    for mut candidate in candidates {
        if !candidate.node.has_ended() {
            candidate.leave().await;
        }
        nodes.push(candidate.node);
    }
    world.finish(nodes).await;
}

/// The master is killed, and after that one that waits between two of the other kind.
async fn kill_dash_nine(first: Kind) {
    let (mut world, mut a, mut b) = two(SHORT, first).await;
    let mut c = join(&mut world, first, "c", 3).await;
    let mut d = join(&mut world, b.kind, "d", 4).await;
    a.node.kill();
    b.node.master(0).await;
    c.node.kill();
    all_stand(&world, 2).await;
    b.leave().await;
    d.node.master(0).await;
    let e = join(&mut world, first, "e", 2).await;
    d.node.kill();
    e.node.master(0).await;
    finish(world, vec![a, b, c, d, e]).await;
}

#[tokio::test]
async fn kill_dash_nine_curator_first() {
    kill_dash_nine(Kind::Curators).await;
}

#[tokio::test]
async fn kill_dash_nine_ours_first() {
    kill_dash_nine(Kind::Ours).await;
}

/// The server ends the session of Curator's, which learns of it when ours is master already, and stands again.
#[tokio::test]
async fn the_session_of_a_latch_expires() {
    let (mut world, mut a, mut b) = two(LONG, Kind::Curators).await;
    let mark = a.node.history.mark();
    // Curator promises nothing for the time until it hears of it.
    world.new_era();
    latch::expire(&mut a.node, world.ensemble.server(0).address()).await;
    b.node.master(0).await;
    latch::not_leader(&a.node, mark).await;
    all_stand(&world, 2).await;
    b.leave().await;
    a.node.master(mark).await;
    finish(world, vec![a, b]).await;
}

/// The server ends our session, which is nothing that a lease promises anything for, and ours stands again.
#[tokio::test]
async fn our_session_expires() {
    let mut world = new_world(LONG).await;
    let server = world.ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let a = start_behind(&mut world, &proxy, Kind::Ours, "a");
    let (_, _, mark) = a.node.master(0).await;
    let mut b = join(&mut world, Kind::Curators, "b", 2).await;
    let session = proxy.handshakes().into_iter().find_map(|handshake| handshake.response).unwrap();
    world.new_era();
    expire_session(server, session.session_id, &session.password).await.unwrap();
    b.node.master(0).await;
    a.node.standby(mark, "session_lost").await;
    all_stand(&world, 2).await;
    b.leave().await;
    a.node.master(mark).await;
    finish(world, vec![a, b]).await;
}

/// The master is cut off until its session is over: it has stepped down, and stands again once it is back.
async fn cut_off(first: Kind) {
    let mut world = new_world(SHORT).await;
    let proxy = FaultProxy::start(world.ensemble.server(0).address()).unwrap();
    let a = start_behind(&mut world, &proxy, first, "a");
    let (_, _, mark) = a.node.master(0).await;
    let mut b = join(&mut world, first.other(), "b", 2).await;
    let silence = proxy.hold(Direction::Both);
    if first == Kind::Curators {
        // It steps down when it has heard nothing for two thirds of its timeout, by a clock that a busy machine stops.
        world.new_era();
        latch::not_leader(&a.node, mark).await;
    } else {
        a.node.standby(mark, "lease_ending").await;
    }
    b.node.master(0).await;
    let mark = a.node.history.mark();
    drop(silence);
    all_stand(&world, 2).await;
    b.leave().await;
    a.node.master(mark).await;
    finish(world, vec![a, b]).await;
}

#[tokio::test]
async fn a_latch_is_cut_off() {
    cut_off(Kind::Curators).await;
}

#[tokio::test]
async fn ours_is_cut_off_before_a_latch() {
    when_the_machine_runs(SHORT / 50, async |_| {
        cut_off(Kind::Ours).await;
    })
    .await;
}

/// The whole process stands still until its session is over. Ours finds its lease at an end; Curator has nothing to look at,
/// and may take itself for the leader for a moment.
async fn stopped(first: Kind) {
    let (mut world, a, mut b) = two(SHORT, first).await;
    let mark = a.node.history.mark();
    if first == Kind::Curators {
        world.new_era();
    }
    a.node.pause();
    b.node.master(0).await;
    a.node.resume();
    match first {
        Kind::Curators => latch::not_leader(&a.node, mark).await,
        Kind::Ours => {
            a.node
                .history
                .wait(mark, "standby", |what| matches!(what, election_tests::What::BecameStandby { .. }))
                .await
        }
    };
    all_stand(&world, 2).await;
    b.leave().await;
    a.node.master(mark).await;
    finish(world, vec![a, b]).await;
}

#[tokio::test]
async fn a_latch_is_stopped_for_longer_than_its_session_lives() {
    stopped(Kind::Curators).await;
}

#[tokio::test]
async fn ours_is_stopped_before_a_latch() {
    stopped(Kind::Ours).await;
}

/// The sessions outlive the server's restart: the same one leads, and whoever stands behind it is awake.
async fn the_server_is_restarted(first: Kind) {
    let (mut world, mut a, mut b) = two(LONG, first).await;
    let mut c = join(&mut world, first, "c", 3).await;
    let before = a.node.history.mark();
    world.ensemble.server(0).restart().await.unwrap();
    let mut hand = hand(&world).await;
    standing(&mut hand, PATH, 3).await;
    match first {
        // It cannot know that nobody else leads as soon as its connection is gone.
        Kind::Curators => {
            let (_, mark) = latch::not_leader(&a.node, before).await;
            a.node.master(mark).await;
        }
        Kind::Ours => {
            a.node.session(before, "connected").await;
            a.node.holding(a.node.history.mark()).await;
            assert_eq!(a.node.told(before).len(), 0, "{:?}", a.node.history);
        }
    }
    for behind in [&b, &c] {
        behind.node.session(0, "suspended").await;
    }
    a.leave().await;
    b.node.master(0).await;
    b.leave().await;
    c.node.master(0).await;
    c.leave().await;
    hand.close().await.unwrap();
    finish(world, vec![a, b, c]).await;
}

#[tokio::test]
async fn the_server_is_restarted_under_a_latch() {
    the_server_is_restarted(Kind::Curators).await;
}

#[tokio::test]
async fn the_server_is_restarted_under_ours() {
    when_the_machine_runs(LONG / 50, async |_| {
        the_server_is_restarted(Kind::Ours).await;
    })
    .await;
}
