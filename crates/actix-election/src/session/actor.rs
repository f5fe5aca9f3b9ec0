//! The session actor.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix::WeakAddr;
use actix::prelude::*;
use actix_election_core::{Candidate, ElectionPath, SessionId, SessionState, SessionTimeout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::SessionBuilder;
use super::link::{Command, LinkId, Notices, SessionLink, SessionNotice, notice_channel};
use crate::clock::Clock;
use crate::election::{Election, ElectionSettings, PrepareToClose, ReleaseNow, Remains, Sweep};
use crate::journal::journal;
use crate::subscribers::Subscribers;
use crate::{Problem, StartError, Subscribe};

/// How often it is checked whether anybody still holds an address of this actor.
const HANDLE_CHECK: Duration = Duration::from_millis(100);

/// How long those who step down for a close may keep it waiting before they release their locks one by one: while one
/// follows another within the first, and no longer than the second in all.
const CLOSE_LULL: Duration = Duration::from_millis(5);
const CLOSE_TOGETHER: Duration = Duration::from_millis(500);

/// A ZooKeeper session: shared by any number of elections of this process.
///
/// The session itself is held by a thread of its own, and this actor and its elections live on an arbiter of their
/// own, so that a role actor that blocks its thread costs neither the session nor a lease.
///
/// # Messages
///
/// - [`Subscribe<SessionChanged>`]: the state of the session, now and on every change.
/// - [`Subscribe<Problem>`]: what keeps the session from being attached, and that one of its elections has ended unasked.
/// - [`Close`]: hand over every election in order, then close the session.
///
/// The actor lives for as long as its address is held by somebody, elections included. When the last address is
/// dropped without a [`Close`], the session is closed all the same.
pub struct Session {
    arbiter: ArbiterHandle,
    commands: mpsc::UnboundedSender<Command>,
    notices: Option<mpsc::UnboundedReceiver<SessionNotice>>,
    timeout: Duration,
    state: SessionState,
    changes: Subscribers<SessionChanged>,
    problems: Subscribers<Problem>,
    /// What keeps the session from being connected.
    problem: Option<Problem>,
    /// What was attached last, and where.
    attached: Option<(SessionId, SessionTimeout, SocketAddr)>,
    /// The session and timeout of which it was last said that another one was asked for.
    clamped: Option<(SessionId, SessionTimeout)>,
    /// Whether somebody has asked for the end.
    closing: bool,
    /// Until they have said that they have ended.
    elections: BTreeMap<String, WeakAddr<Election>>,
    /// Started with the first election.
    sweep: Option<Rc<Sweep>>,
    next_link: u64,
}

impl Session {
    /// Settings for a session at the ensemble `connect`: `host[:port],host[:port],.../chroot`.
    ///
    /// Every path is taken relative to the chroot, which is created where it is missing.
    ///
    /// ```no_run
    /// # #[actix::main]
    /// # async fn main() -> Result<(), actix_election::StartError> {
    /// use std::time::Duration;
    /// use actix_election::Session;
    ///
    /// let session = Session::builder("zk1:2181,zk2:2181,zk3:2181/payments")
    ///     .session_timeout(Duration::from_secs(6))
    ///     .auth("digest", "payments:secret")
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(connect: &str) -> SessionBuilder {
        SessionBuilder::new(connect)
    }

    pub(super) fn new(
        arbiter: ArbiterHandle,
        commands: mpsc::UnboundedSender<Command>,
        notices: mpsc::UnboundedReceiver<SessionNotice>,
        timeout: Duration,
    ) -> Self {
        Session {
            arbiter,
            commands,
            notices: Some(notices),
            timeout,
            state: SessionState::Connecting,
            changes: Subscribers::default(),
            problems: Subscribers::default(),
            problem: None,
            attached: None,
            clamped: None,
            closing: false,
            elections: BTreeMap::new(),
            sweep: None,
            next_link: 0,
        }
    }

    fn link(&mut self) -> (SessionLink, Notices) {
        self.next_link += 1;
        let id = LinkId(self.next_link);
        let (notices, received) = notice_channel();
        let _ = self.commands.send(Command::Join(id, notices));
        (SessionLink { id, commands: self.commands.clone() }, received)
    }

    /// Logs the state, after everybody was told of it.
    fn log_state(&self) {
        let session = self.attached.map(|(session, ..)| tracing::field::debug(session));
        let server = self.attached.map(|(_, _, server)| tracing::field::display(server));
        let timeout = self.attached.map(|(_, timeout, _)| tracing::field::debug(timeout.span()));
        match self.state {
            SessionState::Connecting => journal!(INFO, "looking for a server"),
            SessionState::Connected => journal!(INFO, session, timeout, server, "session connected"),
            SessionState::Suspended { .. } => journal!(INFO, session, server, "session suspended: cut off"),
            SessionState::Lost => journal!(WARN, session, timeout, server, "session lost"),
            SessionState::Closed if self.closing => journal!(INFO, session, "session closed"),
            SessionState::Closed => {
                journal!(ERROR, session, "session closed, which nobody asked for: its thread has ended");
            }
        }
    }

    /// Logs that a server's limits have made another timeout of the one that was asked for: once for a session.
    fn log_grant(&mut self) {
        let Some((session, timeout, _)) = self.attached else { return };
        let (asked, granted) = (self.timeout, timeout.span());
        // It is asked for in milliseconds.
        if asked.as_millis() != granted.as_millis() && self.clamped != Some((session, timeout)) {
            self.clamped = Some((session, timeout));
            journal!(
                INFO,
                "asked for a session timeout of {asked:?}, granted {granted:?}: the server's limits"
            );
        }
    }

    /// Starts whoever lets go of what an election has left. The path stays in use until that is done.
    fn open_heir(
        &mut self,
        heir: Candidate,
        path: ElectionPath,
        ctx: &mut Context<Self>,
    ) -> Result<(), StartError> {
        let (link, notices) = self.link();
        let sweep = self.sweep();
        let key = path.as_str().to_owned();
        let heir = Election::open_heir(heir, path, self.timeout, ctx.address(), link, notices, sweep)?;
        self.elections.insert(key, heir);
        Ok(())
    }

    fn sweep(&mut self) -> Rc<Sweep> {
        Rc::clone(self.sweep.get_or_insert_with(|| Sweep::start(Clock::Boot)))
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut notices) = self.notices.take() {
            ctx.add_stream(futures::stream::poll_fn(move |cx| notices.poll_recv(cx)));
        }
        ctx.run_interval(HANDLE_CHECK, |_, ctx| {
            if !ctx.connected() {
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.arbiter.stop();
    }
}

impl StreamHandler<SessionNotice> for Session {
    fn handle(&mut self, notice: SessionNotice, _: &mut Self::Context) {
        match notice {
            SessionNotice::State(state) if state == self.state => {}
            SessionNotice::State(state) => {
                self.state = state;
                if state == SessionState::Connected {
                    self.problem = None;
                }
                self.changes.tell(&SessionChanged { state });
                self.log_state();
                if state == SessionState::Connected {
                    self.log_grant();
                }
            }
            SessionNotice::Problem(message) => {
                let problem = Problem { path: None, message: message.clone() };
                self.problems.tell(&problem);
                self.problem = Some(problem);
                journal!(WARN, "{message}");
            }
            SessionNotice::Detail(text) => journal!(DEBUG, "{text}"),
            SessionNotice::Attached { session, timeout, server } => {
                self.attached = Some((session, timeout, server));
            }
        }
    }

    /// The thread is gone: the session is closed. Who holds an address may still ask for the state.
    fn finished(&mut self, _: &mut Self::Context) {}
}

/// The state of a session has changed.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[rtype(result = "()")]
pub struct SessionChanged {
    /// The new state.
    pub state: SessionState,
}

impl Handler<Subscribe<SessionChanged>> for Session {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<SessionChanged>, _: &mut Self::Context) {
        recipient.do_send(SessionChanged { state: self.state });
        self.changes.add(recipient);
    }
}

impl Handler<Subscribe<Problem>> for Session {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<Problem>, _: &mut Self::Context) {
        if let Some(problem) = &self.problem {
            recipient.do_send(problem.clone());
        }
        self.problems.add(recipient);
    }
}

/// Hands over every election of the session in order, then closes the session.
///
/// The answer comes when the session is closed, which releases all locks at once. Roles get their step-down timeout; if one
/// takes its time, the locks of other elections are released meanwhile. Where no server can be reached, the session is
/// given up after 2 s and ends at the ensemble when it expires.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct Close;

impl Handler<Close> for Session {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Close, _: &mut Self::Context) -> Self::Result {
        self.closing = true;
        let elections: Vec<_> = self.elections.values().filter_map(WeakAddr::upgrade).collect();
        let commands = self.commands.clone();
        let close = async move {
            all_step_down(&elections).await;
            let (done, closed) = oneshot::channel();
            if commands.send(Command::Close(done)).is_ok() {
                // An error says that the thread is gone, and so is the session.
                let _ = closed.await;
            }
        };
        Box::pin(close.into_actor(self).map(|(), session, ctx| {
            if let Some(sweep) = &session.sweep {
                sweep.flush_log();
            }
            // After the answer is out.
            ctx.run_later(Duration::ZERO, |_, ctx| ctx.stop());
        }))
    }
}

