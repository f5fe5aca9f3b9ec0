//! The in-process server with a folder for its data, from outside. What a killed process leaves is a test of `elect dev`.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::frames::{DEADLINE, Frames};
use zookeeper_testkit::server::DataError;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient, WireError};
use zookeeper_testkit::{TestServer, server::TestServerBuilder};

fn on(folder: &Path) -> TestServerBuilder {
    TestServer::builder().data(folder)
}

#[tokio::test]
async fn sessions_and_nodes_outlive_a_server() {
    let folder = tempfile::tempdir().unwrap();
    for members in [1, 2] {
        let folder = folder.path().join(members.to_string());
        let server = on(&folder).members(members).start().await.unwrap();
        let mut client = Frames::connect(server.address()).await;
        client.create_with("/e", 1).await;
        client.create_with("/n-", 2).await;
        let zxid = client.create("/e").await.header.zxid;
        server.close().unwrap();

        let server = on(&folder).members(members).start().await.unwrap();
        let mut again = client.attach(server.address()).await;
        let now = again.ping().await.header.zxid;
        assert!(now >> 32 > zxid >> 32 && now < 1 << 53, "{now:#x} after {zxid:#x}");
        assert_eq!(again.stat("/e").await.unwrap().ephemeral_owner, client.session);
        assert_eq!(again.create_with("/n-", 2).await.string(), "/n-0000000002");
    }
}

#[tokio::test]
async fn who_does_not_come_back_expires() {
    let folder = tempfile::tempdir().unwrap();
    let tick = Duration::from_millis(50);
    let server = on(folder.path()).tick(tick).start().await.unwrap();
    let mut client = RawClient::connect(server.address(), tick * 4, None).await.unwrap();
    client.create("/e", b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let session = (client.session_id(), client.password().to_vec());
    drop(server);

    let server = on(folder.path()).tick(tick).start().await.unwrap();
    server.wait_for(DEADLINE, |view| view.owner("/e").is_none()).await.unwrap();
    let refused = RawClient::connect(server.address(), tick * 4, Some(session.clone())).await;
    assert!(matches!(refused, Err(WireError::SessionRefused)), "{refused:?}");
    let other = RawClient::connect(server.address(), tick * 4, None).await.unwrap();
    assert!(other.session_id() > session.0, "ids do not come again");
    drop(server);

    let server = on(folder.path()).tick(tick).start().await.unwrap();
    assert_eq!(server.view().owner("/e"), None);
}

/// A restart in the process and one with a loss of everything are kept as well.
#[tokio::test]
async fn what_a_test_does_to_the_server_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = on(folder.path()).members(2).start().await.unwrap();
    Frames::connect(server.address()).await.create("/before").await;
    server.restart_wiped();
    Frames::connect(server.address()).await.create("/after").await;
    for _ in 0..3 {
        server.restart();
    }
    let zxid = server.view().zxid;
    drop(server);
    let server = on(folder.path()).first_zxid(0).start().await.unwrap();
    assert!(server.view().zxid >> 32 > zxid >> 32);
    let mut client = Frames::connect(server.address()).await;
    assert_eq!(client.stat("/before").await, None);
    assert!(client.stat("/after").await.is_some());
}

#[tokio::test]
async fn two_servers_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = on(folder.path()).start().await.unwrap();
    let error = on(folder.path()).start().await.unwrap_err();
    let data = error.get_ref().and_then(|error| error.downcast_ref::<DataError>());
    assert!(matches!(data, Some(DataError::InUse { folder: taken }) if taken == folder.path()), "{error}");
    drop(first);
    on(folder.path()).start().await.unwrap();
}
