//! Who may do what.

use std::net::IpAddr;

use super::digest::sha1_base64;
use crate::wire::{Acl, ErrorCode};

pub(super) const READ: i32 = 1;
pub(super) const WRITE: i32 = 2;
pub(super) const CREATE: i32 = 4;
pub(super) const DELETE: i32 = 8;
pub(super) const ADMIN: i32 = 16;

/// Somebody as ACLs know him: a scheme, and an id in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Such as `digest` or `ip`.
    pub scheme: String,
    /// Such as `user:hash` or an address.
    pub id: String,
}

impl Identity {
    /// Whoever connects from this address. Every connection is that.
    pub fn ip(address: IpAddr) -> Self {
        Self { scheme: "ip".to_owned(), id: address.to_string() }
    }

    /// Whoever knows `user:password`: its id is `user:`, and the SHA-1 of the whole in base64.
    pub fn digest(credentials: &[u8]) -> Self {
        let text = String::from_utf8_lossy(credentials);
        let user = text.split(':').next().unwrap_or_default();
        Self { scheme: "digest".to_owned(), id: format!("{user}:{}", sha1_base64(text.as_bytes())) }
    }

    /// Its name, without what only proves it.
    pub fn user(&self) -> &str {
        match self.id.split_once(':') {
            Some((user, _)) if self.scheme == "digest" => user,
            _ => &self.id,
        }
    }
}

/// Whether one of `identities` has one of the permissions in `permission`.
pub(super) fn check(acl: &[Acl], permission: i32, identities: &[Identity]) -> Result<(), ErrorCode> {
    let grants = |entry: &Acl| {
        entry.permissions & permission != 0
            && (entry.scheme == "world" && entry.id == "anyone"
                || identities.iter().any(|identity| matches(entry, identity)))
    };
    if acl.is_empty() || acl.iter().any(grants) { Ok(()) } else { Err(ErrorCode::NoAuth) }
}

fn matches(entry: &Acl, identity: &Identity) -> bool {
    entry.scheme == identity.scheme
        && match entry.scheme.as_str() {
            "digest" => entry.id == identity.id,
            "ip" => parse_network(&entry.id)
                .zip(identity.id.parse().ok())
                .is_some_and(|(network, address)| contains(network, address)),
            _ => false,
        }
}

/// An ACL as a node keeps it: without doubles, `auth` replaced by who is asking.
pub(super) fn settle(acl: &[Acl], identities: &[Identity]) -> Result<Vec<Acl>, ErrorCode> {
    let mut settled = Vec::new();
    for (index, entry) in acl.iter().enumerate() {
        if acl[..index].contains(entry) {
            continue;
        }
        match (entry.scheme.as_str(), entry.id.as_str()) {
            ("world", "anyone") => settled.push(entry.clone()),
            ("auth", _) => {
                let proven = identities.iter().filter(|identity| identity.scheme == "digest");
                let before = settled.len();
                settled.extend(proven.map(|identity| Acl {
                    permissions: entry.permissions,
                    scheme: identity.scheme.clone(),
                    id: identity.id.clone(),
                }));
                if settled.len() == before {
                    return Err(ErrorCode::InvalidAcl);
                }
            }
            ("digest", id) if java_split(id) == 2 => settled.push(entry.clone()),
            ("ip", id) if parse_network(id).is_some() => settled.push(entry.clone()),
            _ => return Err(ErrorCode::InvalidAcl),
        }
    }
    if settled.is_empty() { Err(ErrorCode::InvalidAcl) } else { Ok(settled) }
}

/// An ACL as it is shown to those who may not change it.
pub(super) fn masked(acl: &[Acl]) -> Vec<Acl> {
    let mask = |entry: &Acl| match entry.id.split_once(':') {
        Some((user, _)) if entry.scheme == "digest" => Acl { id: format!("{user}:x"), ..entry.clone() },
        _ => entry.clone(),
    };
    acl.iter().map(mask).collect()
}

/// How many parts Java's `split(":")` makes: empty ones at the end do not count.
fn java_split(id: &str) -> usize {
    id.trim_end_matches(':').split(':').count()
}

fn parse_network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
    (bits <= all).then_some((address, bits))
}

fn contains((network, bits): (IpAddr, u32), address: IpAddr) -> bool {
    let equal = |one: u128, other: u128, all: u32| bits == 0 || one >> (all - bits) == other >> (all - bits);
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            equal(u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => equal(network.to_bits(), address.to_bits(), 128),
        _ => false,
    }
}
