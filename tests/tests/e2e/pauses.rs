//! The master's process stops and goes on.

use std::time::Duration;

use election_tests::{Strategy, What, World};

/// For 2 T: another one is master by then, and the first look at the lease after SIGCONT says no.
pub(crate) async fn stopped_for_twice_the_timeout(strategy: Strategy) {
    let mut world = World::new(strategy, 3, Duration::from_secs(2)).await;
    let a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    a.pause();
    let paused = actix_election::clock::now().as_secs_f64();
    let (_, second, b_mark) = b.master(0).await;
    assert!(second > first);
    // What is waited for here is time itself: the rest of 2 T.
    let until = paused + 2.0 * world.timeout.as_secs_f64();
    let rest = until - actix_election::clock::now().as_secs_f64();
    tokio::time::sleep(Duration::from_secs_f64(rest.max(0.0))).await;
    let resumed = actix_election::clock::now().as_secs_f64();
    a.resume();
    let (told, after) =
        a.history.wait(mark, "became_standby", |w| matches!(w, What::BecameStandby { .. })).await;
    assert!(told.at >= resumed);
    let mut late = a.history.events()[mark..after].to_vec();
    late.retain(|event| event.at >= resumed && matches!(event.what, What::Holding { .. }));
    assert!(late.is_empty(), "held after the stop: {late:?}");
    a.session(mark, "lost").await;
    b.holding(b_mark).await;
    world.finish(vec![a, b]).await;
}

/// G6: for 0.2 T nothing happens.
pub(crate) async fn stopped_for_a_fifth_of_the_timeout(strategy: Strategy) {
    let mut world = World::new(strategy, 3, Duration::from_secs(10)).await;
    let a = world.campaign("a");
    let (_, token, mark) = a.master(0).await;
    let b = world.campaign("b");
    let (_, b_mark) = b.standby(0, "outranked").await;
    for _ in 0..3 {
        a.pause();
        // What is waited for is time itself.
        tokio::time::sleep(world.timeout / 5).await;
        a.resume();
        let (event, _) = a.holding(a.history.mark()).await;
        assert!(matches!(event.what, What::Holding { token: held, .. } if held == token));
    }
    assert_eq!(a.told(mark).len(), 0, "{:?}", a.history);
    assert_eq!(b.told(b_mark).len(), 0, "{:?}", b.history);
    world.finish(vec![a, b]).await;
}
