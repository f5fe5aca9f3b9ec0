//! The names of the servers, and what they mean.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use tokio::net::lookup_host;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// How long the names are waited for while addresses are known: a resolver that is well answers within that, and one that
/// hangs must not keep a session waiting whose servers are known.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(20);

/// The names of all servers.
#[derive(Debug)]
pub(super) struct Names(Vec<Name>);

#[derive(Debug)]
struct Name {
    host: String,
    port: u16,
    /// What it meant last.
    known: Vec<SocketAddr>,
    /// Why it could not be looked up last.
    error: Option<String>,
    lookup: Option<JoinHandle<Result<Vec<SocketAddr>, String>>>,
}

impl Names {
    pub(super) fn new(names: Vec<(String, u16)>) -> Self {
        let name = |(host, port): (String, u16)| {
            // An address means itself.
            let known = host.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port)).into_iter().collect();
            Name { host, port, known, error: None, lookup: None }
        };
        Names(names.into_iter().map(name).collect())
    }

    /// All addresses of all servers. Every name is looked up anew, beside what goes on: what is known is not kept waiting for
    /// that. Where nothing is known yet, it waits for the first name, for at most `lookup_timeout`.
    ///
    /// # Errors
    ///
    /// Why there is no address at all.
    ///
    /// # Cancel safety
    ///
    /// Lookups that were begun go on, and are heard of the next time.
    pub(super) async fn addresses(&mut self, lookup_timeout: Duration) -> Result<Vec<SocketAddr>, String> {
        self.0.iter_mut().for_each(Name::look_up);
        let begun = Instant::now();
        loop {
            let known = self.0.iter().any(|name| !name.known.is_empty());
            let until = begun + if known { REFRESH_TIMEOUT } else { lookup_timeout };
            let lookups = self.0.iter_mut().filter(|name| name.lookup.is_some()).map(Name::answered);
            let lookups: Vec<_> = lookups.map(Box::pin).collect();
            if lookups.is_empty() || timeout_at(until, select_all(lookups).map(drop)).await.is_err() {
                break;
            }
        }
        let mut all: Vec<_> = self.0.iter().flat_map(|name| name.known.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        if all.is_empty() { Err(self.errors(lookup_timeout)) } else { Ok(all) }
    }

    fn errors(&self, lookup_timeout: Duration) -> String {
        let error = |name: &Name| {
            let late = || format!("cannot resolve {} within {lookup_timeout:?}", name.host);
            name.error.clone().unwrap_or_else(late)
        };
        self.0.iter().map(error).collect::<Vec<_>>().join("; ")
    }
}

impl Name {
    /// Begins to look it up, unless that is under way.
    fn look_up(&mut self) {
        self.hear();
        if self.lookup.is_some() || self.host.parse::<IpAddr>().is_ok() {
            return;
        }
        let (host, port) = (self.host.clone(), self.port);
        self.lookup = Some(tokio::spawn(async move {
            match lookup_host((host.as_str(), port)).await {
                Ok(addresses) => Ok(addresses.collect()),
                Err(error) => Err(format!("cannot resolve {host}: {error}")),
            }
        }));
    }

    /// Takes in what has come of a lookup that is over.
    fn hear(&mut self) {
        if self.lookup.as_ref().is_some_and(JoinHandle::is_finished) {
            // Ready at once.
            let _ = self.answered().now_or_never();
        }
    }

    /// Waits for the lookup, and takes in what has come of it. One that ended with its runtime says nothing.
    async fn answered(&mut self) {
        let Some(lookup) = &mut self.lookup else { return };
        let answer = lookup.await;
        self.lookup = None;
        match answer {
            Ok(Ok(addresses)) => {
                self.known = addresses;
                self.error = None;
            }
            Ok(Err(error)) => self.error = Some(error),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKUP_TIMEOUT: Duration = Duration::from_secs(30);

    fn names(hosts: &[&str]) -> Names {
        Names::new(hosts.iter().map(|host| ((*host).to_owned(), 1)).collect())
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_resolved_holds_nothing_up() {
        let mut names = names(&["no.such.host.invalid", "127.0.0.1"]);
        assert_eq!(names.addresses(LOOKUP_TIMEOUT).await.unwrap(), [address("127.0.0.1:1")]);
        let mut none = self::names(&["no.such.host.invalid"]);
        let error = none.addresses(LOOKUP_TIMEOUT).await.unwrap_err();
        assert!(error.contains("no.such.host.invalid"), "{error}");
    }

    /// A lookup that hangs, as it is under a resolver that does not answer.
    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_not_kept_waiting_for_a_lookup_that_hangs() {
        let mut names = names(&["slow.invalid", "other.invalid"]);
        names.0[0].lookup = Some(tokio::spawn(std::future::pending()));
        names.0[1].known = vec![address("10.0.0.2:1")];
        names.0[1].lookup = Some(tokio::spawn(std::future::pending()));
        let begun = Instant::now();
        assert_eq!(names.addresses(LOOKUP_TIMEOUT).await.unwrap(), [address("10.0.0.2:1")]);
        assert_eq!(begun.elapsed(), REFRESH_TIMEOUT);
        // It is not begun once more, and its answer is heard when it comes.
        names.0[0].lookup = Some(tokio::spawn(async { Ok(vec![address("10.0.0.1:1")]) }));
        let both = [address("10.0.0.1:1"), address("10.0.0.2:1")];
        assert_eq!(names.addresses(LOOKUP_TIMEOUT).await.unwrap(), both);
    }

    #[tokio::test]
    async fn a_name_that_was_resolved_once_keeps_its_addresses() {
        let mut names = names(&["no.such.host.invalid"]);
        names.0[0].known = vec![address("10.0.0.1:1")];
        assert_eq!(names.addresses(LOOKUP_TIMEOUT).await.unwrap(), [address("10.0.0.1:1")]);
    }

    #[tokio::test]
    async fn names_are_resolved_anew() {
        let mut names = names(&["localhost"]);
        names.0[0].known = vec![address("10.0.0.1:1")];
        // At once, or the next time if the machine is slow.
        while names.addresses(LOOKUP_TIMEOUT).await.unwrap() == [address("10.0.0.1:1")] {}
        assert!(
            names.addresses(LOOKUP_TIMEOUT).await.unwrap().iter().all(|address| address.ip().is_loopback())
        );
    }
}
