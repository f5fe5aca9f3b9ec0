//! The servers of the ensemble, and which of them to try next.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use actix_election_core::{ElectionPath, Invalid, Timestamp, broken_host_rule};
use rand::seq::SliceRandom;

use super::names::Names;

/// The port that a server listens on if none is given.
const DEFAULT_PORT: u16 = 2181;

/// How long a server that failed is tried after all the others.
const PENALTY: Duration = Duration::from_secs(60);

/// A connect string: `host[:port],host[:port],.../chroot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectString {
    pub(crate) servers: Vec<(String, u16)>,
    /// Put before every path; empty for none.
    pub(crate) chroot: String,
}

const RULE: &str = "it must be host[:port],host[:port],.../chroot, with IPv6 addresses in brackets";
const CHROOT_RULE: &str = "the chroot stands once, behind the last server, and without a comma: host1,host2/app for host1/app,host2/app";
const PORT_RULE: &str =
    "it must be host[:port],host[:port],.../chroot, and a port is a number from 1 to 65535";
const IPV6_RULE: &str =
    "it must be host[:port],host[:port],.../chroot, and brackets hold an IPv6 address, as in [::1]:2181";

impl ConnectString {
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |rule| Invalid { what: "connect string", value: text.to_owned(), rule };
        let (hosts, chroot) = match text.find('/') {
            Some(at) => text.split_at(at),
            None => (text, "/"),
        };
        let chroot = match chroot {
            "/" => String::new(),
            // Otherwise each server but the first would be part of the chroot, and each order of them an election of its own.
            path if path.contains(',') => return Err(invalid(CHROOT_RULE)),
            path => ElectionPath::new(path).map_err(|error| invalid(error.rule))?.to_string(),
        };
        let servers = hosts
            .split(',')
            .map(|server| parse_server(server.trim()).map_err(invalid))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ConnectString { servers, chroot })
    }
}

impl fmt::Display for ConnectString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (host, port)) in self.servers.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        f.write_str(&self.chroot)
    }
}

/// The rule that is broken, otherwise.
fn parse_server(server: &str) -> Result<(String, u16), &'static str> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(IPV6_RULE)?;
            host.parse::<Ipv6Addr>().map_err(|_| IPV6_RULE)?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(RULE)?) })
        }
        None => {
            let (host, port) = match server.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (server, None),
            };
            // Also where there are more colons: an IPv6 address without brackets.
            if host.is_empty() || port.is_some_and(|port| port.contains(':')) {
                return Err(RULE);
            }
            match broken_host_rule(host) {
                Some(rule) => return Err(rule),
                None => (host, port),
            }
        }
    };
    Ok((host.to_owned(), port.map_or(Ok(DEFAULT_PORT), parse_port)?))
}

fn parse_port(port: &str) -> Result<u16, &'static str> {
    // As a number, "+1" would do.
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0).ok_or(PORT_RULE)
}

/// Chooses the order in which servers are tried.
#[derive(Debug)]
pub(super) struct Servers {
    names: Names,
    failed: HashMap<SocketAddr, Failure>,
}

/// What a server did wrong, and when. The lesser one is tried first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Failure {
    /// It had to be waited for in vain. Any other failure costs next to nothing to see again.
    silent: bool,
    at: Timestamp,
}

impl Servers {
    pub(super) fn new(names: Vec<(String, u16)>) -> Self {
        Servers { names: Names::new(names), failed: HashMap::new() }
    }

    /// All addresses of all servers in random order, those that failed of late behind the others, and those that
    /// were silent last of all.
    ///
    /// Names are looked up anew, which keeps nobody waiting who knows an address; where none is known, for at most `patience`.
    /// Returns what went wrong if there is no address at all.
    pub(super) async fn round(
        &mut self,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Vec<SocketAddr>, String> {
        let mut order = self.names.addresses(patience).await?;
        self.failed.retain(|address, failure| order.contains(address) && now.since(failure.at) < PENALTY);
        order.shuffle(&mut rand::rng());
        order.sort_by_key(|address| self.failed.get(address).copied());
        Ok(order)
    }

    pub(super) fn failed(&mut self, address: SocketAddr, at: Timestamp, silent: bool) {
        self.failed.insert(address, Failure { silent, at });
    }

    pub(super) fn works(&mut self, address: SocketAddr) {
        self.failed.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings() {
        let parse = |text: &str| ConnectString::parse(text).map(|c| c.to_string());
        assert_eq!(parse("h").unwrap(), "h:2181");
        assert_eq!(parse("a:1, b:2,[::1]:3/app/x").unwrap(), "a:1,b:2,[::1]:3/app/x");
        assert_eq!(parse("[::1]/").unwrap(), "[::1]:2181");
        for bad in [
            "",
            ",",
            "a,",
            "a:",
            "a:0",
            "a:65536",
            "a:x",
            "::1",
            "::1:2181",
            "[::1",
            "[h]:1",
            "a b",
            "a/b/",
            "a//b",
            "a/../b",
            "user@a",
            "a:+1",
            "[::1]:",
            "[::1]1",
            "[fe80::1%eth0]",
            "a..b",
            "a;b",
            "300.1.1.1",
            "http://a",
            "a:1:2",
            "a/\u{1f600}",
            "a/b\n",
            "a/zookeeper",
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.value, bad);
        }
    }

    #[test]
    fn a_chroot_stands_once_and_whoever_repeats_it_is_told_how() {
        for bad in ["host1/app,host2/app", "host1:1/app,host2:2/app", "host1,host2/a,b"] {
            let error = ConnectString::parse(bad).unwrap_err();
            assert!(error.rule.contains("host1,host2/app"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_server_is_said() {
        for (bad, rule) in [
            ("a:0", "from 1 to 65535"),
            ("a:port", "from 1 to 65535"),
            ("[h]:1", "brackets hold an IPv6 address"),
            ("::1", "IPv6 addresses in brackets"),
            ("", "host[:port]"),
            ("a b", "of letters, digits"),
            ("256.0.0.1", "from 0 to 255"),
        ] {
            let error = ConnectString::parse(bad).unwrap_err();
            assert!(error.to_string().contains(rule), "{error}");
        }
    }

    #[tokio::test]
    async fn servers_that_failed_come_last_and_all_addresses_are_tried() {
        let names = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| (host.to_owned(), 1));
        let mut servers = Servers::new(names.to_vec());
        let now = Timestamp::from_nanos(1);
        let bad: SocketAddr = "10.0.0.2:1".parse().unwrap();
        servers.failed(bad, now, false);
        let mut firsts = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let order = servers.round(now, Duration::from_secs(1)).await.unwrap();
            assert_eq!(order.len(), 3);
            assert_eq!(order[2], bad);
            firsts.insert(order[0]);
        }
        assert_eq!(firsts.len(), 2, "the order is random: {firsts:?}");
        let silent: SocketAddr = "10.0.0.1:1".parse().unwrap();
        servers.failed(silent, now, true);
        servers.failed(bad, now + Duration::from_secs(1), false);
        let order = servers.round(now + Duration::from_secs(2), Duration::from_secs(1)).await.unwrap();
        assert_eq!(order[1..], [bad, silent], "what costs time is tried last");
        servers.works(silent);
        servers.works(bad);
        let mut seen_first = false;
        for _ in 0..200 {
            seen_first |= servers.round(now, Duration::from_secs(1)).await.unwrap()[0] == bad;
        }
        assert!(seen_first);
    }
}
