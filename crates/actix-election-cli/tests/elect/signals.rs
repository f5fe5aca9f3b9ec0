//! What signals do.

use std::process::{Command, Stdio};

use zookeeper_testkit::FaultProxy;
use zookeeper_testkit::proxy::Direction;

use crate::harness::{Running, client, elect, nowhere, path, server};

/// The command, started with these dispositions of signals, whatever those of the test are.
fn elect_with(signals: &str, args: &[&str]) -> Command {
    let plain = elect(args);
    let mut command = Command::new("env");
    command.arg(signals).arg(plain.get_program()).args(args).stdin(Stdio::null());
    for (name, _) in plain.get_envs() {
        command.env_remove(name);
    }
    command
}

#[tokio::test]
async fn a_closed_terminal_and_quit_hand_over_in_order() {
    let server = server().await.to_string();
    for signal in ["HUP", "QUIT"] {
        let path = path("signals");
        let args = ["campaign", &path, "--json", "--zookeeper", &server];
        let mut candidate = Running::start(&mut elect_with("--default-signal=HUP,QUIT", &args));
        candidate.event("became_master");
        candidate.signal(signal);
        assert_eq!(candidate.wait().code(), Some(0), "{signal}");
        assert_eq!(candidate.event("became_standby")["reason"], "resigned");
        candidate.session("closed");
        assert_eq!(client().await.exists(&path).await.unwrap(), None, "the lock is released");
    }
}

#[tokio::test]
async fn under_nohup_a_closed_terminal_changes_nothing() {
    let path = path("nohup");
    let server = server().await.to_string();
    let args = ["campaign", &path, "--json", "--holding", "1ms", "--zookeeper", &server];
    let mut candidate = Running::start(&mut elect_with("--ignore-signal=HUP", &args));
    candidate.event("became_master");
    candidate.signal("HUP");
    for _ in 0..100 {
        let next = candidate.event_where(|_| true);
        assert_eq!(next["event"], "holding");
    }
    assert_eq!(candidate.terminate(), Some(0));
}

#[tokio::test]
async fn the_same_signal_twice_is_one() {
    let proxy = FaultProxy::start(server().await).unwrap();
    for (first, again) in [("TERM", "TERM"), ("INT", "INT"), ("TERM", "HUP"), ("HUP", "TERM")] {
        let address = proxy.address().to_string();
        let path = path("twice");
        let args = ["campaign", &path, "--json", "--session-timeout", "10s", "--zookeeper", &address];
        let mut candidate = Running::start(&mut elect_with("--default-signal=HUP,INT", &args));
        candidate.event("became_master");
        // The end in order takes its 2 s, so that the other one comes in the midst of it.
        let silence = proxy.hold(Direction::Both);
        candidate.signal(first);
        candidate.event("became_standby");
        candidate.signal(again);
        assert_eq!(candidate.wait().code(), Some(0), "{first}, {again}");
        silence.end();
    }
}

#[test]
fn what_was_not_done_yet_ends_with_the_number_of_the_signal() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)] {
        let args = ["status", "/m", "--zookeeper", &nowhere()];
        let mut status = Running::start(&mut elect_with("--default-signal=HUP,INT,QUIT", &args));
        status.signals_are_caught();
        status.signal(signal);
        assert_eq!(status.wait().code(), Some(code), "{signal}");
    }
}

#[test]
fn dev_and_watch_end_in_order_as_well() {
    let nowhere = nowhere();
    let watch = ["watch", "/m", "--zookeeper", &nowhere];
    let dev = ["dev", "--listen", "127.0.0.1:0"];
    for args in [&watch[..], &dev] {
        for signal in ["HUP", "QUIT"] {
            let mut command = Running::start(&mut elect_with("--default-signal=HUP,QUIT", args));
            command.signals_are_caught();
            command.signal(signal);
            assert_eq!(command.wait().code(), Some(0), "{args:?}, {signal}");
        }
    }
}
