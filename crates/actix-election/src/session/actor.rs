//! The session actor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix::{Message, WeakRecipient};
use actix_election_core::{ElectionPath, SessionId, SessionState, SessionTimeout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::board::{Attached, SessionBoard, SessionFacts};
use super::guests::{Admission, CloseStep, Guest};
use super::handle::SessionChanged;
use super::link::{Command, LinkId, Notices, SessionLink, SessionNotice, notice_channel};
use crate::Problem;
use crate::journal::journal;
use crate::subscribers::Subscribers;

/// How often it is checked whether anybody still holds an address of this actor.
const HANDLE_CHECK: Duration = Duration::from_millis(100);

/// How long those who step down for a close may keep it waiting before they release their locks one by one: while one
/// follows another within the first, and no longer than the second in all.
const CLOSE_LULL: Duration = Duration::from_millis(5);
const CLOSE_TOGETHER: Duration = Duration::from_millis(500);

/// What stands between a session's thread and those who use the session. It lives on an arbiter of its own, for as long as
/// its address is held by somebody, its guests included.
pub(crate) struct SessionActor {
    arbiter: ArbiterHandle,
    commands: mpsc::UnboundedSender<Command>,
    notices: Option<mpsc::UnboundedReceiver<SessionNotice>>,
    timeout: Duration,
    /// What was told last: the board may already show that it is closed.
    state: SessionState,
    board: Arc<SessionBoard>,
    changes: Subscribers<SessionChanged>,
    problems: Subscribers<Problem>,
    /// What keeps the session from being connected.
    problem: Option<Problem>,
    /// The session and timeout of which it was last said that another one was asked for.
    clamped: Option<(SessionId, SessionTimeout)>,
    /// Whether somebody has asked for the end.
    closing: bool,
    /// Until they have said that they have ended.
    pub(super) guests: BTreeMap<ElectionPath, WeakRecipient<CloseStep>>,
    farewell: Option<fn()>,
    next_link: u64,
}

impl SessionActor {
    pub(super) fn new(
        arbiter: ArbiterHandle,
        commands: mpsc::UnboundedSender<Command>,
        notices: mpsc::UnboundedReceiver<SessionNotice>,
        timeout: Duration,
        board: Arc<SessionBoard>,
    ) -> Self {
        SessionActor {
            arbiter,
            commands,
            notices: Some(notices),
            timeout,
            state: SessionState::Connecting,
            board,
            changes: Subscribers::default(),
            problems: Subscribers::default(),
            problem: None,
            clamped: None,
            closing: false,
            guests: BTreeMap::new(),
            farewell: None,
            next_link: 0,
        }
    }

    pub(super) fn link(&mut self) -> (SessionLink, Notices) {
        self.next_link += 1;
        let id = LinkId(self.next_link);
        let (notices, received) = notice_channel();
        let _ = self.commands.send(Command::Join(id, notices));
        (SessionLink { id, commands: self.commands.clone() }, received)
    }

    pub(super) fn admission(&mut self, ctx: &mut Context<Self>) -> Admission {
        let (link, notices) = self.link();
        let (session, board) = (ctx.address(), Arc::clone(&self.board));
        Admission { session, board, timeout: self.timeout, link, notices }
    }

    pub(super) fn enter(&mut self, path: ElectionPath, guest: Guest) {
        self.farewell = Some(guest.farewell);
        self.guests.insert(path, guest.closing);
    }

    /// Says that an election has ended unasked.
    pub(super) fn lost_a_guest(&mut self, path: ElectionPath, what_follows: &str) {
        let message = format!(
            "the election for {path} has ended unexpectedly: its actor panicked or was stopped; {what_follows}"
        );
        self.problems.notify(&Problem::new(Some(path), message.clone()));
        journal!(ERROR, "{message}");
    }

    /// Whether somebody has asked for the end.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    fn facts(&self) -> SessionFacts {
        self.board.read().value
    }

    /// Logs the state, after everybody was told of it.
    fn log_state(&self) {
        let (state, attached) = (self.state, self.facts().attached);
        let session = attached.map(|attached| tracing::field::debug(attached.session));
        let server = attached.map(|attached| tracing::field::display(attached.server));
        let timeout = attached.map(|attached| tracing::field::debug(attached.timeout.span()));
        match state {
            SessionState::Connecting => journal!(INFO, "looking for a server"),
            SessionState::Connected => journal!(INFO, session, timeout, server, "session connected"),
            SessionState::Suspended { .. } => journal!(INFO, session, server, "session suspended: cut off"),
            SessionState::Lost => journal!(WARN, session, timeout, server, "session lost"),
            SessionState::Closed if self.closing => journal!(INFO, session, "session closed"),
            SessionState::Closed => {
                journal!(ERROR, session, "session closed unexpectedly: its thread has ended");
            }
            other => journal!(INFO, session, server, "session {other}"),
        }
    }

    /// Logs that a server's limits have made another timeout of the one that was asked for: once for a session.
    fn log_grant(&mut self) {
        let Some(Attached { session, timeout, .. }) = self.facts().attached else { return };
        let (asked, granted) = (self.timeout, timeout.span());
        // It is asked for in milliseconds.
        if asked.as_millis() != granted.as_millis() && self.clamped != Some((session, timeout)) {
            self.clamped = Some((session, timeout));
            journal!(
                INFO,
                "asked for a session timeout of {asked:?}, granted {granted:?} because of the server's limits"
            );
        }
    }

    fn state_changed(&mut self, state: SessionState) {
        self.state = state;
        if state == SessionState::Closed {
            self.board.close();
        } else {
            self.board.show(SessionFacts { state, ..self.facts() }, false);
        }
        if state == SessionState::Connected {
            self.problem = None;
        }
        self.changes.notify(&SessionChanged { state });
        self.log_state();
        if state == SessionState::Connected {
            self.log_grant();
        }
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut notices) = self.notices.take() {
            ctx.add_stream(futures::stream::poll_fn(move |cx| notices.poll_recv(cx)));
        }
        ctx.run_interval(HANDLE_CHECK, |session, ctx| {
            if session.closing {
                return;
            }
            if !ctx.connected() {
                let id = session.facts().attached.map(|attached| tracing::field::debug(attached.session));
                journal!(
                    INFO,
                    session = id,
                    "no handle to the session or its elections is left: the session is closed"
                );
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.arbiter.stop();
    }
}

impl Drop for SessionActor {
    /// The session's thread closes the session when nobody is left who could send it a command.
    fn drop(&mut self) {
        self.board.close();
    }
}

impl StreamHandler<SessionNotice> for SessionActor {
    fn handle(&mut self, notice: SessionNotice, _: &mut Self::Context) {
        match notice {
            SessionNotice::State(state) if state == self.state => {}
            SessionNotice::State(state) => self.state_changed(state),
            SessionNotice::Problem(message) => {
                let problem = Problem::new(None, message.clone());
                self.problems.notify(&problem);
                self.problem = Some(problem);
                journal!(WARN, "{message}");
            }
            SessionNotice::Detail(text) => journal!(DEBUG, "{text}"),
            SessionNotice::Attached { session, timeout, server } => {
                let attached = Some(Attached { session, timeout, server });
                self.board.show(SessionFacts { attached, ..self.facts() }, false);
            }
        }
    }

    /// The thread is gone: the session is closed. Who holds an address may still ask for the state.
    fn finished(&mut self, _: &mut Self::Context) {}
}

/// Sends every `M` of this actor to the recipient from now on, until its actor is gone; and at once what holds now.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Subscribe<M>(pub(crate) Recipient<M>)
where
    M: Message + Send + 'static,
    M::Result: Send;

impl Handler<Subscribe<SessionChanged>> for SessionActor {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<SessionChanged>, _: &mut Self::Context) {
        recipient.do_send(SessionChanged { state: self.state });
        self.changes.add(recipient);
    }
}

impl Handler<Subscribe<Problem>> for SessionActor {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<Problem>, _: &mut Self::Context) {
        if let Some(problem) = &self.problem {
            recipient.do_send(problem.clone());
        }
        self.problems.add(recipient);
    }
}

