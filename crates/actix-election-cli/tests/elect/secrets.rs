//! Credentials: they work, and are never shown.

use zookeeper_testkit::wire::WireError;

use crate::harness::{Running, client, elect, one_line, path, run, server};

#[tokio::test]
async fn what_an_authenticated_master_creates_is_its_own() {
    let path = path("auth");
    let server = server().await.to_string();
    let args = ["campaign", &path, "--json", "--address", "h:1", "--zookeeper", &server];
    let mut master = Running::start(elect(&args).env("ELECT_AUTH", "digest:user:hunter2"));
    master.event("became_master");
    let mut stranger = client().await;
    assert!(matches!(stranger.get_data(&path).await, Err(WireError::Refused(_))));

    let status = ["status", &path, "--auth", "digest:user:hunter2", "--zookeeper", &server];
    let output = run(&mut elect(&status));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("h:1"));
    let resign = ["--auth", "digest:user:hunter2", "resign", &path, "--zookeeper", &server];
    assert_eq!(run(&mut elect(&resign)).status.code(), Some(0));
    assert_eq!(master.terminate(), Some(0));
}

#[tokio::test]
async fn a_rejected_scheme_is_a_failure_that_shows_no_credentials() {
    let server = server().await.to_string();
    let args = ["status", "/m", "--auth", "nosuch:hunter2", "--zookeeper", &server];
    let output = run(&mut elect(&args));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = one_line(&output);
    assert!(line.contains("nosuch") && !line.contains("hunter2"), "{line}");
}

#[tokio::test]
async fn no_log_level_brings_passwords_to_light() {
    let server = server().await.to_string();
    let args = ["campaign", &path("logs"), "--json", "--auth", "digest:user:hunter2", "--zookeeper", &server];
    for setting in ["trace", "debug,zookeeper_async=trace", "zookeeper_async::io=trace"] {
        let mut candidate = Running::start(elect(&args).env("RUST_LOG", setting));
        candidate.event("became_master");
        assert_eq!(candidate.terminate(), Some(0));
        let logs = candidate.errors();
        for level in ["INFO", "DEBUG", "TRACE"] {
            let of_the_client = |line: &&str| line.contains(level) && line.contains("zookeeper_async");
            assert_eq!(logs.lines().find(of_the_client), None, "with {setting}");
        }
        assert!(!logs.contains("ConnectResponse") && !logs.contains("hunter2"), "with {setting}: {logs}");
        if setting != "zookeeper_async::io=trace" {
            assert!(logs.contains("became master"), "other logs are as wished: {logs}");
        }
    }
}

#[tokio::test]
async fn a_setting_of_logs_that_cannot_be_used_is_told() {
    let server = server().await.to_string();
    let output = run(elect(&["status", &path("rust-log"), "--zookeeper", &server]).env("RUST_LOG", "a=b=c"));
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("RUST_LOG is ignored"));
}
