//! The servers of the ensemble, and which of them to try next.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use actix_election_core::Timestamp;
use rand::seq::SliceRandom;

use super::names::Names;

/// How long a server that failed is tried after all the others.
const PENALTY: Duration = Duration::from_secs(60);

/// Chooses the order in which servers are tried.
#[derive(Debug)]
pub(in super::super) struct Servers {
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
    pub(in super::super) fn new(names: Vec<(String, u16)>) -> Self {
        Servers { names: Names::new(names), failed: HashMap::new() }
    }

    /// All addresses of all servers in random order, those that failed of late behind the others, and those that
    /// were silent last of all.
    ///
    /// Names are looked up anew, which keeps nobody waiting who knows an address; where none is known, for at most `lookup_timeout`.
    /// Returns what went wrong if there is no address at all.
    pub(in super::super) async fn round(
        &mut self,
        now: Timestamp,
        lookup_timeout: Duration,
    ) -> Result<Vec<SocketAddr>, String> {
        let mut order = self.names.addresses(lookup_timeout).await?;
        self.failed.retain(|address, failure| order.contains(address) && now.since(failure.at) < PENALTY);
        order.shuffle(&mut rand::rng());
        order.sort_by_key(|address| self.failed.get(address).copied());
        Ok(order)
    }

    pub(in super::super) fn failed(&mut self, address: SocketAddr, at: Timestamp, silent: bool) {
        self.failed.insert(address, Failure { silent, at });
    }

    pub(in super::super) fn works(&mut self, address: SocketAddr) {
        self.failed.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
