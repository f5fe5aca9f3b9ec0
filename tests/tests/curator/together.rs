//! Both kinds stand in one queue, see the same of it, and take their turns.

use election_tests::{LONG, Node, PATH, World};

use crate::latch::{self, id};
use crate::world::{
    Candidate, Kind, all_stand, ask_elect, hand, join, master_seen_by, new_world, standing, status,
};

/// A name is a UUID with `_c_` before it, and the place behind it.
fn is_name(name: &str, place: usize) -> bool {
    let uuid = name.strip_prefix("_c_").and_then(|rest| rest.strip_suffix(&format!("-latch-{place:010}")));
    let dash = |at| matches!(at, 8 | 13 | 18 | 23);
    uuid.is_some_and(|uuid| {
        uuid.len() == 36
            && uuid.char_indices().all(|(at, c)| if dash(at) { c == '-' } else { c.is_ascii_hexdigit() })
    })
}

/// Everybody sees the same four, in the same order.
async fn all_see(world: &World, curators: &mut Node, expected: &[&str]) {
    let ids: Vec<_> = expected.iter().map(|name| id(name)).collect();
    let shown = status(world).await;
    assert_eq!(shown.iter().map(|(address, _)| address.clone()).collect::<Vec<_>>(), ids);
    assert!(shown.is_sorted_by_key(|(_, token)| *token), "{shown:?}");
    assert_eq!(latch::participants(curators).await, ids);
    assert_eq!(curators.ask("leader").await, ids[0].as_str());
}

/// Four who come by turns, and the queue as it looks to everybody.
async fn four(first: Kind) -> (World, Vec<Candidate>) {
    let mut world = new_world(LONG).await;
    let second = first.other();
    let mut candidates = Vec::new();
    for (kind, name) in [(first, "a"), (second, "b"), (first, "c"), (second, "d")] {
        candidates.push(join(&mut world, kind, name, candidates.len() + 1).await);
    }
    let mut hand = hand(&world).await;
    let names = standing(&mut hand, PATH, 4).await;
    for (place, name) in names.iter().enumerate() {
        assert!(is_name(name, place), "{names:?}");
        let (data, _) = hand.get_data(&format!("{PATH}/{name}")).await.unwrap();
        assert_eq!(String::from_utf8(data).unwrap(), id(&candidates[place].node.name));
    }
    hand.close().await.unwrap();
    let curators = candidates.iter_mut().rfind(|candidate| candidate.kind == Kind::Curators).unwrap();
    all_see(&world, &mut curators.node, &["a", "b", "c", "d"]).await;
    (world, candidates)
}

/// The master gives up its term, and stands again.
async fn step_down(world: &World, master: &mut Candidate) {
    let mark = master.node.history.mark();
    match master.kind {
        Kind::Curators => {
            latch::close(&mut master.node).await;
            latch::not_leader(&master.node, mark).await;
            latch::stand(&mut master.node).await;
        }
        Kind::Ours => {
            let connect = world.ensemble.connect_string();
            let output = ask_elect(&["resign", PATH, "--zookeeper", &connect]).await;
            assert!(output.status.success(), "{output:?}");
            master.node.standby(mark, "resigned").await;
        }
    }
}

/// Each leads once, in the order in which they came; whoever steps down goes to the end.
async fn each_in_its_turn(first: Kind) {
    let (mut world, mut candidates) = four(first).await;
    let (_, mut token, _) = candidates[0].node.master(0).await;
    for behind in candidates[1..].iter().filter(|candidate| candidate.kind == Kind::Ours) {
        assert_eq!(master_seen_by(&behind.node, 0).await, (id("a"), token));
    }
    let mut marks = [0; 4];
    for turn in 0..4 {
        marks[turn] = candidates[turn].node.history.mark();
        step_down(&world, &mut candidates[turn]).await;
        let next = (turn + 1) % 4;
        let (_, nexts, _) = candidates[next].node.master(marks[next]).await;
        assert!(nexts > token);
        token = nexts;
        all_stand(&world, 4).await;
    }
    // All went to the end, one after another.
    let curators = candidates.iter_mut().rfind(|candidate| candidate.kind == Kind::Curators).unwrap();
    all_see(&world, &mut curators.node, &["a", "b", "c", "d"]).await;
    let mut last = join(&mut world, first, "e", 5).await;
    for candidate in &mut candidates {
        candidate.leave().await;
    }
    last.node.master(0).await;
    last.leave().await;
    let nodes = candidates.into_iter().chain([last]).map(|candidate| candidate.node).collect();
    world.finish(nodes).await;
}

