//! The election actor: translates between the core, the session's thread and the role actors.

use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use actix_election_core::{
    Candidate, ElectionPath, FencingToken, Input, OpId, Output, SessionState, Timestamp,
};

use super::audience::Audience;
use super::closing::Closing;
use super::departure::Departure;
use super::handle::Election;
use super::ledger::Change;
use super::messages::{AddRole, Campaign, MasterChanged, Observe, Resign, Withdraw};
use super::notify::Noted;
use super::session_view::SessionView;
use super::status::ElectionBoard;
use super::sweep::{NEAR, Sweep, SweepEntry, SweepTask};
use super::watchdog::Watchdog;
use super::{ElectionSettings, Home};
use crate::clock::Clock;
use crate::lease::TermLease;
use crate::session::link::{Notice, Notices, Request, SessionLink};
use crate::session::{Admission, Guest, Held, SessionActor, Subscribe};
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
    /// Keeps the session alive for as long as this election is.
    pub(super) host: Option<Addr<SessionActor>>,
    pub(super) session: SessionView,
    pub(super) term: Option<Arc<TermLease>>,
    /// The token of the last znode of this candidate's own.
    pub(super) own: Option<FencingToken>,
    /// What others see of it.
    pub(super) address: String,
    /// What everybody may look at.
    pub(super) board: Arc<ElectionBoard>,
    /// The role actors, among what is looked at for this election.
    pub(super) watched: Rc<SweepEntry>,
    /// Looks for as long as this election is, and logs.
    pub(super) sweep: Rc<Sweep>,
    pub(super) noted: Noted,
    pub(super) audience: Audience,
    timer: Option<(Timestamp, SpawnHandle)>,
    watchdog: Option<Watchdog>,
    pub(super) departure: Departure,
    pub(super) closing: Closing,
    /// What to begin with, until the actor has started.
    beginning: Option<Beginning>,
}

struct Beginning {
    notices: Notices,
    roles: Vec<AddRole>,
    campaign: bool,
}

