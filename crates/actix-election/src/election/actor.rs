//! The election actor: translates between the core, the session's thread and the role actors.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{Candidate, ElectionPath, Input, OpId, Output, SessionState, Timestamp};
use tokio::sync::oneshot;

use super::closing::Closing;
use super::ledger::Change;
use super::messages::{AddRole, Campaign, GetStatus, MasterChanged, Observe, Resign, Status, Withdraw};
use super::sweep::{Lookout, NEAR, Sweep, Watched};
use super::telling::Noted;
use super::watchdog::Watchdog;
use super::{ElectionBuilder, ElectionSettings};
use crate::clock::Clock;
use crate::lease::{SessionLease, TermLease};
use crate::session::link::{ConnectionId, Notice, Notices, Request, SessionLink};
use crate::subscribers::Subscribers;
use crate::{Problem, Session, StartError, Subscribe};

/// One election, in which this process competes or which it follows.
///
/// It takes no decision: those are the core's ([`actix_election_core::Candidate`]). It lives on the session's
/// arbiter, apart from the role actors.
///
/// # Messages
///
/// - [`AddRole`]: another actor that is told [`BecameMaster`](crate::BecameMaster) and
///   [`BecameStandby`](crate::BecameStandby).
/// - [`Observe`]: who is master, now and on every change.
/// - [`GetStatus`]: why this process is not master.
/// - [`Resign`], [`Withdraw`], [`Campaign`]: step down, leave, compete again.
/// - [`Subscribe<Problem>`]: what somebody has to put right.
///
/// The actor lives for as long as its address is held by somebody (a [`Lease`](crate::Lease) holds none). When the last
/// address is dropped, it withdraws in order and ends.
pub struct Election {
    pub(super) path: ElectionPath,
    pub(super) candidate: Candidate,
    pub(super) clock: Clock,
    pub(super) link: SessionLink,
    notices: Option<Notices>,
    /// Keeps the session alive for as long as this election is.
    pub(super) session: Option<Addr<Session>>,
    connection: ConnectionId,
    pub(super) session_state: SessionState,
    asked_timeout: Duration,
    granted_timeout: Option<Duration>,
    session_lease: Option<Arc<SessionLease>>,
    /// The end of the lease that the core knows of.
    lease_told: Option<Timestamp>,
    pub(super) term: Option<Arc<TermLease>>,
    /// The role actors, among what is looked at for this election.
    pub(super) watched: Rc<Watched>,
    /// Looks for as long as this election is, and logs.
    pub(super) sweep: Rc<Sweep>,
    pub(super) noted: Noted,
    newcomers: Vec<AddRole>,
    campaign: bool,
    observers: Subscribers<MasterChanged>,
    problems: Subscribers<Problem>,
    last_error: Option<String>,
    timer: Option<(Timestamp, SpawnHandle)>,
    watchdog: Option<Watchdog>,
    leaving: Vec<oneshot::Sender<()>>,
    pub(super) closing: Closing,
    stop_when_left: bool,
    /// Nothing of it is left at the ensemble.
    pub(super) has_left: bool,
    /// It is there only to let go of what another one has left.
    pub(super) is_heir: bool,
}

