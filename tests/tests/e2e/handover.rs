//! The master leaves in order.

use std::process::Command;

use election_tests::{LONG, PATH, Strategy, What, World, elect};

/// G4 and G5: the master has said that it is standby before the next one is master, and that takes no timeout.
pub(crate) async fn sigterm(strategy: Strategy) {
    let mut world = World::new(strategy, 3, LONG).await;
    let mut a = world.campaign("a");
    let (_, first, _) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    a.terminate();
    let (stepped_down, mark) = a.standby(0, "resigned").await;
    let (event, second, _) = b.master(0).await;
    assert!(second > first);
    assert!(event.at > stepped_down.at, "b led before a had stepped down");
    assert!(event.at - stepped_down.at < LONG.as_secs_f64(), "a handover waits for no timeout");
    a.session(mark, "closed").await;
    assert!(a.ended().await.success());
    world.finish(vec![a, b]).await;
}

pub(crate) async fn nine_candidates_each_win_once(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let mut nodes: Vec<_> = (0..9).map(|i| world.campaign(&format!("n{i}"))).collect();
    let mut last = 0;
    for _ in 0..9 {
        let master = async {
            let waits = nodes.iter().enumerate().filter(|(_, node)| !node.has_ended());
            let waits = waits.map(|(i, node)| Box::pin(async move { (i, node.master(0).await.1) }));
            let mut waits: Vec<_> = waits.collect();
            std::future::poll_fn(move |cx| {
                waits
                    .iter_mut()
                    .find_map(|wait| match wait.as_mut().poll(cx) {
                        std::task::Poll::Ready(won) => Some(won),
                        std::task::Poll::Pending => None,
                    })
                    .map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            })
            .await
        };
        let (winner, token) = master.await;
        assert!(token > last);
        last = token;
        nodes[winner].stop().await;
    }
    world.finish(nodes).await;
}

/// `elect resign`: the master steps down in order and stays a candidate.
pub(crate) async fn resign_from_outside(strategy: Strategy) {
    let mut world = World::new(strategy, 1, LONG).await;
    let a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    let resign = |connect: String| {
        let output = Command::new(elect()).args(["resign", PATH, "--zookeeper", &connect]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let connect = world.ensemble.connect_string();
    let asked = connect.clone();
    tokio::task::spawn_blocking(move || resign(asked)).await.unwrap();
    let (_, a_mark) = a.standby(mark, "resigned").await;
    let (_, second, mark) = b.master(0).await;
    assert!(second > first);
    // And back again, which shows that a stayed a candidate.
    tokio::task::spawn_blocking(move || resign(connect)).await.unwrap();
    b.standby(mark, "resigned").await;
    let (_, third, _) = a.master(a_mark).await;
    assert!(third > second);
    assert!(a.history.events().iter().all(|event| !matches!(event.what, What::Error { .. })));
    world.finish(vec![a, b]).await;
}
