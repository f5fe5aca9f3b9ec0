//! What the session's thread does without a connection: it closes a session that was given up, and looks for a server.

use std::time::Duration;

use actix_election_core::{SessionInput, SessionTimeout};
use tokio::time::sleep;

use super::super::connection::End;
use super::super::ensemble::{Attached, Found, Goal, NO_PASSWORD, SessionClaim};
use super::super::hub::{HeldSession, sleep_until};
use super::SessionThread;
use crate::clock;

impl SessionThread {
    /// Looks for a server that attaches the session, or opens one.
    ///
    /// A session that was given up goes first: until it is closed, what it holds stands in everybody's way, this process's
    /// next session included.
    pub(super) async fn find_server(&mut self) -> Result<Attached, End> {
        if let Some(session) = self.given_up {
            self.search(Goal::Close, Some(session), Duration::ZERO).await?;
            self.given_up = None;
        }
        let session = self.hub.session();
        let pause = match session {
            Some(_) => Duration::ZERO,
            None => pause(self.timeout_to_ask_for(), self.hub.short_lived()),
        };
        match self.search(Goal::Attach, session, pause).await? {
            Found::Server(attached) => {
                self.hub.attached(&attached);
                Ok(*attached)
            }
            Found::Expired => Err(End::Expired),
            Found::Unusable | Found::NotClosed => Err(End::Lost),
        }
    }

    /// Searches, and meanwhile does what can be done without a server.
    async fn search(
        &mut self,
        goal: Goal,
        session: Option<HeldSession>,
        pause: Duration,
    ) -> Result<Found, End> {
        let timeout = session.map_or(self.timeout_to_ask_for(), |session| session.timeout);
        let claim = SessionClaim {
            session: session.map_or(0, |session| session.id),
            password: session.map_or(NO_PASSWORD, |session| session.password),
            // What was granted is asked for again: a server with other limits could bring the expiry forward.
            timeout: timeout.span(),
            last_zxid: self.hub.track().last_zxid(),
            until: self.hub.attach_before().filter(|_| goal == Goal::Attach),
        };
        // Whoever waits for the lock of a session that was given up is not kept waiting for what went wrong before.
        let first_round = if goal == Goal::Close { 0 } else { self.failures };
        let search = self.search.clone().run(goal, claim, timeout, first_round);
        let search = async move {
            sleep(pause).await;
            search.await
        };
        tokio::pin!(search);
        loop {
            self.hub.look_at_wall_clock();
            if let Some(end) = self.end_without_connection() {
                return Err(end);
            }
            // For the wall clock: nothing else may be due for long.
            let look_again = clock::now() + timeout.probe_interval();
            let wake = Some(self.hub.next_wake().map_or(look_again, |wake| wake.min(look_again)));
            tokio::select! {
                found = &mut search => return Ok(found),
                command = self.hub.next_command() => {
                    // A request was made for a connection that is gone.
                    let _ = self.hub.take_command(command);
                }
                () = sleep_until(wake) => self.hub.handle(clock::now(), SessionInput::Timer),
            }
        }
    }

    /// Whether there is no point in looking for a server any more.
    pub(super) fn end_without_connection(&mut self) -> Option<End> {
        if self.hub.follow_monitor_without_connection() {
            return Some(End::Lost);
        }
        if self.hub.close_overdue() {
            return Some(End::Closed);
        }
        match (self.hub.is_closing(), self.hub.session(), self.given_up) {
            (true, Some(_), _) => Some(End::ToClose),
            (true, None, None) => Some(End::Closed),
            _ => None,
        }
    }

    fn timeout_to_ask_for(&self) -> SessionTimeout {
        SessionTimeout::new(self.hub.settings().timeout)
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