impl Election {
    /// Settings for an election about the znode `path`, such as `/master`.
    ///
    /// ```no_run
    /// # use actix_election::prelude::*;
    /// # struct Worker;
    /// # impl Actor for Worker { type Context = Context<Self>; }
    /// # impl Handler<BecameMaster> for Worker { type Result = (); fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) {} }
    /// # impl Handler<BecameStandby> for Worker { type Result = (); fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {} }
    /// # async fn example(session: Addr<Session>, worker: Addr<Worker>) -> Result<(), actix_election::StartError> {
    /// let election = Election::builder("/master").address("10.0.0.7:8080").role(&worker).campaign(&session).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(path: &str) -> ElectionBuilder {
        ElectionBuilder::new(path)
    }

    /// Starts the actor on this thread's arbiter, which is the session's.
    pub(crate) fn open(
        settings: ElectionSettings,
        session_timeout: Duration,
        session: Addr<Session>,
        link: SessionLink,
        notices: Notices,
        sweep: Rc<Sweep>,
    ) -> Result<Addr<Election>, StartError> {
        let clock = Clock::Boot;
        let election = Election::new(settings, session_timeout, clock, Some(session), link, notices, sweep)?;
        Ok(election.start())
    }

    pub(super) fn new(
        settings: ElectionSettings,
        session_timeout: Duration,
        clock: Clock,
        session: Option<Addr<Session>>,
        link: SessionLink,
        notices: Notices,
        sweep: Rc<Sweep>,
    ) -> Result<Election, StartError> {
        let ElectionSettings { mut config, roles, watchdog, campaign } = settings;
        config.session_timeout = session_timeout;
        let path = config.path.clone();
        let candidate =
            Candidate::new(config, clock.now()).map_err(|invalid| StartError::Invalid(invalid.problems))?;
        Ok(Election {
            path,
            candidate,
            clock,
            link,
            notices: Some(notices),
            session,
            connection: ConnectionId::default(),
            session_state: SessionState::Connecting,
            asked_timeout: session_timeout,
            granted_timeout: None,
            session_lease: None,
            lease_told: None,
            term: None,
            watched: sweep.watch(),
            sweep,
            noted: Noted::default(),
            newcomers: roles,
            campaign,
            observers: Subscribers::default(),
            problems: Subscribers::default(),
            last_error: None,
            timer: None,
            watchdog: watchdog.then(Watchdog::start).transpose().map_err(StartError::Thread)?,
            leaving: Vec::new(),
            closing: Closing::default(),
            stop_when_left: false,
            has_left: false,
            is_heir: false,
        })
    }

    /// Hands an input to the core and carries out what comes of it.
    pub(super) fn feed(&mut self, input: Input, ctx: &mut Context<Self>) {
        let until = self.session_lease.as_ref().and_then(|lease| lease.until());
        if self.lease_told != until {
            self.lease_told = until;
            // A lease that is gone says that the session is over, before the notice of that is here: what came in
            // between must not begin a term.
            let news = until.map_or(Input::SessionLost, Input::Lease);
            self.candidate.handle(self.clock.now(), news);
            self.drain(ctx);
        }
        self.candidate.handle(self.clock.now(), input);
        self.drain(ctx);
        if self.term.is_none() {
            self.closing.stepped_down();
        }
        self.arm_timer(ctx);
    }

    fn drain(&mut self, ctx: &mut Context<Self>) {
        while let Some(output) = self.candidate.next_output() {
            match output {
                Output::Request(op, operation) => self.request(op, Request::Election(operation)),
                Output::RequestWhenQuiet(op, operation) => self.request(op, Request::WhenQuiet(operation)),
                // The close will do that, too.
                Output::LeaseNeeded(false) if self.closing.withholds() => {}
                Output::LeaseNeeded(needed) => self.link.candidate(needed),
                Output::LeaseBegan(token) => self.begin_lease(token),
                Output::LeaseCapped(until) => {
                    if let Some(term) = &self.term {
                        term.cap(until);
                    }
                    self.look_watchdog();
                }
                Output::LeaseEnded => self.end_lease(),
                Output::Notify(role, message, news) => self.tell(role, message, news, ctx),
                Output::MasterChanged(master) => {
                    let path = self.path.clone();
                    self.observers.tell(&MasterChanged { path, master: master.clone() });
                    if let Some(master) = master {
                        self.note_new_master(master);
                    }
                }
                Output::Report(trouble) => self.report(trouble),
                Output::Left => self.left(ctx),
            }
        }
    }

    fn request(&mut self, op: OpId, request: Request) {
        if let Some(request) = self.closing.withhold(self.connection, op, request) {
            self.link.request(self.connection, op, request);
        }
    }

    fn begin_lease(&mut self, token: actix_election_core::FencingToken) {
        let Some(session) = &self.session_lease else { return };
        let term = Arc::new(TermLease::new(token, self.clock, Arc::clone(session)));
        if let Some(watchdog) = &self.watchdog {
            watchdog.arm(Arc::clone(&term));
        }
        self.term = Some(term);
    }

    fn end_lease(&mut self) {
        // First, for the watchdog must not see the lease end before it knows that it may.
        self.disarm_watchdog();
        if let Some(term) = self.term.take() {
            term.end();
        }
        self.look_watchdog();
    }

    fn look_watchdog(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.look();
        }
    }

    pub(super) fn disarm_watchdog(&self) {
        if let Some(watchdog) = self.watchdog.as_ref().filter(|_| self.candidate.has_stepped_down()) {
            watchdog.disarm();
        }
    }

    fn report(&mut self, trouble: actix_election_core::Problem) {
        let message = &trouble.message;
        self.last_error = Some(message.clone());
        self.problems.tell(&Problem { path: Some(self.path.clone()), message: message.clone() });
        self.note(Change::Trouble(trouble));
    }

    fn left(&mut self, ctx: &mut Context<Self>) {
        for waiting in self.leaving.drain(..) {
            let _ = waiting.send(());
        }
        if self.stop_when_left {
            self.has_left = true;
            ctx.stop();
        }
    }

    /// Arms the one timer for what the core waits for next. Mostly that is put off long before it is due, so the sweep
    /// calls when it is near.
    fn arm_timer(&mut self, ctx: &mut Context<Self>) {
        let due = self.candidate.next_timer().map(|(at, _)| at);
        self.watched.due.set(due);
        let near = due.map(|at| (at, at.since(self.clock.now()))).filter(|(_, left)| *left <= NEAR);
        if near.map(|(at, _)| at) == self.timer.map(|(at, _)| at) {
            return;
        }
        if let Some((_, handle)) = self.timer.take() {
            ctx.cancel_future(handle);
        }
        if let Some((at, left)) = near {
            let handle = ctx.run_later(left, |this, ctx| {
                this.timer = None;
                this.feed(Input::Timer, ctx);
            });
            self.timer = Some((at, handle));
        }
    }

    /// Something was found by the sweep: a role that is dead or was restarted, or a time that is near.
    pub(super) fn look_around(&mut self, ctx: &mut Context<Self>) {
        self.look_at_roles(ctx);
        if self.watched.due.get().is_some_and(|at| self.clock.now() >= at) {
            self.feed(Input::Timer, ctx);
        } else {
            self.arm_timer(ctx);
        }
    }

    fn session_is_over(&mut self, state: SessionState) {
        self.session_state = state;
        self.granted_timeout = None;
        self.session_lease = None;
        self.lease_told = None;
    }

    /// Nobody holds an address of this actor any more.
    pub(super) fn forsaken(&mut self, ctx: &mut Context<Self>) {
        if !self.stop_when_left {
            self.stop_when_left = true;
            self.feed(Input::Withdraw, ctx);
        }
    }
}

