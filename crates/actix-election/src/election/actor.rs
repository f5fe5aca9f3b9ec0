//! The election actor: translates between the core, the session's thread and the role actors.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_election_core::{
    Candidate, ElectionPath, FencingToken, Input, OpId, Output, SessionId, SessionState, Timestamp,
};
use tokio::sync::oneshot;

use super::closing::Closing;
use super::handle::Election;
use super::ledger::Change;
use super::messages::{AddRole, Campaign, MasterChanged, Observe, Resign, Withdraw};
use super::status::ElectionBoard;
use super::sweep::{Lookout, NEAR, Sweep, Watched};
use super::telling::Noted;
use super::watchdog::Watchdog;
use super::{ElectionSettings, Home};
use crate::clock::Clock;
use crate::lease::{SessionLease, TermLease};
use crate::session::link::{ConnectionId, Notice, Notices, Request, SessionLink};
use crate::session::{Admission, Guest, SessionActor, Subscribe};
use crate::subscribers::Subscribers;
use crate::{Problem, StartError};

/// One election, in which this process competes or which it follows.
///
/// It takes no decision: those are the core's ([`actix_election_core::Candidate`]). It lives on the session's
/// arbiter, apart from the role actors.
///
/// The actor lives for as long as its address is held by somebody (a [`Lease`](crate::Lease) holds none). When the last
/// address is dropped, it withdraws in order and ends.
pub(crate) struct ElectionActor {
    pub(super) path: ElectionPath,
    pub(super) candidate: Candidate,
    pub(super) clock: Clock,
    pub(super) link: SessionLink,
    notices: Option<Notices>,
    /// Keeps the session alive for as long as this election is.
    pub(super) session: Option<Addr<SessionActor>>,
    pub(super) session_id: Option<SessionId>,
    connection: ConnectionId,
    pub(super) session_state: SessionState,
    pub(super) granted_timeout: Option<Duration>,
    pub(super) session_lease: Option<Arc<SessionLease>>,
    /// The end of the lease that the core knows of.
    lease_told: Option<Timestamp>,
    pub(super) term: Option<Arc<TermLease>>,
    /// The token of the znode that last made this candidate master.
    pub(super) held: Option<FencingToken>,
    /// What everybody may look at.
    pub(super) board: Arc<ElectionBoard>,
    /// The role actors, among what is looked at for this election.
    pub(super) watched: Rc<Watched>,
    /// Looks for as long as this election is, and logs.
    pub(super) sweep: Rc<Sweep>,
    pub(super) noted: Noted,
    newcomers: Vec<AddRole>,
    campaign: bool,
    observers: Subscribers<MasterChanged>,
    problems: Subscribers<Problem>,
    pub(super) last_error: Option<Arc<str>>,
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

impl ElectionActor {
    /// Starts the actor on this thread's arbiter, which is the session's.
    pub(super) fn open(
        settings: ElectionSettings,
        admission: Admission,
    ) -> Result<(Guest, Election), StartError> {
        let election = Self::new(settings, Clock::Boot, Sweep::here(), admission.into())?;
        let board = Arc::clone(&election.board);
        let address = election.start();
        Ok((Self::guest(&address), Election { address, board }))
    }

    /// The actor as the session knows it.
    pub(super) fn guest(address: &Addr<Self>) -> Guest {
        Guest { closing: address.downgrade().recipient(), farewell: Sweep::flush_here }
    }

