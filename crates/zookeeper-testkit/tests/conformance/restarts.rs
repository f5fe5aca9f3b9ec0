//! What takes a server of one's own: it starts again, or is given other settings.

use std::net::SocketAddr;
use std::time::Instant;

use zookeeper_testkit::{Ensemble, TestServer};

use crate::common::TIMEOUT;
use crate::common::frames::{DEADLINE, Frames, request};

#[tokio::test]
async fn sessions_outlive_a_restart_in_process() {
    let server = TestServer::builder().max_session_timeout(TIMEOUT).start().await.unwrap();
    sessions_outlive_a_restart(server.address(), async || server.restart()).await;
}

#[tokio::test]
async fn sessions_outlive_a_restart_of_a_real_server() {
    let ensemble = Ensemble::builder().max_session_timeout(TIMEOUT).start().await.unwrap();
    let server = ensemble.server(0);
    sessions_outlive_a_restart(server.address(), async || {
        server.kill();
        server.restart().await.unwrap();
    })
    .await;
}

async fn sessions_outlive_a_restart(address: SocketAddr, restart: impl AsyncFnOnce()) {
    let mut client = Frames::connect(address).await;
    client.create_with("/e", 1).await;
    client.create_with("/n-", 2).await;
    let zxid = client.create("/e").await.header.zxid;
    restart().await;
    assert!(client.is_closed().await);
    let mut again = client.attach(address).await;
    assert_eq!(again.ping().await.header.zxid, zxid, "failed writes count");
    assert_eq!(again.stat("/e").await.unwrap().ephemeral_owner, client.session);
    assert_eq!(again.create_with("/n-", 2).await.string(), "/n-0000000002");
}

#[tokio::test]
async fn connections_of_one_address_are_limited_in_process() {
    let server = TestServer::builder().max_client_connections(3).start().await.unwrap();
    connections_of_one_address_are_limited(server.address()).await;
}

#[tokio::test]
async fn connections_of_one_address_are_limited_by_a_real_server() {
    let ensemble = Ensemble::builder().max_client_connections(3).start().await.unwrap();
    connections_of_one_address_are_limited(ensemble.server(0).address()).await;
}

/// Those who looked whether the server runs may still count as connected: who is refused before three have a session
/// asks again.
async fn connections_of_one_address_are_limited(address: SocketAddr) {
    let mut served: Vec<Frames> = Vec::new();
    let deadline = Instant::now() + DEADLINE;
    loop {
        assert!(Instant::now() < deadline, "{} connections were served, and then none", served.len());
        if let Ok(mut client) = Frames::dial(address).await
            && client.shake(&request(TIMEOUT)).await.is_some()
        {
            served.push(client);
            assert!(served.len() <= 3, "more connections than the limit");
        } else if served.len() == 3 {
            break;
        }
    }
    for mut client in served {
        client.ping().await;
    }
}