/// Returns when no lease is valid any more.
///
/// The close releases all locks at once, which is far less work for the ensemble, and for whoever takes over, than the same
/// number of deletes. But no lock waits for a role of another election that takes its time.
async fn all_step_down(elections: &[Addr<Election>]) {
    let (ready, mut stepped_down) = mpsc::unbounded_channel();
    for election in elections {
        election.do_send(PrepareToClose(ready.clone()));
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
    for election in elections {
        election.do_send(ReleaseNow);
    }
    while stepped_down.recv().await.is_some() {}
}

/// Starts an election on the session's arbiter.
#[derive(Message)]
#[rtype(result = "Result<Addr<Election>, StartError>")]
pub(crate) struct OpenElection(pub(crate) ElectionSettings);

impl Handler<OpenElection> for Session {
    type Result = Result<Addr<Election>, StartError>;

    fn handle(&mut self, OpenElection(settings): OpenElection, ctx: &mut Self::Context) -> Self::Result {
        let path = settings.config.path.as_str().to_owned();
        if self.elections.contains_key(&path) {
            return Err(StartError::PathInUse(path));
        }
        let (link, notices) = self.link();
        let sweep = self.sweep();
        let election = Election::open(settings, self.timeout, ctx.address(), link, notices, sweep)?;
        self.elections.insert(path, election.downgrade());
        Ok(election)
    }
}

/// An election has ended: the last thing that it says, however it came to that.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ElectionEnded {
    pub(crate) path: ElectionPath,
    pub(crate) remains: Remains,
}

