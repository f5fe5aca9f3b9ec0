//! The connect string: which servers, and below which path.

use std::fmt;
use std::net::Ipv6Addr;

use actix_election_core::{ElectionPath, Invalid, broken_host_rule};

/// The port that a server listens on if none is given.
const DEFAULT_PORT: u16 = 2181;

/// A connect string: `host[:port],host[:port],.../chroot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct ConnectString {
    pub(in super::super) servers: Vec<(String, u16)>,
    /// Put before every path; empty for none.
    pub(in super::super) chroot: String,
}

const RULE: &str = "it must be host[:port],host[:port],.../chroot, with IPv6 addresses in brackets";
const CHROOT_RULE: &str = "the chroot is given once, after the last server, and without a comma: host1,host2/app instead of host1/app,host2/app";
const PORT_RULE: &str =
    "it must be host[:port],host[:port],.../chroot, and a port is a number from 1 to 65535";
const IPV6_RULE: &str =
    "it must be host[:port],host[:port],.../chroot, and brackets hold an IPv6 address, as in [::1]:2181";

impl ConnectString {
    pub(in super::super) fn parse(text: &str) -> Result<Self, Invalid> {
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
}
