//! The watches that a server keeps for candidates in a queue that changes all the time.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::net::SocketAddr;

use actix_election::Strategy;
use actix_election::prelude::*;
use common::{LONG, Role, path, server, session, until};
use zookeeper_testkit::wire::RawClient;
use zookeeper_testkit::{TestServer, four_letter};

const CANDIDATES: usize = 4;

/// Each watches its own znode and its predecessor's, and whoever leads watches for requests to resign. One that has led
/// before keeps that watch, and whoever waited looked on: room for those.
const WATCHES: usize = 4 * CANDIDATES;

/// How many znodes are deleted: `WATCHES_CHANGES` asks for more.
fn changes(usual: usize) -> usize {
    std::env::var("WATCHES_CHANGES").map_or(usual, |changes| changes.parse().unwrap())
}

/// Deletes the znodes of a queue as fast as they come, until so many are gone, and looks at the watches when it is calm again.
async fn churn(server: SocketAddr, changes: usize) {
    let path = path("churn");
    let mut stand = Vec::new();
    for _ in 0..CANDIDATES {
        let session = session(server, LONG);
        let role = Role::start();
        let election = Election::builder(&path).strategy(Strategy::Queue).role(&role.address);
        stand.push((election.campaign(&session).await.unwrap(), role, session));
    }
    let mut raw = RawClient::connect(server, LONG, None).await.unwrap();
    let mut gone = 0;
    while gone < changes {
        for name in raw.get_children(&path).await.unwrap_or_default() {
            gone += usize::from(raw.delete(&format!("{path}/{name}"), None).await.is_ok());
        }
    }
    let standing = async || four_letter::ephemerals(server).await.unwrap().len() == CANDIDATES;
    until("all stand in the queue again", standing).await;
    let few = async || four_letter::watch_count(server).await.unwrap() <= WATCHES;
    until("no watch is left on what has gone", few).await;
    raw.close().await.unwrap();
    for (_election, _role, session) in stand {
        session.close().await;
    }
}

#[actix::test]
async fn a_queue_that_changes_fast_leaves_no_watches_behind() {
    let server = TestServer::builder().max_session_timeout(LONG).start().await.unwrap();
    churn(server.address(), changes(2_000)).await;
}

#[actix::test]
async fn nor_at_a_real_server() {
    churn(server().await, changes(1_000)).await;
}