impl Handler<ElectionEnded> for Session {
    type Result = ();

    fn handle(&mut self, ElectionEnded { path, remains }: ElectionEnded, ctx: &mut Self::Context) {
        let what_follows = match remains {
            Remains::Nothing => {
                self.elections.remove(path.as_str());
                return;
            }
            Remains::Uncertain => "what it held at the ensemble goes with the session".to_owned(),
            Remains::Heir(None) => "it held nothing at the ensemble".to_owned(),
            Remains::Heir(Some(heir)) => match self.open_heir(*heir, path.clone(), ctx) {
                Ok(()) => "what it held at the ensemble is released".to_owned(),
                Err(error) => format!("what it held at the ensemble goes with the session: {error}"),
            },
        };
        let message = format!(
            "the election for {path} has ended unasked, by a panic or since its actor was stopped; {what_follows}"
        );
        self.problems.tell(&Problem { path: Some(path), message: message.clone() });
        journal!(ERROR, "{message}");
    }
}

/// Opens a link of its own on the session.
#[derive(Message)]
#[rtype(result = "OpenedLink")]
pub(crate) struct OpenLink;

/// A link, and what it is told.
#[derive(MessageResponse)]
pub(crate) struct OpenedLink(pub(crate) SessionLink, pub(crate) Notices);

impl Handler<OpenLink> for Session {
    type Result = OpenedLink;

    fn handle(&mut self, _: OpenLink, _: &mut Self::Context) -> OpenedLink {
        let (link, notices) = self.link();
        OpenedLink(link, notices)
    }
}
