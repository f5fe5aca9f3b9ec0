//! `elect dev`.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use zookeeper_testkit::wire::{Acl, CreateMode, RawClient, WireError};

use crate::harness::{LIMIT, Running, elect, one_line, run};

#[test]
fn it_serves_an_election_without_anything_else() {
    let mut dev = Running::start(&mut elect(&["dev", "--listen", "127.0.0.1:0", "--tick", "500ms"]));
    let line = dev.line();
    let address = line.strip_prefix("listening on ").expect("where it listens");
    let campaign = |id: &str| {
        let args = ["campaign", "/dev", "--json", "--id", id, "--zookeeper", address];
        Running::start(elect(&args).args(["--address", &format!("{id}:1"), "--session-timeout", "2s"]))
    };
    let mut a = campaign("a");
    let first = a.event("became_master")["token"].as_i64();
    let mut b = campaign("b");
    assert_eq!(b.event("became_standby")["master"]["address"], "a:1");
    a.signal("KILL");
    let second = b.event("became_master")["token"].as_i64();
    assert!(second > first && first.is_some());
    assert_eq!(run(&mut elect(&["status", "/dev", "--zookeeper", address])).status.code(), Some(0));
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(run(&mut elect(&["status", "/dev", "--zookeeper", address])).status.code(), Some(3));
    assert_eq!(dev.terminate(), Some(0));
}

/// A server that began at zxid 0 again would be behind this candidate for ever, and give out the same tokens.
#[test]
fn tokens_grow_over_its_restarts() {
    let mut dev = Running::start(&mut elect(&["dev", "--listen", "127.0.0.1:0", "--tick", "500ms"]));
    let address = dev.line().strip_prefix("listening on ").expect("where it listens").to_owned();
    let args = ["campaign", "/dev", "--json", "--zookeeper", &address, "--session-timeout", "2s"];
    let mut candidate = Running::start(&mut elect(&args));
    let mut last = 0;
    for kill in [true, false, true] {
        let token = candidate.event("became_master")["token"].as_i64().expect("a token");
        assert!(last < token && token < 1 << 53, "{token} after {last}");
        last = token;
        if kill {
            dev.signal("KILL");
            dev.wait();
        } else {
            assert_eq!(dev.terminate(), Some(0));
        }
        dev = Running::start(&mut elect(&["dev", "--listen", &address, "--tick", "500ms"]));
        assert_eq!(dev.line(), format!("listening on {address}"));
        candidate.session("lost");
    }
    candidate.event("became_master");
}

/// Where a server listens that was started with these arguments.
fn start(args: &[&str]) -> (Running, SocketAddr) {
    let mut dev = Running::start(elect(&["dev", "--listen", "127.0.0.1:0", "--tick", "500ms"]).args(args));
    let address = dev.line().strip_prefix("listening on ").expect("where it listens").parse().unwrap();
    (dev, address)
}

async fn connect(address: SocketAddr) -> Result<RawClient, WireError> {
    RawClient::connect(address, Duration::from_secs(10), None).await
}

#[tokio::test]
async fn it_turns_away_who_has_too_many_connections_and_says_so() {
    let (mut dev, address) = start(&["--max-connections", "2"]);
    let (_one, _two) = (connect(address).await.unwrap(), connect(address).await.unwrap());
    assert!(connect(address).await.is_err());
    assert_eq!(dev.terminate(), Some(0));
    let errors = dev.errors();
    assert_eq!(errors.matches('\n').count(), 1, "{errors}");
    assert!(errors.contains("WARN") && errors.contains("from 127.0.0.1:"), "{errors}");
    assert!(errors.contains("has 2 already"), "{errors}");

    let (mut dev, address) = start(&["--max-connections", "0", "--log", "off"]);
    let mut clients = Vec::new();
    for _ in 0..70 {
        clients.push(connect(address).await.unwrap());
    }
    assert_eq!((dev.terminate(), dev.errors().as_str()), (Some(0), ""));
}

#[tokio::test]
async fn it_looks_for_empty_containers_as_often_as_it_is_told() {
    let (_dev, address) = start(&["--container-interval", "20ms"]);
    let mut client = connect(address).await.unwrap();
    client.create("/c", b"", &Acl::open(), CreateMode::Container).await.unwrap();
    client.create("/c/a", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    client.delete("/c/a", None).await.unwrap();
    let deadline = Instant::now() + LIMIT;
    while client.exists("/c").await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it stays");
    }
}

#[tokio::test]
async fn it_logs_what_it_is_told_to() {
    let said = async |args: &[&str]| {
        let (mut dev, address) = start(args);
        let mut client = connect(address).await.unwrap();
        client.add_auth("digest", b"user:hunter2").await.unwrap();
        client.create("/a", b"hunter2", &Acl::open(), CreateMode::Persistent).await.unwrap();
        client.close().await.unwrap();
        assert_eq!(dev.terminate(), Some(0));
        let errors = dev.errors();
        assert!(!errors.contains("hunter2"), "{errors}");
        errors
    };
    assert_eq!(said(&[]).await, "");
    assert_eq!(said(&["--log", "warn"]).await, "");
    let info = said(&["--log", "info"]).await;
    assert!(info.contains("opened by 127.0.0.1:") && info.contains("closed by its client"), "{info}");
    assert!(!info.contains("Create"), "{info}");
    let debug = said(&["--log", "debug"]).await;
    assert!(debug.contains("opened by 127.0.0.1:") && debug.contains("Create /a: done"), "{debug}");
}

#[test]
fn it_says_where_it_cannot_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&mut elect(&["dev", "--listen", &address]));
    assert_eq!(output.status.code(), Some(1));
    assert!(one_line(&output).contains(&address));
    for args in [
        ["dev", "--listen", "localhost"],
        ["dev", "--tick", "0s"],
        ["dev", "--max-connections", "many"],
        ["dev", "--container-interval", "0s"],
        ["dev", "--log", "loud"],
    ] {
        let output = run(&mut elect(&args));
        assert_eq!(output.status.code(), Some(2));
        assert!(one_line(&output).contains(args[2]), "{}", one_line(&output));
    }
}