    pub(super) fn new(
        settings: ElectionSettings,
        clock: Clock,
        sweep: Rc<Sweep>,
        home: Home,
    ) -> Result<ElectionActor, StartError> {
        let ElectionSettings { mut config, mut roles, work, watchdog, campaign } = settings;
        let Home { session, shown, timeout, link, notices } = home;
        config.session_timeout = timeout;
        let path = config.path.clone();
        let candidate =
            Candidate::new(config, clock.now()).map_err(|invalid| StartError::Invalid(invalid.problems))?;
        let watchdog = watchdog.then(Watchdog::start).transpose().map_err(StartError::Thread)?;
        roles.extend(work.map(|work| AddRole::new(&work.start())));
        Ok(ElectionActor {
            board: Arc::new(ElectionBoard::new(path.clone(), clock, timeout, shown)),
            path,
            candidate,
            clock,
            link,
            notices: Some(notices),
            session,
            session_id: None,
            connection: ConnectionId::default(),
            session_state: SessionState::Connecting,
            granted_timeout: None,
            session_lease: None,
            lease_told: None,
            term: None,
            held: None,
            watched: sweep.watch(),
            sweep,
            noted: Noted::default(),
            newcomers: roles,
            campaign,
            observers: Subscribers::default(),
            problems: Subscribers::default(),
            last_error: None,
            timer: None,
            watchdog,
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
        self.publish();
    }

    fn drain(&mut self, ctx: &mut Context<Self>) {
        self.held = self.candidate.held_token().or(self.held);
        while let Some(output) = self.candidate.next_output() {
            match output {
                Output::Request(op, operation) => self.request(op, Request::Election(operation)),
                Output::RequestWhenQuiet(op, operation) => self.request(op, Request::WhenQuiet(operation)),
                // The close will do that, too.
                Output::LeaseNeeded(false) if self.closing.withholds() => {}
                Output::LeaseNeeded(needed) => self.link.candidate(needed),
                Output::LeaseBegan(token) => self.begin_lease(token, ctx),
                Output::LeaseCapped(until) => {
                    if let Some(term) = &self.term {
                        term.cap(until);
                    }
                    self.look_watchdog();
                }
                Output::LeaseEnded => self.end_lease(),
                Output::Notify(role, message, news) => self.tell(role, message, news, ctx),
                Output::MasterChanged(master) => {
                    let (path, is_self) = (self.path.clone(), self.is_self(master.as_ref()));
                    self.observers.tell(&MasterChanged { path, master: master.clone(), is_self });
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

    fn begin_lease(&mut self, token: FencingToken, ctx: &mut Context<Self>) {
        let Some(session) = &self.session_lease else { return };
        // A lease keeps no election alive.
        let election = ctx.address().downgrade();
        let resign = move |token| {
            if let Some(election) = election.upgrade() {
                election.do_send(Resign { token: Some(token) });
            }
        };
        let term = Arc::new(TermLease::new(token, self.clock, Arc::clone(session), resign));
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
        self.last_error = Some(message.as_str().into());
        self.problems.tell(&Problem::new(Some(self.path.clone()), message.clone()));
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
        self.session_id = None;
        self.granted_timeout = None;
        self.session_lease = None;
        self.lease_told = None;
    }

    /// Nobody holds an address of this actor any more.
    pub(super) fn forsaken(&mut self, ctx: &mut Context<Self>) {
        if !self.stop_when_left {
            self.stop_when_left = true;
            // At the close of its session that is as it should be.
            if !self.is_heir && !self.closing.has_begun() && self.session_state != SessionState::Closed {
                self.note(Change::Forsaken { competes: self.candidate.competes() });
            }
            self.feed(Input::Withdraw, ctx);
        }
    }
}

impl Actor for ElectionActor {
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
        self.publish();
    }
}

impl StreamHandler<Notice> for ElectionActor {
    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        let input = match notice {
            Notice::Connected { connection, session, timeout, lease } => {
                self.connection = connection;
                self.session_state = SessionState::Connected;
                self.session_id = Some(session);
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

impl Handler<AddRole> for ElectionActor {
    type Result = ();

    fn handle(&mut self, role: AddRole, ctx: &mut Self::Context) {
        self.add_role(role, ctx);
    }
}

impl Handler<Observe> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Observe(observer): Observe, ctx: &mut Self::Context) {
        if let Some(master) = self.candidate.status().master {
            let is_self = self.is_self(master.as_ref());
            observer.do_send(MasterChanged { path: self.path.clone(), master, is_self });
        }
        self.observers.add(observer);
        self.feed(Input::Observed, ctx);
    }
}

impl Handler<Subscribe<Problem>> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<Problem>, _: &mut Self::Context) {
        if let Some(trouble) = self.candidate.status().problem {
            recipient.do_send(Problem::new(Some(self.path.clone()), trouble.message));
        }
        self.problems.add(recipient);
    }
}

impl Handler<Resign> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Resign { token }: Resign, ctx: &mut Self::Context) {
        self.feed(Input::Resign { token }, ctx);
    }
}

impl Handler<Campaign> for ElectionActor {
    type Result = ();

    fn handle(&mut self, _: Campaign, ctx: &mut Self::Context) {
        // Whoever waits for a withdrawal waits for something that will not be.
        self.leaving.clear();
        self.feed(Input::Campaign, ctx);
    }
}

impl Handler<Withdraw> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Withdraw(left): Withdraw, ctx: &mut Self::Context) {
        self.leaving.push(left);
        self.feed(Input::Withdraw, ctx);
    }
}
