//! What ten thousand elections occupy. A binary of its own: nothing else may take memory meanwhile.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use actix_election::prelude::*;
use common::{Role, soon};
use zookeeper_testkit::TestServer;

const ELECTIONS: usize = 10_000;
const T: Duration = Duration::from_secs(60);

/// Twice what was measured, and more, for what the server in this process keeps of each.
const MOST_EACH: usize = 16 * 1024;

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}

/// Half of them of each strategy: what one run leaves to the next would hide what that takes.
#[actix::test]
async fn an_election_is_small() {
    let server = TestServer::builder().max_session_timeout(T).start().await.unwrap();
    let session = common::session(server.address(), T);
    let mut role = Role::start();
    let before = resident();
    let starts = (0..ELECTIONS).map(|number| {
        let strategy = if number % 2 == 0 { Strategy::Lock } else { Strategy::Queue };
        let election = Election::builder(&format!("/many/{number}")).strategy(strategy);
        election.address("127.0.0.1:8080").role(&role.address).campaign(&session)
    });
    let _elections = futures::future::try_join_all(starts).await.unwrap();
    let mut leases = Vec::with_capacity(ELECTIONS);
    while leases.len() < ELECTIONS {
        leases.push(role.master().await);
    }
    // On each znode, and on where a request to resign would be.
    server.wait_for(common::PATIENCE, |view| view.watches == 2 * ELECTIONS).await.unwrap();
    let each = resident().saturating_sub(before) / ELECTIONS;
    assert!(each < MOST_EACH, "{each} bytes each");
    soon(session.close(), "closed").await;
}