impl ElectionActor {
    /// Starts the actor on this thread's arbiter, which is the session's.
    pub(super) fn open(
        settings: ElectionSettings,
        admission: Admission,
        held: Held,
    ) -> Result<(Guest, Election), StartError> {
        let election = Self::new(settings, Clock::Boot, Sweep::here(), admission.into())?;
        let board = Arc::clone(&election.board);
        let address = election.start();
        Ok((Self::guest(&address), Election { address, board, _held: held }))
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
        let address = config.address.as_ref().map(ToString::to_string).unwrap_or_default();
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
            host: session,
            session: SessionView::new(),
            term: None,
            own: None,
            address,
            watched: sweep.watch(),
            sweep,
            noted: Noted::default(),
            audience: Audience::default(),
            timer: None,
            watchdog,
            departure: Departure::default(),
            closing: Closing::default(),
            beginning: Some(Beginning { notices, roles, campaign }),
        })
    }

    /// Hands an input to the core and carries out what comes of it.
    pub(super) fn feed(&mut self, input: Input, ctx: &mut Context<Self>) {
        if let Some(change) = self.session.lease_change() {
            self.candidate.handle(self.clock.now(), change);
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
        self.own = self.candidate.own_token().or(self.own);
        while let Some(output) = self.candidate.next_output() {
            match output {
                Output::Request(op, operation) => self.request(op, Request::Election(operation)),
                Output::RequestWhenQuiet(op, operation) => self.request(op, Request::WhenQuiet(operation)),
                // The close will do that, too.
                Output::LeaseNeeded(false) if self.closing.defers() => {}
                Output::LeaseNeeded(needed) => self.link.candidate(needed),
                Output::LeaseBegan(token) => self.begin_lease(token, ctx),
                Output::LeaseCapped(until) => {
                    if let Some(term) = &self.term {
                        term.cap(until);
                    }
                    self.check_watchdog();
                }
                Output::LeaseEnded => self.end_lease(),
                Output::Notify(role, message, news) => self.notify(role, message, news, ctx),
                Output::MasterChanged(master) => {
                    let is_self = self.is_self(master.as_ref());
                    self.audience.master_changed(&self.path, master.clone(), is_self);
                    if let Some(master) = master {
                        self.note_new_master(master);
                    }
                }
                Output::Report(problem) => {
                    self.audience.report(&self.path, &problem.message);
                    self.note(Change::Problem(problem));
                }
                Output::Left => {
                    if self.departure.left() {
                        ctx.stop();
                    }
                }
            }
        }
    }

    fn request(&mut self, op: OpId, request: Request) {
        if let Some(request) = self.closing.defer(self.session.connection, op, request) {
            self.link.request(self.session.connection, op, request);
        }
    }

    fn begin_lease(&mut self, token: FencingToken, ctx: &mut Context<Self>) {
        let Some(session) = &self.session.lease else { return };
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
        self.check_watchdog();
    }

    fn check_watchdog(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.look();
        }
    }

    pub(super) fn disarm_watchdog(&self) {
        if let Some(watchdog) = self.watchdog.as_ref().filter(|_| self.candidate.has_stepped_down()) {
            watchdog.disarm();
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
    pub(super) fn check(&mut self, ctx: &mut Context<Self>) {
        self.check_roles(ctx);
        if self.watched.due.get().is_some_and(|at| self.clock.now() >= at) {
            self.feed(Input::Timer, ctx);
        } else {
            self.arm_timer(ctx);
        }
    }

    /// Nobody holds an address of this actor any more.
    pub(super) fn orphaned(&mut self, ctx: &mut Context<Self>) {
        if !self.departure.is_orphaned {
            self.departure.is_orphaned = true;
            // At the close of its session that is as it should be.
            if !self.departure.is_heir && !self.closing.has_begun() && !self.session.is_closed() {
                self.note(Change::Orphaned { competes: self.candidate.competes() });
            }
            self.feed(Input::Withdraw, ctx);
        }
    }
}

impl Actor for ElectionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(SweepTask(Rc::clone(&self.watched)));
        if let Some(Beginning { notices, roles, campaign }) = self.beginning.take() {
            ctx.add_stream(notices);
            for role in roles {
                self.add_role(role, ctx);
            }
            if campaign {
                self.feed(Input::Campaign, ctx);
            }
        }
        self.publish();
    }
}

impl StreamHandler<Notice> for ElectionActor {
    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        let input = match notice {
            Notice::Connected { connection, session, timeout, lease } => {
                self.session.connected(connection, session, timeout, lease);
                Input::Connected { session, timeout }
            }
            Notice::Disconnected => {
                self.session.disconnected(self.clock.now());
                Input::Disconnected
            }
            Notice::SessionLost => {
                self.session.over(SessionState::Lost);
                Input::SessionLost
            }
            Notice::Answered(op, reply) => Input::Answered(op, reply),
            Notice::WatchFired(op, event) => Input::WatchFired(op, event),
        };
        self.feed(input, ctx);
    }

    /// The session's thread is gone, and the session with it.
    fn finished(&mut self, ctx: &mut Self::Context) {
        self.session.over(SessionState::Closed);
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
        self.audience.observers.add(observer);
        self.feed(Input::Observed, ctx);
    }
}

impl Handler<Subscribe<Problem>> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Subscribe(recipient): Subscribe<Problem>, _: &mut Self::Context) {
        if let Some(problem) = self.candidate.status().problem {
            recipient.do_send(Problem::new(Some(self.path.clone()), problem.message));
        }
        self.audience.problems.add(recipient);
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
        if self.closing.has_begun() {
            return;
        }
        self.departure.revoke();
        self.feed(Input::Campaign, ctx);
    }
}

impl Handler<Withdraw> for ElectionActor {
    type Result = ();

    fn handle(&mut self, Withdraw(left): Withdraw, ctx: &mut Self::Context) {
        self.departure.wait(left);
        self.feed(Input::Withdraw, ctx);
    }
}
