//! Role actors that misbehave.

use std::process::Command;
use std::time::Duration;

use election_tests::{LONG, Node, PATH, Strategy, What, World, misbehave, nothing_left};

fn start(world: &mut World, name: &str) -> Node {
    let mut command = Command::new(misbehave());
    let timeout = world.timeout.as_millis().to_string();
    let connect = world.ensemble.connect_string();
    command.args([connect.as_str(), PATH, name, timeout.as_str(), world.strategy.name()]);
    world.start(name, command)
}

/// It ends in order by its own command.
async fn quit(node: &mut Node) {
    node.say("quit");
    assert!(node.ended().await.success());
}

/// A dead role resigns, however it died, and the candidate waits for a new one.
pub(crate) async fn it_panics_or_stops(strategy: Strategy) {
    for death in ["panic", "stop"] {
        let mut world = World::new(strategy, 1, LONG).await;
        let mut a = start(&mut world, "a");
        let (_, first, mark) = a.master(0).await;
        let mut b = world.campaign("b");
        b.standby(0, "outranked").await;
        a.say(death);
        let (_, second, _) = b.master(0).await;
        assert!(second > first);
        assert_eq!(a.told(mark).len(), 0, "there is nobody left to be told");
        a.say("add");
        a.history.wait(mark, "the new role's state", |w| matches!(w, What::BecameStandby { .. })).await;
        b.stop().await;
        let (_, third, _) = a.master(mark).await;
        assert!(third > second);
        quit(&mut a).await;
        world.finish(vec![a, b]).await;
    }
}

/// Blocking the role's thread for 2 T costs neither the session nor the lease.
pub(crate) async fn it_blocks_its_thread(strategy: Strategy) {
    let mut world = World::new(strategy, 1, Duration::from_secs(2)).await;
    let mut a = start(&mut world, "a");
    let (_, token, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    a.say(&format!("block {}", 2 * world.timeout.as_millis()));
    let blocked = a.holding(mark).await.0.at;
    let long = world.timeout.as_secs_f64() * 2.2;
    let mut at = blocked;
    let mut behind = a.history.mark();
    while at < blocked + long {
        let (event, next) = a.holding(behind).await;
        assert!(matches!(event.what, What::Holding { token: held, .. } if held == token));
        (at, behind) = (event.at, next);
    }
    assert_eq!(a.told(mark).len(), 0, "{:?}", a.history);
    assert_eq!(b.told(0).len(), 1, "{:?}", b.history);
    quit(&mut a).await;
    world.finish(vec![a, b]).await;
}

/// G8: every handle dropped without a farewell, in a process that lives on.
pub(crate) async fn every_handle_is_dropped(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let mut a = start(&mut world, "a");
    let (_, first, _) = a.master(0).await;
    let mut b = world.campaign("b");
    b.standby(0, "outranked").await;
    a.say("drop");
    let (_, second, _) = b.master(0).await;
    assert!(second > first);
    b.stop().await;
    nothing_left(&world.ensemble).await.unwrap();
    quit(&mut a).await;
    world.finish(vec![a, b]).await;
}
