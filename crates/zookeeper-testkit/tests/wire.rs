//! The raw client and the four-letter words against a real server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use zookeeper_testkit::four_letter;
use zookeeper_testkit::wire::{Acl, CreateMode, ErrorCode, RawClient, WireError, expire_session};

use common::{TIMEOUT, connect, path, server};

fn refused<T>(result: Result<T, WireError>) -> Option<ErrorCode> {
    match result {
        Err(WireError::Refused(code)) => Some(code),
        _ => None,
    }
}

#[tokio::test]
async fn nodes_are_made_read_changed_and_deleted() {
    let mut client = connect(server().await).await;
    let path = path("node");
    assert_eq!(client.exists(&path).await.unwrap(), None);
    let created = client.create(&path, b"one", &Acl::open(), CreateMode::Persistent).await.unwrap();
    assert_eq!(created, path);
    let stat = client.set_data(&path, b"three", Some(0)).await.unwrap();
    assert_eq!((stat.version, stat.data_length, stat.ephemeral_owner), (1, 5, 0));
    assert_eq!(client.get_data(&path).await.unwrap(), (b"three".to_vec(), stat));
    assert_eq!(refused(client.set_data(&path, b"", Some(0)).await), Some(ErrorCode::BadVersion));
    assert_eq!(
        refused(client.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await),
        Some(ErrorCode::NodeExists)
    );

    let prefix = format!("{path}/n-");
    let mode = CreateMode::EphemeralSequential;
    assert_eq!(client.create(&prefix, b"", &Acl::open(), mode).await.unwrap(), format!("{prefix}0000000000"));
    let mode = CreateMode::PersistentSequential;
    assert_eq!(client.create(&prefix, b"", &Acl::open(), mode).await.unwrap(), format!("{prefix}0000000001"));
    assert_eq!(client.get_children(&path).await.unwrap().len(), 2);
    assert_eq!(refused(client.delete(&path, None).await), Some(ErrorCode::NotEmpty));
    client.delete(&format!("{prefix}0000000001"), Some(0)).await.unwrap();
    client.create(&format!("{path}/c"), b"", &Acl::open(), CreateMode::Container).await.unwrap();
    client.close().await.unwrap();
    let children = connect(server().await).await.get_children(&path).await.unwrap();
    assert_eq!(children, ["c"], "the ephemeral went with its session");
}

#[tokio::test]
async fn acls_deny_and_are_put_right() {
    let server = server().await;
    let (mut owner, mut other) = (connect(server).await, connect(server).await);
    let path = path("guarded");
    owner.add_auth("digest", b"user:secret").await.unwrap();
    owner.create(&path, b"", &Acl::creator(), CreateMode::Persistent).await.unwrap();
    assert_eq!(refused(other.get_data(&path).await), Some(ErrorCode::NoAuth));
    owner.set_acl(&path, &Acl::read_only()).await.unwrap_or_else(|error| panic!("{error}"));
    other.get_data(&path).await.unwrap();
    assert_eq!(refused(other.set_data(&path, b"", None).await), Some(ErrorCode::NoAuth));

    let second = common::path("guarded");
    owner.create(&second, b"", &Acl::creator(), CreateMode::Persistent).await.unwrap();
    other.add_auth("digest", b"user:secret").await.unwrap();
    other.get_data(&second).await.unwrap();
    assert_eq!(refused(other.add_auth("nonsense", b"").await), Some(ErrorCode::AuthFailed));
}

#[tokio::test]
async fn a_session_is_attached_by_id_and_password() {
    let server = server().await;
    let mut client = connect(server).await;
    let (id, password) = (client.session_id(), client.password().to_vec());
    let mut thief = RawClient::connect(server, Duration::from_secs(5), Some((id, password))).await.unwrap();
    assert_eq!((thief.session_id(), thief.session_timeout()), (id, Duration::from_secs(5)));
    assert!(matches!(client.ping().await, Err(WireError::Io(_))), "thrown out");
    thief.ping().await.unwrap();
    let wrong = RawClient::connect(server, TIMEOUT, Some((id, vec![1; 16]))).await;
    assert!(matches!(wrong, Err(WireError::SessionRefused)));
}

#[tokio::test]
async fn a_session_is_ended_from_outside() {
    let server = server().await;
    let mut client = connect(server).await;
    let path = path("ephemeral");
    client.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let (id, password) = (client.session_id(), client.password().to_vec());
    assert_eq!(four_letter::ephemerals(server).await.unwrap()[&id], BTreeSet::from([path.clone()]));

    let wrong = expire_session(server, id, &[1; 16]).await;
    assert!(matches!(wrong, Err(WireError::SessionRefused)));
    expire_session(server, id, &password).await.unwrap();
    assert!(matches!(client.ping().await, Err(WireError::Io(_))));
    assert_eq!(connect(server).await.exists(&path).await.unwrap(), None);
    assert!(matches!(expire_session(server, id, &password).await, Err(WireError::SessionRefused)));
}

#[tokio::test]
async fn a_session_is_ended_while_its_client_fights_for_it() {
    let server = server().await;
    let client = connect(server).await;
    let (id, password) = (client.session_id(), client.password().to_vec());
    let session = Some((id, password.clone()));
    let fighting = tokio::spawn(async move {
        loop {
            match RawClient::connect(server, TIMEOUT, session.clone()).await {
                Ok(mut client) => while client.ping().await.is_ok() {},
                Err(WireError::Io(_)) => {}
                Err(error) => return error,
            }
        }
    });
    expire_session(server, id, &password).await.unwrap();
    assert!(matches!(fighting.await.unwrap(), WireError::SessionRefused));
}

#[tokio::test]
async fn a_dropped_request_gives_the_connection_up() {
    let mut client = connect(server().await).await;
    let never = std::future::ready(());
    tokio::select! {
        biased;
        _ = client.ping() => panic!("no answer can be there at the first look"),
        () = never => {}
    }
    assert!(matches!(client.ping().await, Err(WireError::Disconnected)));
}

#[tokio::test]
async fn a_server_tells_of_its_connections() {
    let server = server().await;
    let client = connect(server).await;
    let connections = four_letter::connections(server).await.unwrap();
    let own = connections.iter().find(|connection| connection.session == Some(client.session_id())).unwrap();
    assert_eq!(own.timeout, Some(TIMEOUT));
    assert!(four_letter::sessions(server).await.unwrap().contains(&client.session_id()));
    assert_eq!(four_letter::monitor(server).await.unwrap()["zk_server_state"], "standalone");
    four_letter::watch_count(server).await.unwrap();
    assert_eq!(four_letter(server, "ruok").await.unwrap(), "imok");
}
