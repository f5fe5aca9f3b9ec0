//! `elect dev`.

use std::net::TcpListener;

use crate::harness::{Running, elect, one_line, run};

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

#[test]
fn it_says_where_it_cannot_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&mut elect(&["dev", "--listen", &address]));
    assert_eq!(output.status.code(), Some(1));
    assert!(one_line(&output).contains(&address));
    for args in [["dev", "--listen", "localhost"], ["dev", "--tick", "0s"]] {
        let output = run(&mut elect(&args));
        assert_eq!(output.status.code(), Some(2));
        assert!(one_line(&output).contains(args[2]), "{}", one_line(&output));
    }
}
