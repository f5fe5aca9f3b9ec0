//! Servers that go silent, or seem to.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::super::*;
use rustix::process::{Pid, Signal, kill_process};
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::{Ensemble, FaultProxy};

#[tokio::test]
async fn a_silent_server_is_left_and_costs_nothing_twice() {
    when_the_machine_runs(seconds(0.1), async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        // To the session these are two servers of one ensemble.
        let proxies = [0, 1].map(|_| FaultProxy::start(ensemble.server(0).address()).unwrap());
        let connect = format!("{},{}", proxies[0].connect_string(), proxies[1].connect_string());
        let mut rig = Rig::start(&connect, seconds(5.0));
        let up = rig.connected().await;
        let stat = rig.create("/m").await;
        let first = usize::from(proxies[0].open_connections() == 0);
        let (silent, other) = (&proxies[first], &proxies[1 - first]);

        let hole = silent.hold(Direction::Both);
        let begun = clock::now();
        let again = rig.reconnected().await;
        // Nothing but a margin for the answers that came before: the last of them may be T/10 old.
        assert!(clock::now().since(begun) >= up.timeout.silence() - up.timeout.probe_interval());
        assert_eq!(again.session, up.session);
        assert!(
            again.remaining() > seconds(1.0),
            "the lease has not ended meanwhile: {:?}",
            again.remaining()
        );
        assert_eq!(rig.read("/m").await.stat, stat);

        let dialled = silent.record().accepted;
        for _ in 0..8 {
            other.cut();
            assert_eq!(rig.reconnected().await.session, up.session);
        }
        assert_eq!(silent.record().accepted, dialled, "the black hole is not asked again while others serve");
        hole.end();
        rig.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_not_waited_for() {
    when_the_machine_runs(seconds(0.1), async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        let proxies = [0, 1].map(|_| FaultProxy::start(ensemble.server(0).address()).unwrap());
        let connect = format!("{},{}", proxies[0].connect_string(), proxies[1].connect_string());
        let mut rig = Rig::start(&connect, seconds(10.0));
        let up = rig.connected().await;
        let first = usize::from(proxies[0].open_connections() == 0);
        // The server that serves goes, and the next to be asked is one that has not failed: the mute one.
        let mute = proxies[1 - first].accept_and_say_nothing();
        let gone = proxies[first].refuse();
        proxies[first].cut();
        rig.disconnected().await;
        gone.end();
        let again = rig.connected().await;
        assert_eq!(again.session, up.session);
        assert!(again.remaining() > Duration::ZERO, "found before the lease ended");
        assert_eq!(proxies[first].open_connections(), 1);
        drop(mute);
        rig.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_frozen_server_loses_the_session_to_another_and_does_not_win_it_back() {
    when_the_machine_runs(seconds(0.1), async |_| {
        let ensemble = Ensemble::builder().servers(3).start().await.unwrap();
        let followers = ensemble.followers().await.unwrap();
        let proxies: Vec<_> = followers
            .iter()
            .map(|index| FaultProxy::start(ensemble.server(*index).address()).unwrap())
            .collect();
        let connect = format!("{},{}", proxies[0].connect_string(), proxies[1].connect_string());
        let mut rig = Rig::start(&connect, seconds(6.0));
        let up = rig.connected().await;
        let stat = rig.create("/m").await;
        let at = usize::from(proxies[0].open_connections() == 0);
        let frozen = ensemble.server(followers[at]);
        frozen.pause();
        // What it will find when it wakes up: a request of the old connection.
        let stale = rig.send(Operation::Delete { path: "/m".into() });
        let again = loop {
            match rig.notice().await {
                // If it is answered at all, then with this.
                Notice::Answered(op, reply) => assert_eq!((op, reply), (stale, Reply::Unknown)),
                Notice::Disconnected => {}
                Notice::Connected { session, .. } => break session,
                Notice::SessionLost => panic!("a frozen follower costs no session"),
                Notice::WatchFired(..) => panic!("there is no watch"),
            }
        };
        assert_eq!(again, up.session);
        frozen.resume();
        frozen.wait_for_service().await.unwrap();
        // The old connection's delete, and a handshake that may have been given up, are with the server now.
        for _ in 0..5 {
            let op = rig.send(Operation::Confirm { path: "/m".into() });
            loop {
                match rig.notice().await {
                    Notice::Answered(answered, Reply::Found(node)) if answered == op => {
                        assert_eq!(node.stat, stat);
                        break;
                    }
                    // Its late handshake may move the session once more: not for long, and not to another.
                    Notice::Answered(_, Reply::Unknown) | Notice::Disconnected => {}
                    Notice::Connected { session, .. } => {
                        assert_eq!(session, up.session);
                        break;
                    }
                    _ => panic!("the session and its node live on"),
                }
            }
        }
        rig.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_timeout_of_one_second_holds() {
    let ensemble = Ensemble::builder().tick(Duration::from_millis(200)).start().await.unwrap();
    when_the_machine_runs(seconds(0.02), async |_| {
        let mut rig = Rig::start(&ensemble.connect_string(), seconds(1.0));
        let up = rig.connected().await;
        assert_eq!(up.timeout.span(), seconds(1.0));
        let stop = clock::now() + seconds(3.0);
        let mut samples = tokio::time::interval(Duration::from_millis(20));
        while clock::now() < stop {
            samples.tick().await;
            assert!(up.remaining() > Duration::ZERO, "the lease runs on");
        }
        while let Ok(notice) = rig.notices.try_recv() {
            assert!(!matches!(notice, Notice::SessionLost));
        }
        rig.close().await;
    })
    .await;
}

/// Says when the session of this process is connected, waits for the process to be paused, and has it go on
/// afterwards as if nothing had happened.
async fn be_paused(connect: &str) {
    let mut rig = Rig::start(connect, seconds(10.0));
    rig.connected().await;
    // The pause may begin as soon as this is said.
    let (mut last, give_up) = (clock::now(), clock::now() + TEST_TIMEOUT);
    println!("connected");
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = clock::now();
        // The pause, or one that the machine makes by itself: nothing may come of either.
        if now.since(last) >= seconds(1.0) {
            break;
        }
        assert!(now < give_up, "nobody pauses this process");
        last = now;
    }
    // For longer than it takes to leave a server; any notice but the answer is one too many.
    let stop = clock::now() + seconds(2.5);
    while clock::now() < stop {
        rig.read("/").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.close().await;
}

#[tokio::test]
async fn a_pause_of_this_process_is_not_taken_for_the_servers_silence() {
    const CONNECT: &str = "ACTIX_ELECTION_TEST_PAUSED_AT";
    // Longer than the T/5 of silence for which a server is left, and much shorter than T.
    let pause = seconds(3.0);
    if let Ok(connect) = std::env::var(CONNECT) {
        return be_paused(&connect).await;
    }
    let ensemble = Ensemble::single().await.unwrap();
    let name = "a_pause_of_this_process_is_not_taken_for_the_servers_silence";
    let name = format!("{}::{name}", module_path!().split_once("::").unwrap().1);
    when_the_machine_runs(seconds(0.2), async |_| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(CONNECT, ensemble.connect_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line.ends_with("connected")), "the child connects");
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::STOP).unwrap();
        std::thread::sleep(pause);
        kill_process(pid, Signal::CONT).unwrap();
        let rest: Vec<_> = said.collect();
        assert!(child.wait().unwrap().success(), "{}", rest.join("\n"));
    })
    .await;
}
