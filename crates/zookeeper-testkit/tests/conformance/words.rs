//! Four-letter words.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use zookeeper_testkit::wire::OpCode;
use zookeeper_testkit::{Ensemble, TestServer, four_letter};

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

/// A figure of `mntr`, or NaN where it is none.
fn figure(monitor: &BTreeMap<String, String>, name: &str) -> f64 {
    let value = monitor.get(name).unwrap_or_else(|| panic!("{name} is missing: {monitor:?}"));
    value.parse().unwrap_or(f64::NAN)
}

pub(crate) async fn figures_that_monitors_read(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let before = four_letter::monitor(server).await.unwrap();
    let path = node(&mut client, "figures").await;
    client.create_with(&format!("{path}/e"), 1).await;
    client.watch(OpCode::GetData, &path).await;
    client.auth("ip", b"").await;
    let mut other = Frames::connect(server).await;
    other.auth("nonsense", b"").await;
    let after = four_letter::monitor(server).await.unwrap();
    let grown = |name: &str| figure(&after, name) - figure(&before, name);
    for (name, by) in [
        ("zk_ephemerals_count", 1.0),
        ("zk_znode_count", 2.0),
        ("zk_watch_count", 1.0),
        ("zk_approximate_data_size", (2 * path.len() + 2) as f64),
        ("zk_auth_failed_count", 0.0),
        ("zk_connection_request_count", 1.0),
        ("zk_global_sessions", 1.0),
        ("zk_outstanding_requests", 0.0),
        ("zk_local_sessions", 0.0),
    ] {
        assert_eq!(grown(name), by, "{name}");
    }
    // The words count for a real server, too.
    for name in ["zk_packets_received", "zk_packets_sent"] {
        assert!((5.0..10.0).contains(&grown(name)), "{name}: {}", grown(name));
    }
    let asked = figure(&before, "zk_num_alive_connections");
    assert!((1.0..=asked + 1.0).contains(&figure(&after, "zk_num_alive_connections")));
    let [min, avg, max] = ["min", "avg", "max"].map(|which| figure(&after, &format!("zk_{which}_latency")));
    assert!(0.0 <= min && min <= avg && avg <= max, "{min} {avg} {max}");
    assert!(after["zk_avg_latency"].contains('.'), "{after:?}");
    let open = figure(&after, "zk_open_file_descriptor_count");
    assert!(open > 3.0 && open < figure(&after, "zk_max_file_descriptor_count"), "{after:?}");
    assert!(grown("zk_bytes_received_count") > 100.0 && grown("zk_uptime") >= 0.0);
    assert!(after["zk_version"].starts_with("3.8.0"), "{after:?}");
}

/// On every part that a server can play, with figures that both can be told apart by.
#[tokio::test]
async fn all_figures_are_those_of_a_real_server() {
    let ensemble = Ensemble::builder().servers(3).start().await.unwrap();
    let single = Ensemble::single().await.unwrap();
    let mut real = BTreeMap::new();
    let addresses = (0..3).map(|index| ensemble.server(index).address());
    for address in addresses.chain([single.server(0).address()]) {
        let monitor = four_letter::monitor(address).await.unwrap();
        real.insert(monitor["zk_server_state"].clone(), monitor);
    }
    for members in [1, 3] {
        let server = TestServer::builder().members(members).start().await.unwrap();
        for address in server.addresses() {
            let ours = four_letter::monitor(*address).await.unwrap();
            let theirs = &real[&ours["zk_server_state"]];
            for (name, value) in &ours {
                let part = &ours["zk_server_state"];
                let other = theirs.get(name).unwrap_or_else(|| panic!("{part}: there is no {name}"));
                assert_eq!(value.contains('.'), other.contains('.'), "{part}: {name} {value} {other}");
            }
            for name in ["zk_quorum_size", "zk_synced_followers", "zk_learners"] {
                assert_eq!(ours.get(name), theirs.get(name), "{name} of {}", ours["zk_server_state"]);
            }
        }
    }
}
