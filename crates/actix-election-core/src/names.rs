//! Election paths and addresses: checked once, trusted everywhere else.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use crate::printable;

/// So much of a value is shown where it cannot be used: more than any that could.
const SHOWN: usize = 600;

/// A value that cannot be used, and the rule that it breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Invalid {
    /// What was being set.
    pub what: &'static str,
    /// The value that was given.
    pub value: String,
    /// What is expected instead.
    pub rule: &'static str,
}

impl Invalid {
    pub(crate) fn new(what: &'static str, value: impl fmt::Display, rule: &'static str) -> Self {
        Invalid { what, value: value.to_string(), rule }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {} \"{}\": {}", self.what, printable(&self.value, SHOWN), self.rule)
    }
}

impl std::error::Error for Invalid {}

/// The znode path of an election, such as `/master` or `/payments/scheduler`.
///
/// Absolute, without a trailing slash, without empty, `.` or `..` components and control characters, at most
/// 512 bytes, and not below `/zookeeper`, which belongs to ZooKeeper itself. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct ElectionPath(Arc<str>);

impl ElectionPath {
    /// The longest path, in bytes.
    pub const MAX_LEN: usize = 512;

    /// Checks a path.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the path and the first rule that it breaks.
    pub fn new(path: &str) -> Result<Self, Invalid> {
        match broken_path_rule(path) {
            None => Ok(ElectionPath(path.into())),
            Some(rule) => Err(Invalid::new("election path", path, rule)),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ElectionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ElectionPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<ElectionPath> for String {
    fn from(path: ElectionPath) -> Self {
        path.as_str().to_owned()
    }
}

impl TryFrom<&str> for ElectionPath {
    type Error = Invalid;

    fn try_from(path: &str) -> Result<Self, Invalid> {
        ElectionPath::new(path)
    }
}

impl TryFrom<String> for ElectionPath {
    type Error = Invalid;

    fn try_from(path: String) -> Result<Self, Invalid> {
        ElectionPath::new(&path)
    }
}

impl FromStr for ElectionPath {
    type Err = Invalid;

    fn from_str(path: &str) -> Result<Self, Invalid> {
        ElectionPath::new(path)
    }
}

fn broken_path_rule(path: &str) -> Option<&'static str> {
    let Some(inner) = path.strip_prefix('/') else {
        return Some("it must start with a slash");
    };
    if inner.is_empty() {
        return Some("it must name a znode below the root");
    }
    if path.len() > ElectionPath::MAX_LEN {
        return Some("it must be at most 512 bytes long");
    }
    if inner.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("no part may be empty, \".\" or \"..\", and it must not end with a slash");
    }
    if inner.chars().any(not_allowed_by_zookeeper) {
        return Some(
            "ZooKeeper allows no control, private-use or special characters in it, and none beyond U+FFFF",
        );
    }
    if inner == "zookeeper" || inner.starts_with("zookeeper/") {
        return Some("/zookeeper is ZooKeeper's own");
    }
    None
}

/// The characters that ZooKeeper's `PathUtils.validatePath` refuses. To Java those beyond U+FFFF are two surrogates each.
fn not_allowed_by_zookeeper(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..)
}

/// The address under which the master is reached: `host:port`, an IPv6 host in brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Address(String);

impl Address {
    /// The longest address, in bytes: a DNS name of 253, a colon, a port of 5.
    pub const MAX_LEN: usize = 259;

    /// Checks an address.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the address and the first rule that it breaks.
    pub fn new(address: &str) -> Result<Self, Invalid> {
        match broken_address_rule(address) {
            None => Ok(Address(address.to_owned())),
            Some(rule) => Err(Invalid::new("address", address, rule)),
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.as_str().to_owned()
    }
}

impl TryFrom<&str> for Address {
    type Error = Invalid;

