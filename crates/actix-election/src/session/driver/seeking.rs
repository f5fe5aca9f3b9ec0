//! What the session's thread does without a connection: it closes a session that was given up, and looks for a server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_election_core::{SessionId, SessionInput, SessionTimeout};
use tokio::time::sleep;

use super::super::dial::{Attached, Credentials, NO_PASSWORD};
use super::super::link::SessionNotice;
use super::super::search::{Found, Goal};
use super::{Driver, End, Session, sleep_until};
use crate::clock;

impl Driver {
    /// Looks for a server that attaches the session, or opens one.
    ///
    /// A session that was given up goes first: until it is closed, what it holds stands in everybody's way, this process's
    /// next session included.
    pub(super) async fn find_server(&mut self) -> Result<Attached, End> {
        if let Some(session) = self.given_up {
            self.search(Goal::Close, Some(session), Duration::ZERO).await?;
            self.given_up = None;
        }
        let pause = match self.session {
            Some(_) => Duration::ZERO,
            None => pause(SessionTimeout::new(self.config.timeout), self.short_lived),
        };
        match self.search(Goal::Attach, self.session, pause).await? {
            Found::Server(attached) => Ok(self.attached(*attached)),
            Found::Expired => Err(End::Expired),
            Found::Unusable | Found::NotClosed => Err(End::Lost),
        }
    }

    /// Searches, and meanwhile does what can be done without a server.
    async fn search(&mut self, goal: Goal, session: Option<Session>, pause: Duration) -> Result<Found, End> {
        let timeout = session.map_or(SessionTimeout::new(self.config.timeout), |session| session.timeout);
        let credentials = Credentials {
            session: session.map_or(0, |session| session.id),
            password: session.map_or(NO_PASSWORD, |session| session.password),
            // What was granted is asked for again: a server with other limits could bring the expiry forward.
            timeout: timeout.span(),
            last_zxid: self.track.zxid.load(Ordering::Relaxed),
            until: self.monitor.lease_until().filter(|_| goal == Goal::Attach && self.candidates > 0),
        };
        // Whoever waits for the lock of a session that was given up is not kept waiting for what went wrong before.
        let first_round = if goal == Goal::Close { 0 } else { self.failures };
        let search = self.search.clone().run(goal, credentials, timeout, first_round);
        let search = async move {
            sleep(pause).await;
            search.await
        };
        tokio::pin!(search);
        loop {
            self.look_at_wall_clock();
            if let Some(end) = self.end_without_connection() {
                return Err(end);
            }
            // For the wall clock: nothing else may be due for long.
            let look_again = clock::now() + timeout.probe_interval();
            let wake = Some(self.next_wake().map_or(look_again, |wake| wake.min(look_again)));
            tokio::select! {
                found = &mut search => return Ok(found),
                command = self.commands.recv(), if !self.orphaned => {
                    // A request was made for a connection that is gone.
                    let _ = self.command(command);
                }
                () = sleep_until(wake) => self.monitor.handle(clock::now(), SessionInput::Timer),
            }
        }
    }

    /// Whether there is no point in looking for a server any more.
    pub(super) fn end_without_connection(&mut self) -> Option<End> {
        self.do_without_connection();
        if self.lost {
            return Some(End::Lost);
        }
        if self.close_overdue() {
            return Some(End::Closed);
        }
        match (self.is_closing(), self.session, self.given_up) {
            (true, Some(_), _) => Some(End::ToClose),
            (true, None, None) => Some(End::Closed),
            _ => None,
        }
    }

    fn attached(&mut self, attached: Attached) -> Attached {
        let Attached { session: id, password, timeout, sent, address: server, .. } = attached;
        let is_new = self.session.is_none();
        self.monitor.handle(clock::now(), SessionInput::Attached { sent, timeout });
        if is_new {
            self.first_lease = self.monitor.lease_until();
        }
        let timeout = self.monitor.timeout().unwrap_or(timeout);
        self.session = Some(Session { id, password, timeout });
        let _ = self.notices.send(SessionNotice::Attached { session: SessionId(id), timeout, server });
        attached
    }
}

/// How long to wait before the next session is opened, after so many in a row that came to nothing: longer each time, up to
/// 2 T, and random. On an ensemble that answers too slowly, or comes back after a long time, every candidate does this at
/// once.
fn pause(timeout: SessionTimeout, short_lived: u32) -> Duration {
    let Some(doublings) = short_lived.checked_sub(1) else { return Duration::ZERO };
    let longest = (timeout.span() / 20).saturating_mul(1 << doublings.min(6)).min(timeout.span() * 2);
    longest.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_come_to_nothing_are_opened_ever_more_rarely() {
        let t = Duration::from_secs(10);
        let pause = |short_lived| pause(SessionTimeout::new(t), short_lived);
        assert_eq!(pause(0), Duration::ZERO);
        for _ in 0..100 {
            assert!((t / 40..=t / 20).contains(&pause(1)));
            assert!((t / 10..=t / 5).contains(&pause(3)));
            assert!((t..=2 * t).contains(&pause(7)));
            assert!((t..=2 * t).contains(&pause(u32::MAX)));
        }
    }
}