impl Actor for Election {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(notices) = self.notices.take() {
            ctx.add_stream(notices);
        }
        ctx.spawn(Lookout(Rc::clone(&self.watched)));
        for role in std::mem::take(&mut self.newcomers) {
            self.add_role(role, ctx);
        }
        if self.campaign {
            self.feed(Input::Campaign, ctx);
        }
    }
}

impl StreamHandler<Notice> for Election {
    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        let input = match notice {
            Notice::Connected { connection, session, timeout, lease } => {
                self.connection = connection;
                self.session_state = SessionState::Connected;
                self.granted_timeout = Some(timeout.span());
                self.session_lease = Some(lease);
                Input::Connected { session, timeout }
            }
            Notice::Disconnected => {
                let until = self.session_lease.as_ref().and_then(|lease| lease.until());
                let until = until.unwrap_or_else(|| self.clock.now());
                self.session_state = SessionState::Suspended { until };
                Input::Disconnected
            }
            Notice::SessionLost => {
                self.session_is_over(SessionState::Lost);
                Input::SessionLost
            }
            Notice::Answered(op, reply) => Input::Answered(op, reply),
            Notice::WatchFired(op, event) => Input::WatchFired(op, event),
        };
        self.feed(input, ctx);
    }

    /// The session's thread is gone, and the session with it.
    fn finished(&mut self, ctx: &mut Self::Context) {
        self.session_is_over(SessionState::Closed);
        self.feed(Input::SessionLost, ctx);
    }
}

impl Handler<AddRole> for Election {
    type Result = ();

    fn handle(&mut self, role: AddRole, ctx: &mut Self::Context) {
        self.add_role(role, ctx);
    }
}

impl Handler<Observe> for Election {
    type Result = ();

    fn handle(&mut self, Observe(observer): Observe, ctx: &mut Self::Context) {
        if let Some(master) = self.candidate.status().master {
            observer.do_send(MasterChanged { path: self.path.clone(), master });
        }
        self.observers.add(observer);
        self.feed(Input::Observed, ctx);
    }
}

impl Handler<Subscribe<Problem>> for Election {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<Problem>, _: &mut Self::Context) {
        if let Some(trouble) = self.candidate.status().problem {
            recipient.do_send(Problem { path: Some(self.path.clone()), message: trouble.message });
        }
        self.problems.add(recipient);
    }
}

impl Handler<Resign> for Election {
    type Result = ();

    fn handle(&mut self, Resign { token }: Resign, ctx: &mut Self::Context) {
        self.feed(Input::Resign { token }, ctx);
    }
}

impl Handler<Campaign> for Election {
    type Result = ();

    fn handle(&mut self, _: Campaign, ctx: &mut Self::Context) {
        // Whoever waits for a withdrawal waits for something that will not be.
        self.leaving.clear();
        self.feed(Input::Campaign, ctx);
    }
}

impl Handler<Withdraw> for Election {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Withdraw, ctx: &mut Self::Context) -> Self::Result {
        let (left, wait) = oneshot::channel();
        self.leaving.push(left);
        self.feed(Input::Withdraw, ctx);
        Box::pin(async move {
            // Dropped if the actor ends first, having left as well, or if a `Campaign` comes first.
            let _ = wait.await;
        })
    }
}

impl Handler<GetStatus> for Election {
    type Result = Status;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Status {
        let now = self.clock.now();
        let status = self.candidate.status();
        let lease = self.session_lease.as_ref();
        Status {
            path: self.path.clone(),
            state: status.state,
            place: status.place,
            master: status.master,
            token: status.token,
            lease_remaining: lease.and_then(|lease| lease.until()).map(|until| until.since(now)),
            session: self.session_state,
            asked_timeout: self.asked_timeout,
            granted_timeout: self.granted_timeout,
            quorum_answer_age: lease.and_then(|lease| lease.last_quorum_answer()).map(|at| now.since(at)),
            last_error: self.last_error.clone(),
            next_retry: status.next_retry.map(|at| at.since(now)),
        }
    }
}