    fn try_from(address: &str) -> Result<Self, Invalid> {
        Address::new(address)
    }
}

impl TryFrom<String> for Address {
    type Error = Invalid;

    fn try_from(address: String) -> Result<Self, Invalid> {
        Address::new(&address)
    }
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(address: &str) -> Result<Self, Invalid> {
        Address::new(address)
    }
}

fn broken_address_rule(address: &str) -> Option<&'static str> {
    if address.len() > Address::MAX_LEN {
        return Some("it must be at most 259 bytes long");
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return Some("it must be host:port");
    };
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if !digits || !matches!(port.parse::<u16>(), Ok(1..)) {
        return Some("the port must be a number from 1 to 65535");
    }
    if let Some(inner) = host.strip_prefix('[') {
        let v6 = inner.strip_suffix(']').is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
        return (!v6).then_some("the brackets must hold an IPv6 address, as in [::1]:8080");
    }
    if host.contains(':') {
        return Some("an IPv6 host must be in brackets, as in [::1]:8080");
    }
    let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !host.chars().all(label) {
        return Some(HOST_RULE);
    }
    broken_host_rule(host)
}

const HOST_RULE: &str = "the host must be a name or an IP address, of letters, digits, '-', '_' and '.'";

/// The rule that a name of a host, or an IPv4 address, breaks: no resolver would know it.
pub fn broken_host_rule(host: &str) -> Option<&'static str> {
    let labels: Vec<_> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if host.starts_with('-') || !labels.iter().all(|label| label.chars().all(allowed)) {
        return Some(HOST_RULE);
    }
    if host.len() > 254 || labels.iter().any(|label| !(1..=63).contains(&label.len())) {
        return Some("the host must have 1 to 63 characters between dots, and at most 253 in all");
    }
    let numbers = labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if numbers && labels.len() >= 4 && host.parse::<Ipv4Addr>().is_err() {
        return Some("an IPv4 address must be four numbers from 0 to 255, as in 10.0.0.7");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in ["/master", "/a/b/c", "/a..b/c", "/zookeeper2", "/é"] {
            assert_eq!(ElectionPath::new(good).unwrap().as_str(), good);
        }
        let long = format!("/{}", "x".repeat(ElectionPath::MAX_LEN));
        for bad in [
            "",
            "/",
            "master",
            "/a/",
            "//a",
            "/a//b",
            "/a/./b",
            "/a/..",
            "/a\0",
            "/a\n",
            "/\u{fff1}",
            "/\u{e000}",
            "/\u{1f600}",
            "/a\u{85}",
            &long,
            "/zookeeper",
            "/zookeeper/quota",
        ] {
            let error = ElectionPath::new(bad).unwrap_err();
            assert_eq!(error.value, bad);
            assert!(error.to_string().contains("election path"), "{error}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["h:1", "db-1.example.com.:65535", "10.0.0.1:80", "[::1]:8080", "my_host:2181", "zk.1:2"]
        {
            assert_eq!(Address::new(good).unwrap().as_str(), good);
        }
        let long = format!("{}:1", "x".repeat(Address::MAX_LEN));
        for bad in [
            "",
            "h",
            ":1",
            "h:",
            "h:0",
            "h:65536",
            "h:+1",
            "h:1x",
            "::1:80",
            "[::1]",
            "[::1]:",
            "[:::1]:1",
            "[h]:1",
            "[::1:80",
            "h h:1",
            "h/x:1",
            "http://h:1",
            "a..b:1",
            ".:1",
            ".a:1",
            "-a:1",
            "é:1",
            "300.0.0.1:1",
            "10.0.0.07:1",
            "1.2.3.4.5:1",
            &format!("{}:1", "x".repeat(64)),
            &format!("{}x:1", "x.".repeat(127)),
            &long,
        ] {
            let error = Address::new(bad).unwrap_err();
            assert_eq!(error.value, bad);
            assert!(error.to_string().contains("address"), "{error}");
        }
    }
}
