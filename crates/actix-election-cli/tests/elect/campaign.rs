//! `elect campaign`: winning, losing, handing over.

use std::time::Duration;

use serde_json::Value;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::{Acl, CreateMode};
use zookeeper_testkit::{Ensemble, FaultProxy};

use crate::harness::{Running, client, elect, keys, path, server, untimed};

fn token(event: &Value) -> i64 {
    event["token"].as_i64().unwrap()
}

#[tokio::test]
async fn a_lone_candidate_wins_holds_and_hands_over() {
    when_the_machine_runs(Duration::from_millis(40), async |_| {
        let path = path("lone");
        let mut candidate =
            Running::campaign(&path, &["--address", "h:1", "--id", "a", "--holding", "20ms"]).await;

        let line = candidate.line();
        assert_eq!(keys(&line), ["at", "event", "state"]);
        assert!(line.contains(r#""event":"session","state":"connecting""#), "{line}");
        let line = candidate.line();
        assert!(line.contains(r#""event":"session","state":"connected""#), "{line}");

        let line = candidate.line();
        assert_eq!(keys(&line), ["at", "event", "id", "token", "remaining"], "{line}");
        let master: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(master["event"], "became_master");
        assert_eq!(master["id"], "a");
        assert!(master["at"].is_f64() && master["token"].is_i64(), "{line}");
        let remaining = master["remaining"].as_f64().unwrap();
        assert!(remaining > 0.0 && remaining < 2.0, "{line}");

        let line = candidate.line();
        assert_eq!(keys(&line), ["at", "event", "token", "remaining"], "{line}");
        let holding = candidate.event("holding");
        assert_eq!(token(&holding), token(&master));
        assert!(holding["at"].as_f64() > master["at"].as_f64());

        let (data, stat) = client().await.get_data(&path).await.unwrap();
        assert_eq!(data, b"h:1");
        assert_eq!(stat.czxid, token(&master));

        assert_eq!(candidate.terminate(), Some(0));
        let events = candidate.remaining_events();
        let standby = events.iter().position(|event| event["event"] == "became_standby").unwrap();
        assert_eq!(events[standby]["reason"], "resigned");
        assert_eq!(events[standby]["master"], Value::Null);
        let after: Vec<_> = events[standby + 1..].iter().map(|event| &event["event"]).collect();
        assert_eq!(after, ["session"], "only the end of the session follows");
        assert_eq!(events.last().unwrap()["state"], "closed");
        assert_eq!(client().await.exists(&path).await.unwrap(), None, "the lock is released");
        assert_eq!(candidate.errors(), "");
    })
    .await;
}

#[tokio::test]
async fn a_second_candidate_is_outranked_and_takes_over_with_a_greater_token() {
    when_the_machine_runs(Duration::from_millis(40), async |_| {
        let path = path("two");
        let mut first = Running::campaign(&path, &["--address", "h:1"]).await;
        let master = first.event("became_master");
        assert_eq!(master["id"], "h:1", "the id is the address unless it is given");

        let mut second = Running::campaign(&path, &[]).await;
        second.session("connected");
        let line = second.line();
        assert_eq!(keys(&line), ["at", "event", "reason", "master", "address", "token"][..4], "{line}");
        let standby: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(standby["event"], "became_standby");
        assert_eq!(standby["reason"], "outranked");
        assert_eq!(standby["master"], serde_json::json!({"address": "h:1", "token": token(&master)}));

        first.signal("INT");
        assert_eq!(first.wait().code(), Some(0));
        let resigned = first.event("became_standby");
        let next = second.event("became_master");
        assert!(token(&next) > token(&master));
        assert!(next["at"].as_f64() > resigned["at"].as_f64(), "one master at a time");
        assert!(next["id"].as_str().unwrap().ends_with(&format!("-{}", second.id())), "{next}");
        assert_eq!(client().await.get_data(&path).await.unwrap().0, b"", "no address, no data");
        assert_eq!(second.terminate(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_killed_master_is_succeeded() {
    let path = path("killed");
    let mut first = Running::campaign(&path, &["--address", "h:1"]).await;
    let master = first.event("became_master");
    let mut second = Running::campaign(&path, &["--address", "h:2"]).await;
    second.event("became_standby");
    first.signal("KILL");
    let next = second.event("became_master");
    assert!(token(&next) > token(&master));
    assert_eq!(second.terminate(), Some(0));
}

#[tokio::test]
async fn a_master_that_is_cut_off_steps_down_and_comes_back_in_a_new_session() {
    when_the_machine_runs(Duration::from_millis(40), async |_| {
        let proxy = FaultProxy::start(server().await).unwrap();
        let path = path("cut");
        let address = proxy.address().to_string();
        let args = ["campaign", &path, "--json", "--session-timeout", "2s", "--holding", "10ms"];
        let mut candidate = Running::start(elect(&args).env("ELECT_ZOOKEEPER", &address));
        let master = candidate.event("became_master");
        let silence = proxy.hold(Direction::Both);
        candidate.session("suspended");
        let standby = candidate.event("became_standby");
        assert_eq!(standby["reason"], "lease_ending");
        // No `holding` between the end of one term and the beginning of the next.
        let next = candidate.event_where(|event| event["event"] != "error");
        assert_eq!(next["state"], "lost");
        silence.end();
        let next = candidate.event_where(|event| event["event"] != "session" && event["event"] != "error");
        assert_eq!(next["event"], "became_master", "{next}");
        assert!(token(&next) > token(&master));
        assert_eq!(candidate.terminate(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_master_that_slept_through_its_term_says_so_before_anything_else() {
    let path = path("slept");
    let mut first = Running::campaign(&path, &["--holding", "5ms"]).await;
    let master = first.event("became_master");
    first.event("holding");
    let mut second = Running::campaign(&path, &[]).await;
    second.event("became_standby");
    first.signal("STOP");
    let next = second.event("became_master");
    first.signal("CONT");
    let standby = first.event_where(|event| {
        // Lines from before the stop may still be in the pipe; none is of the time after it.
        assert!(event["event"] != "holding" || event["at"].as_f64() < next["at"].as_f64(), "{event}");
        event["event"] == "became_standby"
    });
    assert!(standby["at"].as_f64() > next["at"].as_f64(), "it could not know before");
    assert_eq!(second.terminate(), Some(0));
    let again = first.event_where(|event| event["event"] != "session" && event["event"] != "error");
    assert_eq!(again["event"], "became_master", "{again}");
    assert!(token(&master) < token(&next) && token(&next) < token(&again));
    assert_eq!(first.terminate(), Some(0));
}

#[tokio::test]
async fn what_keeps_a_candidate_from_leading_is_an_event_and_no_end() {
    let path = path("taken");
    let mut client = client().await;
    client.create(&path, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let mut candidate = Running::campaign(&path, &[]).await;
    let standby = candidate.event("became_standby");
    assert_eq!(standby["reason"], "path_taken");
    let error = candidate.event("error");
    assert!(error["message"].as_str().unwrap().contains(&path), "{error}");
    client.delete(&path, None).await.unwrap();
    candidate.event("became_master");
    assert_eq!(candidate.terminate(), Some(0));
}

#[tokio::test]
async fn no_server_at_the_start_is_told_and_waited_for() {
    // A server of its own, since it is not to be there at first.
    let ensemble = Ensemble::single().await.unwrap();
    let address = ensemble.server(0).address().to_string();
    ensemble.kill_all();
    let path = path("late");
    let args = ["campaign", &path, "--json", "--session-timeout", "2s", "--zookeeper", &address];
    let mut candidate = Running::start(&mut elect(&args));
    let line = candidate.line();
    assert!(line.contains("connecting"), "{line}");
    let error = candidate.event("error");
    assert!(error["message"].as_str().unwrap().contains(&address), "{error}");
    let standby = candidate.event("became_standby");
    assert_eq!((&standby["reason"], &standby["master"]), (&"connecting".into(), &Value::Null));
    ensemble.server(0).start().await.unwrap();
    candidate.event("became_master");
    assert_eq!(candidate.terminate(), Some(0));
}

#[tokio::test]
async fn without_json_the_same_is_said_for_people() {
    let path = path("text");
    let server = server().await.to_string();
    let args = ["campaign", &path, "--address", "h:1", "--holding", "10ms", "--zookeeper", &server];
    let mut candidate = Running::start(&mut elect(&args));
    assert_eq!(untimed(&candidate.line()), "session connecting");
    assert_eq!(untimed(&candidate.line()), "session connected");
    let line = untimed(&candidate.line());
    assert!(line.starts_with("became master: h:1, token ") && line.ends_with(" s"), "{line}");
    let line = untimed(&candidate.line());
    assert!(line.starts_with("holding: token "), "{line}");
    assert_eq!(candidate.terminate(), Some(0));
    let lines: Vec<_> = candidate.remaining().iter().map(|line| untimed(line)).collect();
    let end = &lines[lines.len() - 2..];
    assert_eq!(end, ["became standby: resigned (master: none)", "session closed"]);
}
