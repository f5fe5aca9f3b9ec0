//! Leases: what a master checks before it acts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix_election_core::{FencingToken, Timestamp};
use tokio::sync::Notify;

use crate::clock::Clock;

/// Stands for a lease that was ended: no clock shows this.
const ENDED: u64 = 1;

/// Until when one session is known to live. Written by the session's thread, read by every lease.
#[derive(Debug, Default)]
pub(crate) struct SessionLease {
    /// In nanoseconds; 0 before there is a session, and [`ENDED`] once it is over.
    until: AtomicU64,
    /// When the quorum last answered, in nanoseconds; 0 for never.
    answered: AtomicU64,
}

impl SessionLease {
    /// Does nothing once the lease was ended.
    pub(crate) fn extend(&self, until: Timestamp) {
        let _ = self.until.fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
            (before != ENDED).then_some(until.as_nanos())
        });
    }

    /// For good: whatever is proven later.
    pub(crate) fn end(&self) {
        self.until.store(ENDED, Ordering::Release);
    }

    pub(crate) fn until(&self) -> Option<Timestamp> {
        time(self.until.load(Ordering::Acquire)).filter(|until| until.as_nanos() != ENDED)
    }

    pub(crate) fn quorum_answered(&self, at: Timestamp) {
        self.answered.store(at.as_nanos(), Ordering::Release);
    }

    pub(crate) fn last_quorum_answer(&self) -> Option<Timestamp> {
        time(self.answered.load(Ordering::Acquire))
    }
}

fn time(nanos: u64) -> Option<Timestamp> {
    (nanos != 0).then(|| Timestamp::from_nanos(nanos))
}

/// Asks for the orderly end of a term.
type Resign = Box<dyn Fn(FencingToken) + Send + Sync>;

/// The lease of one term: that of its session, until the term is capped or over.
pub(crate) struct TermLease {
    token: FencingToken,
    clock: Clock,
    session: Arc<SessionLease>,
    /// In nanoseconds: not valid from then on, whatever the session does. 0 once the term is over.
    cap: AtomicU64,
    /// Told once the term is over.
    over: Notify,
    resign: Resign,
    /// A context that the term was tied to has ended. Set by whoever does the work, and looked at by the election.
    tie_cut: AtomicBool,
}

impl TermLease {
    /// `resign` is called with the token whenever a holder of the lease asks for the end of the term.
    pub(crate) fn new(
        token: FencingToken,
        clock: Clock,
        session: Arc<SessionLease>,
        resign: impl Fn(FencingToken) + Send + Sync + 'static,
    ) -> Self {
        TermLease {
            token,
            clock,
            session,
            cap: AtomicU64::new(u64::MAX),
            over: Notify::new(),
            resign: Box::new(resign),
            tie_cut: AtomicBool::new(false),
        }
    }

    pub(crate) fn cut_tie(&self) {
        self.tie_cut.store(true, Ordering::Release);
    }

    pub(crate) fn is_tie_cut(&self) -> bool {
        self.tie_cut.load(Ordering::Acquire)
    }

    pub(crate) fn token(&self) -> FencingToken {
        self.token
    }

    /// From `until` on the term's lease is not valid, even if the session's goes on.
    pub(crate) fn cap(&self, until: Timestamp) {
        self.cap.fetch_min(until.as_nanos(), Ordering::AcqRel);
    }

    pub(crate) fn end(&self) {
        self.cap.store(0, Ordering::Release);
        self.over.notify_waiters();
    }

    /// Whether it is over for good.
    pub(crate) fn is_over(&self) -> bool {
        self.cap.load(Ordering::Acquire) == 0
    }

    /// Returns once it is over for good.
    pub(crate) async fn wait_over(&self) {
        // Before the look: the end must not fall in between.
        let over = self.over.notified();
        if !self.is_over() {
            over.await;
        }
    }

    /// Until when the lease is valid, as far as it is known now; the origin of the clock once it is over.
    pub(crate) fn until(&self) -> Timestamp {
        let cap = Timestamp::from_nanos(self.cap.load(Ordering::Acquire));
        self.session.until().unwrap_or(Timestamp::ORIGIN).min(cap)
    }
}

impl fmt::Debug for TermLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TermLease").field("token", &self.token).field("until", &self.until()).finish()
    }
}

impl Drop for TermLease {
    fn drop(&mut self) {
        self.end();
    }
}

/// The right to act as master, for a limited time.
///
/// At no instant do two processes hold a valid lease of the same election. A lease is extended silently for as
/// long as the ensemble answers, and is over for good once the term is: the next term comes with a lease of its
/// own. It is cheap to clone, can be sent to any thread, and all clones agree.
///
/// **A check says what was true at that moment.** Code that was already running does not stop by itself: check
/// before every step, leave enough time for the step within [`remaining`](Self::remaining), and pass the
/// [`token`](Self::token) to the resource that you write to, so that it can refuse a late writer.
#[derive(Clone)]
pub struct Lease {
    pub(crate) term: Arc<TermLease>,
}

impl Lease {
    /// Whether this process is master now.
    ///
    /// Compares a clock with the end of the lease. It relies on no message, no lock and no thread, so the very first check
    /// after a pause of the process or of the whole machine returns `false` if the lease has ended meanwhile.
    pub fn is_valid(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// For how long this process is certain to be master; zero if it is not master.
    ///
    /// It grows again as the ensemble answers, and ends early if the term does.
    pub fn remaining(&self) -> Duration {
        self.remaining_at(self.term.clock.now())
    }

    /// What [`remaining`](Self::remaining) says if the clock reads `now` (see [`clock::now`](crate::clock::now)):
    /// for a caller that wants to record the clock reading that the result is based on.
    pub fn remaining_at(&self, now: Timestamp) -> Duration {
        self.term.until().since(now)
    }

    /// The fencing token of this term: greater than that of every earlier term of the election.
    pub fn token(&self) -> FencingToken {
        self.term.token()
    }

    /// Resolves once the lease is no longer valid, and never before: at once if it is not valid now.
    ///
    /// After a pause of the process it resolves only when the task is next polled; [`is_valid`](Self::is_valid) is right
    /// at once.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn lost(&self) {
        loop {
            // Before the look: the end of the term must not fall in between.
            let over = self.term.over.notified();
            let remaining = self.remaining();
            if remaining.is_zero() {
                return;
            }
            tokio::select! {
                () = over => {}
                () = tokio::time::sleep(remaining) => {}
            }
        }
    }

    /// Asks for an orderly handover of this term: the roles are told that they are standby, and once they have stopped the
    /// lock is released. Does nothing if the term is over, and never ends a later one.
    pub fn resign(&self) {
        (self.term.resign)(self.token());
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("token", &self.token()).field("remaining", &self.remaining()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_was_ended_is_never_extended() {
        let lease = SessionLease::default();
        assert_eq!(lease.until(), None);
        lease.extend(Timestamp::from_nanos(7));
        assert_eq!(lease.until(), Some(Timestamp::from_nanos(7)));
        lease.end();
        lease.extend(Timestamp::from_nanos(9));
        assert_eq!(lease.until(), None);
    }
}
