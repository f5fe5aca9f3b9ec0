//! Scenarios: made from seeds, printed in full, and over when they should be.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use zookeeper_testkit::proxy::{Direction, FaultKind};
use zookeeper_testkit::scenario::{Step, proxy_faults, server_faults};
use zookeeper_testkit::server::ServerFaultKind;
use zookeeper_testkit::{FaultProxy, Scenario, TestServer};

/// Far beyond what anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn step<K>(at: Duration, fault: K, lasts: Duration) -> Step<K> {
    Step { at, fault, lasts }
}

#[test]
fn the_same_seed_is_the_same_scenario() {
    let faults = server_faults(3, SECOND);
    let scenarios: Vec<_> = (0..100).map(|seed| Scenario::random(seed, &faults, MINUTE, SECOND)).collect();
    let texts: HashSet<_> = scenarios.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 100, "other seeds, other scenarios");
    for (seed, scenario) in (0..).zip(&scenarios) {
        assert_eq!(*scenario, Scenario::random(seed, &faults, MINUTE, SECOND));
        assert!(scenario.to_string().starts_with(&format!("scenario of seed {seed}:\n")));
        assert!(scenario.length() <= MINUTE);
        assert!(scenario.steps().is_sorted_by_key(|step| step.at));
        assert!(scenario.steps().iter().all(|step| !step.lasts.is_zero() && step.lasts <= SECOND));
        assert!(scenario.steps().len() >= 60, "one at least begins in every second");
    }
    let used =
        |fault: &ServerFaultKind| scenarios.iter().flat_map(Scenario::steps).any(|step| step.fault == *fault);
    assert!(faults.iter().all(used));
    assert!(
        used(&ServerFaultKind::HoldExpiry),
        "a session that is about to end is served: clients have to live with it"
    );
}

#[test]
fn a_scaled_scenario_is_the_same_at_another_pace() {
    let faults = proxy_faults(SECOND);
    let slow = Scenario::random(7, &faults, MINUTE, SECOND);
    let fast = Scenario::random(7, &faults, MINUTE / 10, SECOND / 10);
    assert_eq!(slow.steps().len(), fast.steps().len());
    for (slow, fast) in slow.steps().iter().zip(fast.steps()) {
        assert_eq!(slow.fault, fast.fault);
        assert_eq!(slow.at, fast.at * 10);
        assert_eq!(slow.lasts, fast.lasts * 10);
    }
}

#[test]
fn a_scenario_prints_itself_in_full() {
    let ms = Duration::from_millis;
    let scenario = Scenario::of(vec![
        step(ms(1500), FaultKind::Hold(Direction::Both), ms(20)),
        step(ms(250), FaultKind::Refuse, SECOND),
    ]);
    let text =
        "scenario:\n  after 250ms, for 1s: refuse connections\n  after 1.5s, for 20ms: hold frames both ways";
    assert_eq!(scenario.to_string(), text);
    assert_eq!(scenario.length(), ms(1520));
}

#[test]
fn of_nothing_nothing_comes() {
    assert_eq!(Scenario::<FaultKind>::random(7, &[], MINUTE, SECOND).steps(), []);
    assert_eq!(Scenario::random(7, &[FaultKind::Refuse], MINUTE, Duration::ZERO).steps(), []);
    assert_eq!(Scenario::random(7, &[FaultKind::Refuse], Duration::ZERO, SECOND).steps(), []);
}

#[tokio::test]
async fn faults_begin_and_end_in_their_turn() {
    let server = TestServer::start().await.unwrap();
    let (soon, later) = (Duration::from_millis(50), Duration::from_millis(100));
    let scenario = Scenario::of(vec![
        step(Duration::ZERO, ServerFaultKind::Isolate(0), soon),
        step(soon, ServerFaultKind::Refuse(0), soon),
        step(soon, ServerFaultKind::AcceptAndClose(0), Duration::ZERO),
        step(later, ServerFaultKind::PauseLeader, DEADLINE),
    ]);
    let started = Instant::now();
    let running = scenario.start(server.handle()).unwrap();
    let mut seen = Vec::new();
    // It is asked after everything that happens, and sees what is in force by then.
    let last = server.wait_for(DEADLINE, |_| {
        seen.extend(server.faults());
        seen.last() == Some(&ServerFaultKind::PauseLeader)
    });
    last.await.unwrap();
    assert!(started.elapsed() >= later);
    assert!(!seen.contains(&ServerFaultKind::AcceptAndClose(0)));
    assert_eq!(server.faults(), [ServerFaultKind::PauseLeader]);
    assert_eq!(format!("{running:?}"), "RunningScenario(running)");
    running.stop();
    assert_eq!(server.faults(), []);
    assert!(started.elapsed() < DEADLINE);
}

#[tokio::test]
async fn after_the_last_fault_it_has_ended() {
    let server = TestServer::start().await.unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    let longest = Duration::from_millis(20);
    let scenario = Scenario::random(7, &proxy_faults(longest), Duration::from_millis(200), longest);
    let started = Instant::now();
    let running = scenario.start(proxy.handle()).unwrap();
    tokio::time::timeout(DEADLINE, running.ended()).await.unwrap();
    assert!(started.elapsed() >= scenario.length());
    assert_eq!(proxy.faults(), []);
    assert_eq!(format!("{running:?}"), "RunningScenario(ended)");
}
