//! `elect status`, `elect watch`, `elect resign`.

use serde_json::{Value, json};
use zookeeper_testkit::TestServer;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

use crate::harness::{LIMIT, Running, client, elect, keys, nowhere, one_line, path, run, server, untimed};

async fn status(path: &str, args: &[&str]) -> (Option<i32>, String) {
    let server = server().await.to_string();
    let output = run(elect(&["status", path, "--zookeeper", &server]).args(args));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn status_says_who_is_master_and_whether_there_is_one() {
    let path = path("status");
    assert_eq!(status(&path, &["--json"]).await, (Some(3), "{\"master\":null,\"candidates\":[]}\n".into()));
    assert_eq!(status(&path, &[]).await, (Some(3), "master: none\n".into()));

    let mut candidate = Running::campaign(&path, &["--address", "h:1"]).await;
    let token = candidate.event("became_master")["token"].clone();
    let holder = format!(r#"{{"address":"h:1","token":{token}}}"#);
    let expected = format!("{{\"master\":{holder},\"candidates\":[{holder}]}}\n");
    assert_eq!(status(&path, &["--json"]).await, (Some(0), expected));
    assert_eq!(status(&path, &[]).await, (Some(0), format!("master: h:1, token {token}\n")));

    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(status(&path, &[]).await.0, Some(3));
}

#[tokio::test]
async fn status_lists_a_queue_in_its_order_and_watch_follows_its_head() {
    let path = path("queue");
    let server = server().await.to_string();
    let mut watch = Running::start(&mut elect(&["watch", &path, "--json", "--zookeeper", &server]));
    assert_eq!(watch.event("master_changed")["master"], Value::Null);
    let mut first = Running::campaign(&path, &["--strategy", "queue", "--address", "h:1"]).await;
    let token = first.event("became_master")["token"].clone();
    let mut second = Running::campaign(&path, &["--strategy", "queue", "--address", "h:2"]).await;
    assert_eq!(second.event("became_standby")["master"], json!({"address": "h:1", "token": token}));
    let (code, report) = status(&path, &["--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(report["master"], json!({"address": "h:1", "token": token}));
    assert_eq!(report["candidates"][0], report["master"]);
    assert_eq!(report["candidates"][1]["address"], "h:2");
    assert!(report["candidates"][1]["token"].as_i64() > token.as_i64());
    assert_eq!(watch.event("master_changed")["master"], report["master"]);

    let resigned = run(&mut elect(&["--zookeeper", &server, "resign", &path]));
    assert_eq!(resigned.status.code(), Some(0), "{resigned:?}");
    assert_eq!(first.event("became_standby")["reason"], "resigned");
    let token = second.event("became_master")["token"].clone();
    assert_eq!(token, report["candidates"][1]["token"], "the token that the queue showed");
    assert_eq!(watch.event("master_changed")["master"], json!({"address": "h:2", "token": token}));
    assert_eq!(first.terminate(), Some(0));
    assert_eq!(second.terminate(), Some(0));
    assert_eq!(watch.event("master_changed")["master"], Value::Null);
    assert_eq!(status(&path, &["--json"]).await, (Some(3), "{\"master\":null,\"candidates\":[]}\n".into()));
    let free = run(&mut elect(&["--zookeeper", &server, "resign", &path]));
    assert_eq!(free.status.code(), Some(0), "an empty queue is free: {free:?}");
    assert_eq!(watch.terminate(), Some(0));
}

#[tokio::test]
async fn what_a_stranger_wrote_as_his_address_is_harmless_everywhere() {
    let path = path("stranger");
    let address = server().await.to_string();
    let data = format!("\u{1b}[2J\n\u{202e}\u{2028}\"{}", "x".repeat(100_000));
    let mut stranger = client().await;
    let stat = stranger.create(&path, data.as_bytes(), &Acl::open(), CreateMode::Ephemeral).await;
    stat.unwrap();
    let shown = format!("\\u{{1b}}[2J\\n\\u{{202e}}\\u{{2028}}\"{}", "x".repeat(259 - 25));
    let shown = format!("{} [...] ({} bytes)", shown.chars().take(259).collect::<String>(), data.len());

    let (code, json) = status(&path, &["--json"]).await;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &report["master"]["address"]), (Some(0), &shown.as_str().into()));
    assert_eq!(report["candidates"][0], report["master"]);
    let (code, text) = status(&path, &[]).await;
    assert_eq!(code, Some(0));
    assert!(text.starts_with(&format!("master: {shown}, token ")), "{text}");
    assert_eq!(text.matches(char::is_control).count(), 1, "the end of the line: {text:?}");

    let mut watch = Running::start(&mut elect(&["watch", &path, "--json", "--zookeeper", &address]));
    assert_eq!(watch.event("master_changed")["master"], report["master"]);
    let args = ["campaign", &path, "--json", "--zookeeper", &address];
    let mut candidate = Running::start(elect(&args).env("RUST_LOG", "info"));
    assert_eq!(candidate.event("became_standby")["master"], report["master"]);
    stranger.ping().await.unwrap();
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(watch.terminate(), Some(0));
    let logs = candidate.errors();
    assert!(
        logs.contains("new master") && logs.contains(&format!("x [...] ({} bytes)", data.len())),
        "{logs}"
    );
    assert!(!logs.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{logs}");
}

#[test]
fn status_gives_up_where_there_is_no_server() {
    let nowhere = nowhere();
    let output = run(&mut elect(&["status", "/m", "--zookeeper", &nowhere]));
    assert_eq!(output.status.code(), Some(1));
    let line = one_line(&output);
    assert!(line.contains("10s") && line.contains(&nowhere), "{line}");
}

#[tokio::test]
async fn watch_tells_every_change_until_it_is_ended() {
    let path = path("watch");
    let server = server().await.to_string();
    let mut watch = Running::start(&mut elect(&["watch", &path, "--json", "--zookeeper", &server]));
    let line = watch.line();
    assert!(line.ends_with(r#","event":"master_changed","master":null}"#), "{line}");

    let mut candidate = Running::campaign(&path, &["--address", "h:1"]).await;
    let token = candidate.event("became_master")["token"].clone();
    let change = watch.event("master_changed");
    assert_eq!(change["master"], json!({"address": "h:1", "token": token}));
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(watch.event("master_changed")["master"], Value::Null);
    assert_eq!(watch.terminate(), Some(0));
    assert_eq!(watch.remaining(), [""; 0]);
}

#[tokio::test]
async fn watch_says_when_in_text_as_well() {
    let path = path("watch-text");
    let server = server().await.to_string();
    let mut watch = Running::start(&mut elect(&["watch", &path, "--zookeeper", &server]));
    assert_eq!(untimed(&watch.line()), "master: none");
    let mut candidate = Running::campaign(&path, &["--address", "h:1"]).await;
    let token = candidate.event("became_master")["token"].clone();
    assert_eq!(untimed(&watch.line()), format!("master: h:1, token {token}"));
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(watch.terminate(), Some(0));
}

#[test]
fn watch_keeps_trying_and_a_signal_ends_it_all_the_same() {
    let nowhere = nowhere();
    let mut watch = Running::start(&mut elect(&["watch", "/m", "--zookeeper", &nowhere]));
    // There is no line to wait for: with no server there is nothing to say.
    watch.signals_are_caught();
    watch.signal("INT");
    assert_eq!(watch.wait().code(), Some(0));
    assert_eq!(watch.remaining(), [""; 0]);
}

#[tokio::test]
async fn resign_makes_a_lone_master_step_down_and_win_again() {
    let path = path("resign");
    let server = server().await.to_string();
    let mut candidate = Running::campaign(&path, &[]).await;
    let before = candidate.event("became_master");
    let resign = ["resign", &path, "--zookeeper", &server];
    let output = run(&mut elect(&resign));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, format!("resigned: the master with token {} has given up the lock\n", before["token"]));
    assert_eq!(candidate.event("became_standby")["reason"], "resigned");
    let after = candidate.event("became_master");
    assert!(after["token"].as_i64() > before["token"].as_i64());

    let output = run(elect(&resign).arg("--json"));
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!(keys(&line), ["at", "event", "token"], "{line}");
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["event"], &event["token"]), (&"resigned".into(), &after["token"]), "{line}");
    assert!(event["at"].as_f64() > after["at"].as_f64(), "{line}");
    candidate.event("became_master");
    assert_eq!(candidate.terminate(), Some(0));
}

#[tokio::test]
async fn resign_hands_over_to_the_other_candidate() {
    let path = path("hand-over");
    let server = server().await.to_string();
    let mut first = Running::campaign(&path, &["--address", "h:1"]).await;
    first.event("became_master");
    let mut second = Running::campaign(&path, &["--address", "h:2"]).await;
    second.event("became_standby");
    let output = run(&mut elect(&["--zookeeper", &server, "resign", &path]));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(first.event("became_standby")["reason"], "resigned");
    second.event("became_master");
    assert!(status(&path, &[]).await.1.contains("h:2"));
}

#[tokio::test]
async fn resign_is_done_where_nobody_is_master() {
    let server = server().await.to_string();
    let path = path("nobody");
    let resign = ["--zookeeper", &server, "resign", &path];
    let output = run(&mut elect(&resign));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "there is no master\n");
    let output = run(elect(&resign).arg("--json"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!(keys(&line), ["at", "event"], "{line}");
    assert!(line.ends_with(",\"event\":\"no_master\"}\n"), "{line}");
}

#[tokio::test]
async fn resign_says_why_it_failed() {
    let path = path("no-lock");
    let server = server().await.to_string();
    client().await.create(&path, b"config", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let output = run(&mut elect(&["--zookeeper", &server, "resign", &path]));
    assert_eq!(output.status.code(), Some(1));
    assert!(one_line(&output).contains(&path));
}

#[tokio::test]
async fn a_master_that_does_not_react_is_given_ten_seconds() {
    let path = path("deaf-master");
    let server = server().await.to_string();
    // A lock of somebody who knows nothing of requests.
    let mut stranger = client().await;
    stranger.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let asking = std::thread::spawn({
        let path = path.clone();
        move || run(&mut elect(&["--zookeeper", &server, "resign", &path]))
    });
    while !asking.is_finished() {
        stranger.ping().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let output = asking.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(one_line(&output).contains("10s"));
}

/// More names than a session takes in one reply, unless it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_too_long_is_said_with_the_setting_and_shown_where_that_allows_it() {
    let server = TestServer::start().await.unwrap();
    let mut raw = RawClient::connect(server.address(), LIMIT, None).await.unwrap();
    raw.create("/long", b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    // Of no candidates, but listed with them.
    for number in 0..(1 << 20) / 200 {
        let name = format!("/long/{number:0>200}");
        raw.create(&name, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    }
    let address = server.address().to_string();
    let limit = ["--zookeeper", &address, "--max-frame-size", "1048576"];
    let mut candidate = Running::start(
        elect(&["campaign", "/long", "--strategy", "queue", "--session-timeout", "20s", "--json"])
            .args(limit),
    );
    let error = candidate.event_where(|event| event["event"] == "error");
    let message = error["message"].as_str().unwrap();
    // The candidate itself among them.
    assert!(message.contains("5243 children") && message.contains("raise max_frame_size"), "{message}");
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(run(&mut elect(&["status", "/long", "--zookeeper", &address])).status.code(), Some(3));
}