/// Has every guest step down in order, then closes the session and says so.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Close(pub(crate) oneshot::Sender<()>);

impl Handler<Close> for SessionActor {
    type Result = ();

    fn handle(&mut self, Close(answer): Close, ctx: &mut Self::Context) {
        self.closing = true;
        let guests: Vec<_> = self.guests.values().filter_map(WeakRecipient::upgrade).collect();
        let commands = self.commands.clone();
        let close = async move {
            all_step_down(&guests).await;
            let (done, closed) = oneshot::channel();
            if commands.send(Command::Close(done)).is_ok() {
                // An error says that the thread is gone, and so is the session.
                let _ = closed.await;
            }
        };
        ctx.spawn(close.into_actor(self).map(|(), session, ctx| {
            if let Some(farewell) = session.farewell {
                farewell();
            }
            session.board.close();
            let _ = answer.send(());
            // What the session's thread has said last may still be on its way to those who are told of it.
            ctx.run_later(Duration::ZERO, |_, ctx| ctx.stop());
        }));
    }
}

/// Returns when no lease is valid any more.
///
/// The close releases all locks at once, which is far less work for the ensemble, and for whoever takes over, than the same
/// number of deletes. But no lock waits for a role of another election that takes its time.
async fn all_step_down(guests: &[Recipient<CloseStep>]) {
    let (ready, mut stepped_down) = mpsc::unbounded_channel();
    for guest in guests {
        guest.do_send(CloseStep::Prepare(ready.clone()));
    }
    drop(ready);
    let until = Instant::now() + CLOSE_TOGETHER;
    loop {
        match timeout(CLOSE_LULL, stepped_down.recv()).await {
            Ok(None) => return,
            Ok(Some(())) if Instant::now() < until => {}
            _ => break,
        }
    }
    for guest in guests {
        guest.do_send(CloseStep::ReleaseNow);
    }
    while stepped_down.recv().await.is_some() {}
}
