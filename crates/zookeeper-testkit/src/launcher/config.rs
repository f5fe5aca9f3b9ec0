//! The configuration of one server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::ports::loopback;

/// Settings of `zoo.cfg` by name.
pub(super) type Settings = BTreeMap<String, String>;

/// The three ports of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) client: u16,
    pub(super) quorum: u16,
    pub(super) election: u16,
}

/// ZooKeeper's number for the server with this index.
pub(super) fn server_id(index: usize) -> usize {
    index + 1
}

/// What every server is given unless the builder says otherwise.
pub(super) fn defaults() -> Settings {
    [
        ("tickTime", "500"),
        ("initLimit", "20"),
        ("syncLimit", "10"),
        ("maxClientCnxns", "0"),
        ("forceSync", "no"),
        ("preAllocSize", "1024"),
        ("4lw.commands.whitelist", "*"),
        ("admin.enableServer", "false"),
        ("reconfigEnabled", "false"),
        ("quorumListenOnAllIPs", "false"),
        // A port found taken ends the server, and another is tried.
        ("electionPortBindRetry", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The text of server `index`'s `zoo.cfg`.
pub(super) fn zoo_cfg(settings: &Settings, members: &[Ports], index: usize, data: &Path) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(text, "dataDir={}", data.display());
    let _ = writeln!(text, "clientPortAddress={}", loopback(0).ip());
    let _ = writeln!(text, "clientPort={}", members[index].client);
    if members.len() > 1 {
        for (member, ports) in members.iter().enumerate() {
            let (id, ip) = (server_id(member), loopback(0).ip());
            let _ = writeln!(text, "server.{id}={ip}:{}:{}", ports.quorum, ports.election);
        }
    }
    for (name, value) in settings {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_no_members_and_three_have_three() {
        let ports = |client| Ports { client, quorum: client + 1, election: client + 2 };
        let alone = zoo_cfg(&defaults(), &[ports(10)], 0, Path::new("/d"));
        assert!(!alone.contains("server."), "{alone}");
        let three = zoo_cfg(&defaults(), &[ports(10), ports(20), ports(30)], 1, Path::new("/d"));
        assert!(three.contains("clientPort=20\n"), "{three}");
        assert!(three.contains("server.3=127.0.0.1:31:32\n"), "{three}");
    }
}
