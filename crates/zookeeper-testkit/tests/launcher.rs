//! Real servers: started, hurt in every way, and gone afterwards.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

use std::path::Path;
use std::time::{Duration, Instant};

use zookeeper_testkit::four_letter::{self, FourLetterError, Mode};
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient, WireError};
use zookeeper_testkit::{Ensemble, LaunchError};

const TIMEOUT: Duration = Duration::from_secs(10);

async fn client(ensemble: &Ensemble, index: usize) -> RawClient {
    RawClient::connect(ensemble.server(index).address(), TIMEOUT, None).await.unwrap()
}

fn process_exists(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[tokio::test]
async fn one_server_is_hurt_and_comes_back() {
    let started = Instant::now();
    let ensemble = Ensemble::builder().max_session_timeout(Duration::from_secs(7)).start().await.unwrap();
    println!("one server is up after {:?}", started.elapsed());
    let server = ensemble.server(0);
    assert_eq!(server.mode().await.unwrap(), Mode::Standalone);
    assert_eq!(ensemble.leader().await.unwrap(), 0);
    assert_eq!(ensemble.followers().await.unwrap(), []);
    assert_eq!(ensemble.connect_string(), server.address().to_string());

    let mut before = client(&ensemble, 0).await;
    assert_eq!(before.session_timeout(), Duration::from_secs(7), "the setting is in force");
    before.create("/kept", b"data", &Acl::open(), CreateMode::Persistent).await.unwrap();

    server.kill();
    assert!(!server.is_running());
    assert!(matches!(before.ping().await, Err(WireError::Io(_))));
    assert!(matches!(before.ping().await, Err(WireError::Disconnected)));
    assert!(matches!(server.mode().await, Err(FourLetterError::Io { .. })));
    server.restart().await.unwrap();
    assert_eq!(client(&ensemble, 0).await.get_data("/kept").await.unwrap().0, b"data");

    ensemble.restart_with("maxSessionTimeout", 3_000).await.unwrap();
    let mut after = client(&ensemble, 0).await;
    assert_eq!(after.session_timeout(), Duration::from_secs(3));
    assert!(after.exists("/kept").await.unwrap().is_some());

    server.restart_wiped().await.unwrap();
    assert_eq!(client(&ensemble, 0).await.exists("/kept").await.unwrap(), None);

    server.stop().await.unwrap();
    assert!(!server.is_running());
    assert!(matches!(server.wait_for_service().await, Err(LaunchError::NotRunning { server: 0 })));
    ensemble.start_server(0).await.unwrap();

    let id = server.process_id().unwrap();
    let log = server.log();
    assert!(process_exists(id) && log.exists());
    drop(ensemble);
    assert!(!process_exists(id), "the process ended with the ensemble");
    assert!(!log.exists(), "the folder went with the ensemble");
}

#[tokio::test]
async fn a_paused_server_stands_still_and_goes_on() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0);
    let mut raw = client(&ensemble, 0).await;
    server.pause();
    assert!(server.is_paused() && server.is_running());
    // The kernel takes the request; no answer can come before the server is resumed.
    let question = tokio::spawn(async move { raw.ping().await });
    assert!(!server.is_leader().await, "nobody answers");
    assert!(!question.is_finished());
    server.resume();
    question.await.unwrap().unwrap();
    assert!(server.is_leader().await);

    server.pause();
    let id = server.process_id().unwrap();
    drop(ensemble);
    assert!(!process_exists(id), "a paused server ends as well");
}

