//! For the unit tests of role actors: a term that the test controls. Needs the feature `testing`.
//!
//! **A lease from this module promises nothing.** Switch the feature on under `[dev-dependencies]` only:
//!
//! ```toml
//! [dev-dependencies]
//! actix-election = { version = "0.1", features = ["testing"] }
//! tokio = { version = "1", features = ["test-util"] }
//! ```
//!
//! It needs no server, no session and no actix system, and its leases use tokio's clock, so a test can pause that clock and
//! let hours pass in no time. (The clock is paused on the test's own thread only.)
//!
//! ```
//! # use actix_election::prelude::*;
//! # struct Worker(Option<Lease>);
//! # impl Actor for Worker {
//! #     type Context = Context<Self>;
//! # }
//! # impl Handler<BecameMaster> for Worker {
//! #     type Result = ();
//! #     fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
//! #         self.0 = Some(message.lease);
//! #     }
//! # }
//! # #[derive(Message)]
//! # #[rtype(result = "bool")]
//! # struct MayWrite;
//! # impl Handler<MayWrite> for Worker {
//! #     type Result = bool;
//! #     fn handle(&mut self, _: MayWrite, _: &mut Context<Self>) -> bool {
//! #         self.0.as_ref().is_some_and(Lease::is_valid)
//! #     }
//! # }
//! # #[actix::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use actix_election::testing::Term;
//! use actix_election::{ElectionPath, FencingToken};
//!
//! tokio::time::pause();
//! let worker = Worker(None).start();
//! let term = Term::start(FencingToken::new(7), Duration::from_secs(10));
//! worker.send(BecameMaster::new(ElectionPath::new("/master")?, term.lease())).await?;
//! assert!(worker.send(MayWrite).await?);
//!
//! // Cut off, and not told yet: the actor has to check the lease itself.
//! tokio::time::advance(Duration::from_secs(10)).await;
//! assert!(!worker.send(MayWrite).await?);
//! # Ok(()) }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::FencingToken;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Lease;
use crate::clock::Clock;
use crate::lease::{SessionLease, TermLease};

/// A term of a master, in a test: hands out its lease, extends it and ends it. The term ends when this is dropped.
#[must_use = "the term is over, and its lease invalid, when this value is dropped"]
pub struct Term {
    term: Arc<TermLease>,
    session: Arc<SessionLease>,
    clock: Clock,
    asked: watch::Receiver<bool>,
}

impl Term {
    /// A term with this token, whose lease is valid for `remaining` of tokio's time unless it is extended.
    pub fn start(token: FencingToken, remaining: Duration) -> Self {
        let clock = Clock::Tokio(Instant::now());
        let session = Arc::<SessionLease>::default();
        let (tell, asked) = watch::channel(false);
        let resign = move |_| {
            tell.send_replace(true);
        };
        let term = Arc::new(TermLease::new(token, clock, Arc::clone(&session), resign));
        session.extend(clock.now() + remaining);
        Term { term, session, clock, asked }
    }

    /// The lease, for a [`BecameMaster`](crate::BecameMaster), or for the function given to
    /// [`on_master`](crate::ElectionBuilder::on_master).
    pub fn lease(&self) -> Lease {
        Lease { term: Arc::clone(&self.term) }
    }

    /// As if the ensemble had answered: the lease is valid for `remaining` from now on. A lease that has ended stays ended.
    pub fn extend(&self, remaining: Duration) {
        if self.lease().is_valid() {
            self.session.extend(self.clock.now() + remaining);
        }
    }

    /// Returns once a holder of the lease has asked for an orderly handover by [`Lease::resign`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn resignation(&self) {
        // Never fails: the term holds the other end.
        let _ = self.asked.clone().wait_for(|asked| *asked).await;
    }

    /// Ends the term, and its lease for good, as if the session were lost. The same as dropping the term.
    pub fn end(self) {}
}

impl Drop for Term {
    fn drop(&mut self) {
        self.term.end();
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Term").field(&self.lease()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(10);

    fn term() -> Term {
        tokio::time::pause();
        Term::start(FencingToken::new(7), T)
    }

    #[tokio::test]
    async fn a_lease_goes_by_the_paused_clock() {
        let term = term();
        let lease = term.lease();
        assert_eq!((lease.token(), lease.remaining()), (FencingToken::new(7), T));
        tokio::time::advance(T - Duration::from_nanos(1)).await;
        assert!(lease.is_valid());
        tokio::time::advance(Duration::from_nanos(1)).await;
        assert!(!lease.is_valid());
        lease.lost().await;
        term.extend(T);
        assert!(!lease.is_valid(), "for good");
    }

    #[tokio::test]
    async fn an_extended_lease_lasts_longer() {
        let term = term();
        let lease = term.lease();
        tokio::time::advance(T / 2).await;
        term.extend(T);
        let before = Instant::now();
        lease.lost().await;
        assert_eq!(before.elapsed().as_secs(), T.as_secs());
    }

    #[tokio::test]
    async fn an_ended_term_ends_every_clone_of_its_lease() {
        let term = term();
        let (lease, clone) = (term.lease(), term.lease().clone());
        let lost = tokio::spawn(async move { clone.lost().await });
        term.end();
        assert!(!lease.is_valid());
        let before = Instant::now();
        lost.await.unwrap();
        assert!(before.elapsed() < T, "by the end, and not by time");
    }

    #[tokio::test]
    async fn a_resignation_is_seen() {
        let term = term();
        let lease = term.lease();
        let before = Instant::now();
        let early = tokio::time::timeout(T / 2, term.resignation()).await;
        assert!(early.is_err());
        lease.resign();
        term.resignation().await;
        assert_eq!(before.elapsed().as_secs(), T.as_secs() / 2);
        assert!(lease.is_valid(), "until BecameStandby was handled");
    }
}
