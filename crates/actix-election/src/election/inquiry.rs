//! Asking the ensemble something once, outside of any election actor.

use std::time::Duration;

use actix_election_core::{OpId, Operation, Reply, SessionId};
use futures::StreamExt;

use super::AskError;
use crate::Session;
use crate::session::OpenLink;
use crate::session::link::{ConnectionId, Notice, Notices, Request, SessionLink};

/// So many attempts may follow each other before there is a pause between them.
const FREE_ATTEMPTS: u32 = 16;

/// That pause grows from the first to the second of these.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One user of a session that makes requests and waits for their answers.
pub(super) struct Inquiry {
    link: SessionLink,
    notices: Notices,
    /// The connection that requests can be made on.
    connection: Option<ConnectionId>,
    session: Option<SessionId>,
    /// The watches of this connection that have fired.
    fired: Vec<OpId>,
    last_op: u64,
    /// The last request of earlier connections.
    before: OpId,
    /// Attempts since it last waited for something to happen. Whoever asks until the answers make sense must not do that as
    /// fast as the server answers: it may never answer otherwise.
    attempts: u32,
}

impl Inquiry {
    pub(super) async fn start(session: &Session) -> Result<Self, AskError> {
        let opened = session.address.send(OpenLink).await.map_err(|_| AskError::SessionClosed)?;
        Ok(Inquiry {
            link: opened.0,
            notices: opened.1,
            connection: None,
            session: None,
            fired: Vec::new(),
            last_op: 0,
            before: OpId(0),
            attempts: 0,
        })
    }

    /// The session, if there is one.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Makes a request once there is a connection. `Unknown` if the connection is lost before the answer.
    pub(super) async fn request(&mut self, request: Request) -> Result<(OpId, Reply), AskError> {
        let mut answers = self.requests([request]).await?;
        Ok(answers.pop().unwrap_or((OpId(self.last_op), Reply::Unknown)))
    }

    /// The same for an operation, where nobody waits for a watch.
    pub(super) async fn ask(&mut self, operation: Operation) -> Result<Reply, AskError> {
        self.request(Request::Election(operation)).await.map(|(_, reply)| reply)
    }

    /// Makes several requests, one right behind the other, and returns their answers in the same order.
    pub(super) async fn requests(
        &mut self,
        requests: impl IntoIterator<Item = Request>,
    ) -> Result<Vec<(OpId, Reply)>, AskError> {
        let connection = loop {
            match self.connection {
                Some(connection) => break connection,
                None => self.notice().await.map(|_| ())?,
            }
        };
        let first = self.last_op + 1;
        for request in requests {
            self.last_op += 1;
            self.link.request(connection, OpId(self.last_op), request);
        }
        let mut answers: Vec<_> = (first..=self.last_op).map(|op| (OpId(op), Reply::Unknown)).collect();
        let mut missing = answers.len();
        while missing > 0 {
            match self.notice().await? {
                Notice::Answered(op, reply) => {
                    if let Some(answer) = answers.iter_mut().find(|(asked, _)| *asked == op) {
                        answer.1 = reply;
                        missing -= 1;
                    }
                }
                Notice::Disconnected | Notice::SessionLost => break,
                _ => {}
            }
        }
        Ok(answers)
    }

    /// To be waited for before each attempt to get answers that make sense.
    pub(super) async fn pace(&mut self) {
        if let Some(pauses) = self.attempts.checked_sub(FREE_ATTEMPTS) {
            tokio::time::sleep(FIRST_PAUSE.saturating_mul(1 << pauses.min(20)).min(LONGEST_PAUSE)).await;
        }
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Waits until one of the watches fires, or has died with its connection.
    pub(super) async fn wait_for_watch(&mut self, armed: &[Option<OpId>]) -> Result<(), AskError> {
        // Both may have been while the answer to a later request was waited for.
        while self.connection.is_some() && !armed.iter().flatten().any(|op| self.is_over(*op)) {
            self.notice().await?;
            self.attempts = 0;
        }
        Ok(())
    }

    /// Whether nothing more will come of this watch.
    fn is_over(&self, watch: OpId) -> bool {
        watch <= self.before || self.fired.contains(&watch)
    }

    async fn notice(&mut self) -> Result<Notice, AskError> {
        let notice = self.notices.next().await.ok_or(AskError::SessionClosed)?;
        match &notice {
            Notice::Connected { connection, session, .. } => {
                self.connection = Some(*connection);
                self.session = Some(*session);
                self.fired.clear();
                self.before = OpId(self.last_op);
            }
            Notice::WatchFired(op, _) => self.fired.push(*op),
            Notice::Disconnected => self.connection = None,
            Notice::SessionLost => (self.connection, self.session) = (None, None),
            _ => {}
        }
        Ok(notice)
    }
}
