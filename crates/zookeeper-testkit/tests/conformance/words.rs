//! Four-letter words.

use std::net::SocketAddr;

use zookeeper_testkit::four_letter;
use zookeeper_testkit::wire::OpCode;

use crate::common::frames::Frames;
use crate::common::{TIMEOUT, path};
use crate::node;

pub(crate) async fn four_letter_words(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let (ephemeral, watched) = (path("ephemeral"), node(&mut client, "watched").await);
    client.create_with(&ephemeral, 1).await;
    client.watch(OpCode::GetData, &watched).await;
    client.watch(OpCode::GetChildren, &watched).await;
    assert_eq!(four_letter(server, "ruok").await.unwrap(), "imok");
    assert_eq!(four_letter(server, "isro").await.unwrap(), "rw");
    assert_eq!(four_letter::mode(server).await.unwrap(), four_letter::Mode::Standalone);
    assert!(four_letter::sessions(server).await.unwrap().contains(&client.session));
    assert!(four_letter::ephemerals(server).await.unwrap()[&client.session].contains(&ephemeral));
    assert!(four_letter::watches(server).await.unwrap()[&watched].contains(&client.session));
    // Watches of children are not told of, except in the number that monitoring shows.
    assert_eq!(four_letter::watch_count(server).await.unwrap(), 1);
    let connections = four_letter::connections(server).await.unwrap();
    let own = connections.iter().find(|connection| connection.session == Some(client.session)).unwrap();
    assert_eq!((own.timeout, own.received, own.sent), (Some(TIMEOUT), 5, 5));
    let monitor = four_letter::monitor(server).await.unwrap();
    assert_eq!(
        (monitor["zk_server_state"].as_str(), monitor["zk_watch_count"].as_str()),
        ("standalone", "2")
    );
    let nodes: i64 = monitor["zk_znode_count"].parse().unwrap();
    assert!(nodes >= 7, "the root counts twice: {nodes}");
    let zxid = client.ping().await.header.zxid;
    let server_says = four_letter(server, "srvr").await.unwrap();
    for line in [format!("Zxid: {zxid:#x}\n"), format!("Node count: {nodes}\n"), "Mode: standalone\n".into()]
    {
        assert!(server_says.contains(&line), "{line:?} in {server_says}");
    }
    assert!(server_says.starts_with("Zookeeper version: 3."), "{server_says}");
    let stat = four_letter(server, "stat").await.unwrap();
    assert!(
        stat.contains("\nClients:\n /127.0.0.1:") && stat.contains("\n\nLatency min/avg/max: "),
        "{stat}"
    );
    let by_session = four_letter(server, "wchc").await.unwrap();
    assert!(by_session.contains(&format!("{:#x}\n\t{watched}\n", client.session)), "{by_session}");
    let summary = four_letter(server, "wchs").await.unwrap();
    assert!(summary.starts_with("1 connections watching 1 paths\nTotal watches:1"), "{summary}");
    let settings = four_letter(server, "conf").await.unwrap();
    for line in ["tickTime=500\n", "minSessionTimeout=1000\n", "maxSessionTimeout=600000\n"] {
        assert!(settings.contains(line), "{settings}");
    }
    assert!(four_letter(server, "envi").await.unwrap().starts_with("Environment:\nzookeeper.version=3."));
}
