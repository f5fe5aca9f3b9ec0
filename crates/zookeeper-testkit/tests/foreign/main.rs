//! Clients that others wrote, in other languages: they cannot tell the in-process server from a real one.
//!
//! Each client runs the same session against both, and has to tell the same of it, with what differs from run to run
//! (ports, times, session ids, names of protected nodes) left out. The in-process server comes first and the real one is
//! what it is held against.
//!
//! `cargo xtask setup` installs what the clients need. Where something is missing, the test fails and says what.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside of #[test] say what they expect by unwrapping, too"
)]

mod classpath;
mod curator;
mod kazoo;
mod program;
mod zkcli;

use std::net::SocketAddr;

use zookeeper_testkit::{Ensemble, TestServer};

/// What `session` tells of both servers, which has to be the same. Each server is new, so that even zxids are the same.
async fn on_both(session: impl Fn(SocketAddr) -> String + Clone + Send + 'static) -> String {
    let told_of = async |address| {
        let session = session.clone();
        tokio::task::spawn_blocking(move || session(address)).await.unwrap()
    };
    let in_process = TestServer::builder().first_zxid(0).start().await.unwrap();
    let of_test_server = told_of(in_process.address()).await;
    let real = Ensemble::single().await.unwrap();
    let of_real = told_of(real.server(0).address()).await;
    let difference = of_test_server.lines().zip(of_real.lines()).find(|(ours, theirs)| ours != theirs);
    assert!(
        of_test_server == of_real,
        "first in-process, then real: {difference:?}\n\nIn-process:\n{of_test_server}\n\nReal:\n{of_real}"
    );
    of_real
}

/// Fails where the session did not come to all that it is for.
fn assert_told(transcript: &str, lines: &[&str]) {
    let mut rest = transcript.lines();
    for line in lines {
        assert!(rest.any(|told| told == *line), "nothing of {line:?}, or too early:\n{transcript}");
    }
}

#[tokio::test]
async fn zkcli() {
    let transcript = on_both(zkcli::session).await;
    assert_told(&transcript, zkcli::MILESTONES);
}

#[tokio::test]
async fn kazoo() {
    let transcript = on_both(kazoo::session).await;
    assert_told(&transcript, kazoo::MILESTONES);
}

#[tokio::test]
async fn curator() {
    let transcript = on_both(curator::session).await;
    assert_told(&transcript, curator::MILESTONES);
}