#[tokio::test]
async fn three_servers_change_leaders_and_lose_their_quorum() {
    let started = Instant::now();
    let ensemble = Ensemble::builder().servers(3).tick(Duration::from_millis(300)).start().await.unwrap();
    println!("three servers are up after {:?}", started.elapsed());
    let leader = ensemble.leader().await.unwrap();
    let followers = ensemble.followers().await.unwrap();
    assert_eq!(followers.len(), 2);
    assert!(ensemble.server(leader).is_leader().await);
    assert!(!ensemble.server(followers[0]).is_leader().await);
    client(&ensemble, leader).await.create("/a", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();

    ensemble.server(leader).kill();
    let next = ensemble.leader().await.unwrap();
    assert_ne!(next, leader);
    ensemble.server(leader).restart_wiped().await.unwrap();
    assert!(client(&ensemble, leader).await.exists("/a").await.unwrap().is_some(), "learned from the others");

    ensemble.server(followers[0]).kill();
    ensemble.server(followers[1]).kill();
    assert!(!ensemble.server(followers[0]).is_running());
    ensemble.server(followers[0]).launch().await.unwrap();
    ensemble.wait_for_quorum().await.unwrap();
    ensemble.start_server(followers[1]).await.unwrap();

    let last = client(&ensemble, 0).await;
    let leader = ensemble.leader().await.unwrap();
    let leader_address = ensemble.server(leader).address();
    assert!(four_letter::sessions(leader_address).await.unwrap().contains(&last.session_id()));

    ensemble.wipe().await.unwrap();
    assert_eq!(client(&ensemble, 0).await.exists("/a").await.unwrap(), None);
}

/// Asks until `wanted` holds, for 60 s at most.
async fn eventually<T>(name: &str, mut ask: impl AsyncFnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "never: {name}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Of servers that can be parted, and half of the timeout of a session that dies of it.
const TICK: Duration = Duration::from_millis(500);

async fn partable() -> Ensemble {
    Ensemble::builder().servers(3).tick(TICK).sync_limit(8).partable().start().await.unwrap()
}

#[tokio::test]
async fn a_follower_parted_from_its_leader_answers_pings_after_the_session_is_dead() {
    when_the_machine_runs(TICK / 5, async |_| {
        let ensemble = partable().await;
        let leader = ensemble.leader().await.unwrap();
        let follower = ensemble.followers().await.unwrap()[0];
        let leader_address = ensemble.server(leader).address();
        let mut raw = RawClient::connect(ensemble.server(follower).address(), Duration::from_secs(1), None)
            .await
            .unwrap();
        let id = raw.session_id();
        raw.create("/mine", b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();

        let parting = ensemble.part(leader, follower);
        let alive = async || {
            // What makes the fault a bad one: the client has no reason to complain.
            raw.ping().await.unwrap();
            four_letter::sessions(leader_address).await.unwrap().contains(&id)
        };
        eventually("the session is dead", alive, |alive| !*alive).await;
        raw.ping().await.unwrap();
        assert!(raw.exists("/mine").await.unwrap().is_some(), "the follower does not know better");

        parting.end();
        let mode =
            async || ensemble.server(follower).is_running() && ensemble.server(follower).mode().await.is_ok();
        eventually("the follower is back", mode, |back| *back).await;
        let gone = async || client(&ensemble, follower).await.exists("/mine").await.unwrap().is_none();
        eventually("the node of the dead session is gone", gone, |gone| *gone).await;
    })
    .await;
}

#[tokio::test]
async fn a_leader_parted_from_both_followers_is_replaced_and_follows_afterwards() {
    let ensemble = partable().await;
    let old = ensemble.leader().await.unwrap();
    let others: Vec<_> = (0..3).filter(|index| *index != old).collect();
    let partings = [ensemble.part(old, others[0]), ensemble.part(old, others[1])];
    let leads = async |index: usize| ensemble.server(index).is_leader().await;
    let replaced = async || leads(others[0]).await || leads(others[1]).await;
    eventually("another one leads", replaced, |replaced| *replaced).await;
    let dethroned = async || ensemble.server(old).mode().await.is_err();
    eventually("the old one has noticed", dethroned, |dethroned| *dethroned).await;
    drop(partings);
    let mode = async || ensemble.server(old).mode().await.ok();
    eventually("the old one follows", mode, |mode| *mode == Some(Mode::Follower)).await;
}

#[tokio::test]
async fn what_cannot_start_is_told() {
    let even = Ensemble::builder().servers(2).start().await.unwrap_err();
    assert!(matches!(even, LaunchError::BadSize(2)));

    let nonsense = Ensemble::builder().setting("tickTime", "soon").start().await.unwrap_err();
    let LaunchError::Exited { server: 0, log, .. } = &nonsense else { panic!("{nonsense}") };
    assert!(log.contains("soon"), "the log says why: {log}");

    let missing = Ensemble::builder().zookeeper_home("/nonexistent").start().await.unwrap_err();
    assert!(missing.to_string().contains("ZOOKEEPER_HOME"), "{missing}");
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    let handle = std::sync::Arc::new(std::sync::Mutex::new(None));
    let kept = handle.clone();
    let panicked = tokio::spawn(async move {
        let ensemble = Ensemble::single().await.unwrap();
        *kept.lock().unwrap() = ensemble.server(0).process_id();
        panic!("the test fails");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    let id = handle.lock().unwrap().unwrap();
    assert!(!process_exists(id));
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_matter() {
    let ensemble = Ensemble::single().await.unwrap();
    assert!(four_letter::connections(ensemble.server(0).address()).await.is_ok());
}

#[tokio::test]
async fn the_servers_die_with_the_process() {
    use std::io::{BufRead, BufReader};
    const HOLD: &str = "LAUNCHER_TEST_HOLD";
    if std::env::var_os(HOLD).is_some() {
        // The process that this test starts: it holds a server until it is killed.
        let ensemble = Ensemble::single().await.unwrap();
        println!("server process: {}", ensemble.server(0).process_id().unwrap());
        std::future::pending::<()>().await;
    }
    // Part of every Debian; what the servers' lives are tied to this process by.
    assert!(Path::new("/usr/bin/setpriv").exists(), "setpriv is missing: install util-linux");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_servers_die_with_the_process", "--nocapture"])
        .env(HOLD, "yes")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let id: u32 = lines
        .filter_map(|line| Some(line.split_once("server process: ")?.1.to_owned()))
        .next()
        .unwrap()
        .parse()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    // It is reaped by whoever adopts it, which may take a moment; a zombie counts as dead.
    let alive = || {
        std::fs::read_to_string(format!("/proc/{id}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
    };
    while alive() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!alive(), "the server outlived the process that started it");
}

#[tokio::test]
async fn a_flag_for_the_jvm_overrules_the_launchers_own() {
    let builder = Ensemble::builder().jvm_flag("-Djava.awt.headless=false").jvm_flag("-Djava.io.tmpdir=seen");
    let ensemble = builder.start().await.unwrap();
    let environment = four_letter::four_letter(ensemble.server(0).address(), "envi").await.unwrap();
    assert!(environment.contains("java.io.tmpdir=seen"), "{environment}");
    let process = ensemble.server(0).process_id().unwrap();
    let line = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap();
    let at = |flag: &str| line.find(flag).unwrap_or_else(|| panic!("no {flag} in {line}"));
    assert!(at("headless=true") < at("headless=false"), "the JVM goes by the last: {line}");
}

#[tokio::test]
async fn a_server_waits_for_its_log() {
    let logs_words = "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=info";
    let ensemble = Ensemble::builder().stoppable_log().jvm_flag(logs_words).start().await.unwrap();
    let server = ensemble.server(0);
    let logged = || std::fs::read_to_string(server.log()).unwrap();
    assert!(logged().contains("binding to port"), "it comes into the file as ever");

    let stop = server.stop_log_at("Processing ruok");
    let error = stop.reached(Duration::ZERO).await.unwrap_err();
    assert!(logged().contains(&error.seen), "{error}");
    assert!(four_letter::four_letter(server.address(), "isro").await.is_ok(), "nothing has stopped yet");
    // What it may log without being heard is not much.
    while four_letter::four_letter(server.address(), "ruok").await.is_ok() {}
    let line = stop.reached(TIMEOUT).await.unwrap();
    assert!(logged().ends_with(&format!("{line}\n")), "{line}");
    stop.end();
    four_letter::four_letter(server.address(), "ruok").await.unwrap();
    assert!(logged().matches("Processing ruok").count() > 1);

    // It ends with the ensemble all the same.
    let stop = server.stop_log_at("Processing ruok");
    four_letter::four_letter(server.address(), "ruok").await.unwrap();
    stop.reached(TIMEOUT).await.unwrap();
    let id = server.process_id().unwrap();
    drop(ensemble);
    assert!(!process_exists(id));
}