#[tokio::test]
async fn each_in_its_turn_curator_first() {
    each_in_its_turn(Kind::Curators).await;
}

#[tokio::test]
async fn each_in_its_turn_ours_first() {
    each_in_its_turn(Kind::Ours).await;
}

/// Curator's reads no request to resign: whoever asks is told so, and nothing comes of it.
#[tokio::test]
async fn a_latch_is_asked_to_resign() {
    let mut world = new_world(LONG).await;
    let mut a = join(&mut world, Kind::Curators, "a", 1).await;
    let (_, _, mark) = a.node.master(0).await;
    let mut b = join(&mut world, Kind::Ours, "b", 2).await;
    let connect = world.ensemble.connect_string();
    let output = ask_elect(&["resign", PATH, "--zookeeper", &connect]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("has not stepped down"), "{output:?}");
    assert_eq!(a.node.ask("leads").await, true);
    assert_eq!(a.node.told(mark).len(), 0);
    let mut hand = hand(&world).await;
    let beside = hand.get_children("/").await.unwrap();
    assert!(!beside.iter().any(|name| name.contains(".resign-")), "{beside:?}");
    hand.close().await.unwrap();
    a.leave().await;
    b.node.master(0).await;
    b.leave().await;
    world.finish(vec![a.node, b.node]).await;
}

/// What is judged rests on it: the two kinds tell the time by the same clock.
#[tokio::test]
async fn their_clocks_agree() {
    let mut world = new_world(LONG).await;
    let now = || actix_election::clock::now().as_secs_f64();
    let before = now();
    let mut a = join(&mut world, Kind::Curators, "a", 1).await;
    let (event, _) = a.node.session(0, "connecting").await;
    assert!((before..now()).contains(&event.at), "{before} {event:?}");
    let asked = now();
    a.node.holding(a.node.history.mark()).await;
    let (event, _) = a.node.holding(a.node.history.mark()).await;
    assert!((asked..now()).contains(&event.at), "{asked} {event:?}");
    a.leave().await;
    world.finish(vec![a.node]).await;
}

/// A namespace of Curator's is a chroot of ours.
#[tokio::test]
async fn a_namespace_is_a_chroot() {
    let mut world = new_world(LONG).await;
    let mut options = latch::Options::new(world.ensemble.connect_string(), world.timeout);
    options.namespace = Some("app".to_owned());
    let mut a = world.start("a", options.latch("a"));
    let (_, first, _) = a.master(0).await;
    let mut options = world.options();
    options.zookeeper = format!("{}/app", options.zookeeper);
    let b = world.campaign_with("b", &options);
    assert_eq!(master_seen_by(&b, 0).await, (id("a"), first));
    assert_eq!(latch::participants(&mut a).await, [id("a"), id("b")]);
    latch::quit(&mut a).await;
    let (_, second, _) = b.master(0).await;
    assert!(second > first);
    world.finish(vec![a, b]).await;
}

/// Whoever gives no address has an empty id.
#[tokio::test]
async fn one_has_no_address() {
    let mut world = new_world(LONG).await;
    let mut command = std::process::Command::new(election_tests::elect());
    command.args(["campaign", PATH, "--strategy", "queue", "--json"]);
    command.args(["--zookeeper", &world.ensemble.connect_string()]);
    let mut a = world.start("a", command);
    a.master(0).await;
    let mut b = join(&mut world, Kind::Curators, "b", 2).await.node;
    assert_eq!(latch::participants(&mut b).await, ["", "b:1"]);
    assert_eq!(b.ask("leader").await, "");
    a.stop().await;
    b.master(0).await;
    latch::quit(&mut b).await;
    world.finish(vec![a, b]).await;
}
