//! Free ports on loopback.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below this, ports belong to well-known services too often.
const LOWEST: u16 = 12_000;
const TRIES: u64 = 200;

/// `count` different ports that are free on loopback at this moment.
///
/// They are taken from below the range that the kernel gives to outgoing connections: a client that keeps dialling a
/// dead server's port in that range ends up connected to itself sooner or later, and the server cannot come back.
pub(crate) fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    // All are held until all are found, so that none is found twice.
    let held = (0..count).map(|_| free_listener()).collect::<io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn free_listener() -> io::Result<TcpListener> {
    let ceiling = outgoing_range_start();
    if ceiling > LOWEST + 1_000 {
        // A hasher's random keys serve as the random numbers.
        let random = RandomState::new();
        for attempt in 0..TRIES {
            let offset = random.hash_one(attempt) % u64::from(ceiling - LOWEST);
            let port = LOWEST + u16::try_from(offset).unwrap_or(0);
            if let Ok(listener) = TcpListener::bind(loopback(port)) {
                return Ok(listener);
            }
        }
    }
    TcpListener::bind(loopback(0))
}

fn outgoing_range_start() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(32_768)
}

/// The address of `port` on loopback.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ports_differ_and_are_free() {
        let ports = free_ports(20).unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 20);
        for port in ports {
            TcpListener::bind(loopback(port)).unwrap();
        }
    }
}
