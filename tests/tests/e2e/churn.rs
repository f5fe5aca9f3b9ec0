//! Many processes come and go.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use election_tests::{Strategy, World};

/// 200 quick starts and stops, wherever each of them just is, leave nothing behind.
pub(crate) async fn two_hundred_quick_starts_and_stops(strategy: Strategy) {
    let mut world = World::new(strategy, 1, Duration::from_secs(10)).await;
    let mut nodes = Vec::new();
    for round in 0..50 {
        let mut four: Vec<_> = (0..4).map(|i| world.campaign(&format!("n{round}-{i}"))).collect();
        for (i, node) in four.iter().enumerate() {
            // Each is stopped at another point of its start.
            match (round + i) % 4 {
                0 => {}
                1 => drop(node.session(0, "connecting").await),
                2 => drop(node.session(0, "connected").await),
                _ => drop(
                    node.history
                        .wait(0, "its first word", |what| {
                            !matches!(what, election_tests::What::Session { .. })
                        })
                        .await,
                ),
            }
            node.terminate();
        }
        for node in &mut four {
            let status = node.ended().await;
            // One that had not come so far as to listen for signals has made no session either.
            let unheard = status.signal() == Some(15) && node.history.mark() == 0;
            assert!(status.success() || unheard, "{status}: {:?}", node.history);
        }
        nodes.extend(four);
    }
    assert_eq!(nodes.len(), 200);
    world.finish(nodes).await;
}
