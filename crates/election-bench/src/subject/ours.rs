//! The library itself as a subject, used as any application would: one role actor for each election.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{CandidateState, SessionChanged, SessionState};
use futures::future::try_join_all;
use tokio::sync::watch;

use super::board::Board;
use super::{Candidates, now};
use crate::Outcome;

/// Between two looks at a state that nobody is told of.
const LOOK: Duration = Duration::from_millis(2);
/// Long enough for another candidate to win on a busy machine, and short enough for many handovers.
const RESIGN_PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Ours {
    strategy: Strategy,
    board: Arc<Board>,
    sessions: BTreeMap<u32, OurSession>,
}

struct OurSession {
    session: Session,
    elections: Vec<Election>,
}

impl Ours {
    pub(crate) fn new(strategy: Strategy, board: Arc<Board>) -> Self {
        Ours { strategy, board, sessions: BTreeMap::new() }
    }

    fn get(&mut self, session: u32) -> Outcome<&mut OurSession> {
        self.sessions.get_mut(&session).ok_or_else(|| format!("no session {session}").into())
    }
}

impl Candidates for Ours {
    async fn session(&mut self, session: u32, connect: &str, timeout: Duration) -> Outcome<()> {
        let started = Session::builder(connect).session_timeout(timeout).start()?;
        let (sender, mut states) = watch::channel(SessionState::Connecting);
        let follower = Follower(sender).start();
        started.report_changes(follower.recipient());
        states.wait_for(|state| *state == SessionState::Connected).await?;
        self.sessions.insert(session, OurSession { session: started, elections: Vec::new() });
        Ok(())
    }

    async fn campaign(&mut self, session: u32, path: &str, count: usize) -> Outcome<()> {
        let (strategy, board) = (self.strategy, Arc::clone(&self.board));
        let own = self.get(session)?;
        let start = |index: usize| {
            let role = Role { board: Arc::clone(&board), session, index, master: false }.start();
            let election = Election::builder(&format!("{path}/{index}")).strategy(strategy).role(&role);
            election
                .address(&format!("session-{session}:1"))
                .resign_pause(RESIGN_PAUSE)
                .campaign(&own.session)
        };
        let elections = try_join_all((0..count).map(start)).await?;
        own.elections.extend(elections);
        Ok(())
    }

    async fn standing(&mut self, session: u32) -> Outcome<()> {
        for election in &self.get(session)?.elections {
            let stands = |state| matches!(state, CandidateState::Master | CandidateState::Standby);
            while !stands(election.status().state) {
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    async fn resign(&mut self, session: u32) -> Outcome<()> {
        let own = self.get(session)?;
        own.elections.first().ok_or("no election")?.resign();
        Ok(())
    }

    async fn close(&mut self, session: u32) -> Outcome<()> {
        self.get(session)?.session.close().await;
        Ok(())
    }
}

/// Follows a session's state.
struct Follower(watch::Sender<SessionState>);

impl Actor for Follower {
    type Context = Context<Self>;
}

impl Handler<SessionChanged> for Follower {
    type Result = ();

    fn handle(&mut self, SessionChanged { state, .. }: SessionChanged, _: &mut Self::Context) {
        self.0.send_replace(state);
    }
}

/// Notes what it is told.
struct Role {
    board: Arc<Board>,
    session: u32,
    index: usize,
    master: bool,
}

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, _: BecameMaster, _: &mut Self::Context) {
        self.master = true;
        self.board.master(self.session, self.index, now());
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Self::Context) {
        let was = std::mem::take(&mut self.master);
        self.board.standby(self.session, self.index, now(), was);
    }
}
