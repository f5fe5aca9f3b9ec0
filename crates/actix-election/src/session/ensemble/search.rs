//! The search for a server: one that attaches the session, or that closes one which was given up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{SessionTimeout, Timestamp};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::super::auth::Auth;
use super::super::link::Reporter;
use super::dial::{Attached, DialError, DialTimeouts, SessionClaim, attach, close};
use super::servers::Servers;
use crate::clock;

/// How long a lookup of names may take where no address is known yet.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is reported that no server serves, while none does.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// How often a session may be attached to be closed, and not be known to be, until it is left to expire: each attempt
/// may have kept it for another T.
const UNCERTAIN_CLOSES: u32 = 3;

/// What a server is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Goal {
    /// To attach the session, or to open one.
    Attach,
    /// To close a session that was given up.
    Close,
}

/// What came of a search.
pub(in super::super) enum Found {
    /// A connection that is attached to the session.
    Server(Box<Attached>),
    /// There is no such session any more.
    Expired,
    /// There is, but not for long enough to be of use.
    Unusable,
    /// It was to be closed, and could not be: it ends when it expires.
    NotClosed,
}

/// Looks for a server until one is found, in rounds that try every server once.
#[derive(Clone)]
pub(in super::super) struct Search {
    pub(in super::super) servers: Arc<Mutex<Servers>>,
    pub(in super::super) auth: Arc<[Auth]>,
    pub(in super::super) reporter: Reporter,
    /// When it was last reported that no server serves, unless a connection has been of use since.
    pub(in super::super) reported: Arc<Mutex<Option<Timestamp>>>,
}

impl Search {
    /// Runs until a server attaches the session, or closes it, or says that it is over. `first_round` is greater than 0
    /// where attempts have failed before, and the search then begins with a pause.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped during a handshake, the server may attach the session to a connection that is gone; if it was to be
    /// closed, it may be.
    pub(in super::super) async fn run(
        self,
        goal: Goal,
        claim: SessionClaim,
        timeout: SessionTimeout,
        first_round: u32,
    ) -> Found {
        let mut uncertain = 0;
        for round in first_round.. {
            if round > 0 {
                sleep(pause(timeout, round)).await;
            }
            let timeouts = DialTimeouts::new(timeout, round);
            let attempt = Attempt { goal, claim, timeouts };
            match self.try_every_server(attempt, &mut uncertain).await {
                Ok(found) => return found,
                // One round may fail in the middle of any restart; that is not worth a word.
                Err(failures) if round > first_round => self.report_no_server(&failures).await,
                Err(_) => {}
            }
        }
        unreachable!("the rounds are endless")
    }

    async fn try_every_server(&self, attempt: Attempt, uncertain: &mut u32) -> Result<Found, String> {
        let mut servers = self.servers.lock().await;
        let order = servers.round(clock::now(), LOOKUP_TIMEOUT).await?;
        let mut failures = Vec::new();
        for address in order {
            match attempt.at(address, &self.auth).await {
                Ok(found) => {
                    self.reporter.detail(match &found {
                        Found::Server(attached) => format!("attached {attached:?}"),
                        _ => format!("closed the session that was given up, at {address}"),
                    });
                    servers.works(address);
                    return Ok(found);
                }
                // Of a session that was never opened nothing can be over: such a server is out of order.
                Err(DialError::Expired) if attempt.claim.session != 0 => return Ok(Found::Expired),
                // The attach has brought the expiry forward: the lease that was is not to be relied on any more.
                Err(error @ DialError::Grant { .. }) if attempt.claim.session != 0 => {
                    self.reporter.problem(format!("the session is given up: at {address}, {error}"));
                    return Ok(Found::Unusable);
                }
                Err(error) => {
                    self.reporter.detail(format!("not attached at {address}: {error}"));
                    *uncertain += u32::from(matches!(error, DialError::NotClosed(_)));
                    if *uncertain == UNCERTAIN_CLOSES {
                        self.reporter.problem(format!(
                            "a session that was given up ends only when it expires: {address}: {error}"
                        ));
                        return Ok(Found::NotClosed);
                    }
                    let silent = matches!(error, DialError::ConnectTimeout | DialError::HandshakeTimeout);
                    servers.failed(address, clock::now(), silent);
                    failures.push(format!("{address}: {error}"));
                }
            }
        }
        Err(failures.join("; "))
    }

    async fn report_no_server(&self, failures: &str) {
        let now = clock::now();
        let mut reported = self.reported.lock().await;
        if reported.is_none_or(|at| now.since(at) >= REPORT_INTERVAL) {
            *reported = Some(now);
            self.reporter
                .problem(format!("no server of the ensemble serves this session, still trying: {failures}"));
        }
    }
}

/// What is tried at each server of a round.
#[derive(Clone, Copy)]
struct Attempt {
    goal: Goal,
    claim: SessionClaim,
    timeouts: DialTimeouts,
}

impl Attempt {
    async fn at(self, address: SocketAddr, auth: &[Auth]) -> Result<Found, DialError> {
        match self.goal {
            Goal::Attach => {
                let attached = attach(address, self.claim, self.timeouts).await?;
                Ok(Found::Server(Box::new(attached)))
            }
            Goal::Close => {
                close(address, self.claim, auth, self.timeouts).await?;
                Ok(Found::Expired)
            }
        }
    }
}

/// How long to wait before a round of attempts: longer each time up to a ceiling, and random, so that the
/// clients of a server that comes back do not all arrive at once.
fn pause(timeout: SessionTimeout, round: u32) -> Duration {
    // By then there is no lease to be saved any more, and a thousand processes may do the same.
    let hopeless = round > 8;
    let ceiling = match hopeless {
        false => (timeout.span() / 20).clamp(Duration::from_millis(100), Duration::from_secs(1)),
        true => (timeout.span() / 4).clamp(Duration::from_millis(500), Duration::from_secs(2)),
    };
    let longest = Duration::from_millis(20).saturating_mul(1 << round.min(10)).min(ceiling);
    longest.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling_and_are_never_nothing() {
        let timeout = SessionTimeout::new(Duration::from_secs(10));
        for round in 1..10_000 {
            let pause = pause(timeout, round);
            assert!(pause >= Duration::from_millis(20), "{round}: {pause:?}");
            assert!(
                pause <= Duration::from_millis(if round > 8 { 2_000 } else { 500 }),
                "{round}: {pause:?}"
            );
        }
        assert!(pause(timeout, 30) >= Duration::from_secs(1));
    }
}
