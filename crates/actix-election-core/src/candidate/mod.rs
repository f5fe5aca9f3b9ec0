//! One candidate of one election.

mod contest;
mod failure;
mod goal;
mod lock;
mod observer;
mod obstacle;
mod pace;
mod queue;
mod resign_watch;
mod roles;
mod status;
mod telling;
mod term;
mod types;

use std::collections::VecDeque;
use std::time::Duration;

pub use types::{
    CandidateState, CandidateStatus, Input, Master, Message, MessageId, Output, Problem, ProblemKind, RoleId,
    StandbyReason, Timer,
};

use crate::{CandidateConfig, FencingToken, InvalidConfig, OpId, SessionId, SessionTimeout, Timestamp};
use contest::Contest;
use goal::Goal;
use pace::Pace;
use resign_watch::ResignWatch;
use roles::Roles;
use term::Term;

/// How often it is looked whether the lease suffices to lead by what is held, at intervals of T/20: for 2 T.
const SHORT_LOOKS: u32 = 40;

/// How often a problem that lasts is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Decides, for one process and one election: what to ask of the ensemble, when the lease of a term begins and
/// ends, and what the role actors are told.
///
/// # The driver contract
///
/// A candidate does no I/O and reads no clock. Its driver
///
/// 1. calls [`handle`](Self::handle) with a reading of the clock and an [`Input`];
/// 2. **drains** [`next_output`](Self::next_output) until it is `None`, and carries out every [`Output`] in
///    order, before it calls `handle` again;
/// 3. asks [`next_timer`](Self::next_timer) and calls with [`Input::Timer`] at that time, or any time after.
///
/// It hands over an [`Input::Lease`] whenever the session's lease was extended, at the latest right before the
/// next other input: a candidate goes by the lease that it knows. Inputs of one connection are handed over in
/// the order in which they happened, and none of an old connection after [`Input::Disconnected`].
/// What a candidate still asks of a connection that is gone, or tells a role that is dead, before it hears of that,
/// goes nowhere: drop it.
///
/// ```
/// use std::time::Duration;
/// use actix_election_core::*;
///
/// let t0 = Timestamp::from_nanos(1_000_000_000);
/// let session = SessionId(7);
/// let timeout = SessionTimeout::new(Duration::from_secs(10));
/// let mut candidate = Candidate::new(CandidateConfig::new(ElectionPath::new("/master")?), t0)?;
///
/// // A driver that stands in for an ensemble where nobody else competes.
/// let mut told = Vec::new();
/// let mut inputs = std::collections::VecDeque::from([
///     Input::RoleJoined(RoleId(1)),
///     Input::Campaign,
///     Input::Lease(t0 + Duration::from_secs(10)),
///     Input::Connected { session, timeout },
/// ]);
/// while let Some(input) = inputs.pop_front() {
///     candidate.handle(t0, input);
///     while let Some(output) = candidate.next_output() {
///         match output {
///             Output::Request(op, Operation::Read { .. }) if told.is_empty() => inputs.push_back(Input::Answered(op, Reply::Missing)),
///             Output::Request(op, Operation::Create { .. }) => {
///                 let stat = Stat { czxid: 42, ephemeral_owner: session.0 };
///                 inputs.push_back(Input::Answered(op, Reply::Created(stat)));
///             }
///             Output::Notify(_, _, message) => told.push(message),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(told, [Message::BecameMaster { token: FencingToken::new(42) }]);
/// assert_eq!(candidate.next_timer(), Some((t0 + Duration::from_millis(8_750), Timer::Notice)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Candidate {
    config: CandidateConfig,
    now: Timestamp,
    campaigning: bool,
    leaving: bool,
    /// The timeout granted to the present session, or to the last one.
    timeout: SessionTimeout,
    session: Option<SessionId>,
    connected: bool,
    lease: Option<Timestamp>,
    contest: Contest,
    term: Option<Term>,
    resign_watch: ResignWatch,
    pace: Pace,
    roles: Roles,
    /// Whether it was said that the session's lease is needed.
    lease_needed: bool,
    /// Stay out until then.
    pause: Option<Timestamp>,
    /// Why the roles are standby where nothing at the ensemble says so: the end of the last term.
    last_end: Option<StandbyReason>,
    announced: Option<Option<Master>>,
    reported: Option<(Problem, Timestamp)>,
    overdue: Option<Problem>,
    /// All roles have died, and none has joined since.
    no_role: Option<Problem>,
    /// How often the lease was looked at since there is something to lead by, and did not suffice.
    short_looks: u32,
    too_slow: Option<Problem>,
    next_op: u64,
    outputs: VecDeque<Output>,
}

impl Candidate {
    /// A candidate that does not compete yet, made at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if any setting breaks a rule.
    pub fn new(config: CandidateConfig, now: Timestamp) -> Result<Self, InvalidConfig> {
        config.validate()?;
        Ok(Candidate {
            contest: Contest::observe(&config),
            timeout: SessionTimeout::new(config.session_timeout),
            pace: Pace::new(config.refused_retry),
            config,
            now,
            campaigning: false,
            leaving: false,
            session: None,
            connected: false,
            lease: None,
            term: None,
            resign_watch: ResignWatch::default(),
            roles: Roles::default(),
            lease_needed: false,
            pause: None,
            last_end: None,
            announced: None,
            reported: None,
            overdue: None,
            no_role: None,
            short_looks: 0,
            too_slow: None,
            next_op: 0,
            outputs: VecDeque::new(),
        })
    }

    /// A candidate in the place of this one, which can go on no longer (its driver has panicked, say): it finds out what this one
    /// has left at the ensemble in the present session. Withdraw it ([`Input::Withdraw`]), and it releases that; then nothing
    /// is left ([`Output::Left`]). `None` if this one has never competed.
    pub fn heir(&self) -> Option<Candidate> {
        if self.contest.only_observes() {
            return None;
        }
        let mut heir = Self::new(self.config.clone(), self.now).ok()?;
        heir.contest.compete(&self.config, None);
        heir.contest.inherit();
        Some(heir)
    }

    /// Takes in what happened at `now`. Time never goes back: an earlier `now` counts as the last one.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.now = self.now.max(now);
        if let Input::Lease(until) = input {
            self.lease = Some(until);
        }
        // Before anything else: after a stop of the whole process, what is overdue comes first.
        self.pass_time();
        self.take_in(input);
        self.settle();
    }

    /// The next thing to do; `None` once everything is done.
    pub fn next_output(&mut self) -> Option<Output> {
        let next = self.outputs.pop_front();
        if next.is_none() {
            // Most candidates have nothing to say for hours.
            self.outputs = VecDeque::new();
        }
        next
    }

    /// When to call with [`Input::Timer`], and why.
    pub fn next_timer(&self) -> Option<(Timestamp, Timer)> {
        let notice = match (&self.term, self.lease) {
            (Some(Term { ending: None, .. }), Some(lease)) => Some(lease - self.timeout.notice()),
            _ => None,
        };
        let step_down = self.term.and_then(|term| term.ending).map(|ending| ending.at);
        let overdue = self.overdue_at().filter(|_| self.overdue.is_none());
        let short = self.is_winning().then(|| self.now + self.timeout.probe_interval() / 2);
        let first_word = self
            .roles
            .waiting_since()
            .filter(|_| self.campaigning && self.term.is_none() && !self.is_winning())
            .map(|since| since + self.timeout.first_word());
        let resign_watch = self.running_term().and_then(|_| self.resign_watch.retry_at());
        let retry = [self.next_retry(), resign_watch.filter(|_| self.connected)].into_iter().flatten().min();
        let report = self.problem().and(self.reported.as_ref()).map(|(_, at)| *at + REPORT_INTERVAL);
        [
            (notice, Timer::Notice),
            (step_down, Timer::StepDown),
            (overdue, Timer::StepDown),
            (short, Timer::LeaseShort),
            (first_word, Timer::FirstWord),
            (self.pause, Timer::Pause),
            (retry, Timer::Retry),
            (report, Timer::Report),
        ]
        .into_iter()
        .filter_map(|(at, timer)| Some((at?, timer)))
        .min()
    }

    /// When the ensemble is asked again, if that waits for a time.
    fn next_retry(&self) -> Option<Timestamp> {
        // What is due before the pause is over waits for that.
        self.pace.until().or(self.contest.retry_at()).filter(|_| self.connected)
    }

    /// Whether no term runs and every role has handled its `BecameStandby`.
    pub fn has_stepped_down(&self) -> bool {
        self.term.is_none() && self.roles.all_acknowledged()
    }

    fn pass_time(&mut self) {
        self.pause.take_if(|until| self.now >= *until);
        self.contest.pass_time(self.now);
        self.resign_watch.pass_time(self.now);
        self.pace.pass_time(self.now);
        if let (Some(Term { ending: None, .. }), Some(lease)) = (&self.term, self.lease)
            && self.now >= lease - self.timeout.notice()
        {
            self.outputs.push_back(Output::LeaseCapped(lease));
            self.begin_end(StandbyReason::LeaseEnding, lease, Duration::ZERO);
        }
        if let Some(Term { ending: Some(ending), .. }) = self.term
            && self.now >= ending.at
        {
            self.end_term(ending);
        }
        if self.overdue_at().is_some_and(|at| self.now >= at) {
            self.overdue = Some(Problem {
                kind: ProblemKind::StepDownOverdue,
                message: format!(
                    "a role has not handled BecameStandby within {:?}: this candidate stays out until it does",
                    self.config.step_down_timeout
                ),
            });
        }
    }

    /// When a role that has still to acknowledge `BecameStandby` has had its time.
    fn overdue_at(&self) -> Option<Timestamp> {
        self.roles.unacknowledged_since().map(|since| since + self.config.step_down_timeout)
    }

    fn take_in(&mut self, input: Input) {
        match input {
            Input::Campaign => self.campaign(),
            Input::Resign { token } => {
                self.pace.reset();
                self.resign(token);
            }
            Input::Withdraw => self.withdraw(),
            Input::RoleJoined(role) => self.role_joined(role),
            Input::RoleAcknowledged(role, message) => self.roles.acknowledged(role, message),
            Input::RoleFailed(role) => self.role_failed(role),
            Input::RoleRestarted(role, message) => self.role_restarted(role, message),
            Input::Connected { session, timeout } => self.connect(session, timeout),
            Input::Disconnected => self.disconnect(),
            Input::SessionLost => self.lose_session(),
            Input::Answered(op, reply) => {
                if self.contest.awaits(op) || self.resign_watch.awaits(op) {
                    self.pace.answered(self.now, &reply);
                }
                let asked_to_resign = self.resign_watch.answered(
                    op,
                    &reply,
                    self.running_term(),
                    self.now + self.config.refused_retry,
                );
                self.contest.answered(self.now, op, reply);
                if asked_to_resign {
                    self.resign(self.term.map(|term| term.token));
                }
            }
            Input::WatchFired(op, event) => {
                if self.contest.is_armed(op) || self.resign_watch.is_armed(op) {
                    self.pace.event();
                }
                self.resign_watch.watch_fired(op);
                self.contest.watch_fired(op, event);
            }
            Input::Observed => self.contest.observed(),
            Input::Timer => self.look_at_lease(),
            Input::Lease(_) => {}
        }
    }

    fn campaign(&mut self) {
        self.pace.reset();
        if !self.campaigning {
            self.roles.restart_wait(self.now);
            self.contest.compete(&self.config, self.session.filter(|_| self.connected));
        }
        self.campaigning = true;
        self.leaving = false;
    }

    fn resign(&mut self, token: Option<FencingToken>) {
        match self.term {
            Some(term) if token.is_none_or(|token| token == term.token) => {
                self.step_down(StandbyReason::Resigned, self.config.resign_pause);
            }
            None if token.is_none() => {
                self.last_end = Some(StandbyReason::Resigned);
                self.stay_out(self.config.resign_pause);
            }
            _ => {}
        }
    }

    fn withdraw(&mut self) {
        self.pace.reset();
        self.step_down(StandbyReason::Resigned, Duration::ZERO);
        self.contest.withdraw();
        self.too_slow = None;
        self.campaigning = false;
        self.leaving = true;
        self.pause = None;
    }

    fn connect(&mut self, session: SessionId, timeout: SessionTimeout) {
        if self.session.is_some_and(|before| before != session) {
            self.lose_session();
        }
        self.session = Some(session);
        self.timeout = timeout;
        self.connected = true;
        self.pace.reset();
        self.contest.connected(session);
        self.resign_watch.reset();
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.pace.reset();
        self.contest.disconnected();
        self.resign_watch.reset();
    }

    fn lose_session(&mut self) {
        self.disconnect();
        self.session = None;
        self.lease = None;
        self.contest.session_lost();
        self.cut_term(StandbyReason::SessionLost);
    }

    /// Who holds what makes master and cannot lead by it keeps everybody else from leading: after a while it makes room.
    fn look_at_lease(&mut self) {
        if !self.is_winning() {
            return;
        }
        self.short_looks += 1;
        if self.short_looks < SHORT_LOOKS {
            return;
        }
        self.too_slow = Some(Problem {
            kind: ProblemKind::TooSlow,
            message: format!(
                "in 2 T, with a session timeout T of {:?}, the ensemble has not answered fast enough to lead: this \
                 candidate makes room for others",
                self.timeout
            ),
        });
        if let Some(token) = self.contest.held_token() {
            self.contest.retire(token);
        }
        self.last_end = Some(StandbyReason::LeaseEnding);
        self.stay_out(self.config.failure_pause);
    }

    /// Brings everything in line with what is known now.
    fn settle(&mut self) {
        if self.term.is_some_and(|term| self.contest.is_gone(term.token)) {
            self.cut_term(StandbyReason::NodeLost);
        }
        if self.roles.all_acknowledged() {
            self.overdue = None;
            if let Some(Term { ending: Some(ending), .. }) = self.term {
                self.end_term(ending);
            }
        }
        self.begin_term();
        if !self.is_winning() {
            self.short_looks = 0;
        }
        self.tell_newcomers();
        self.ask_for_lease();
        self.ask_ensemble();
        self.announce();
        self.report();
        if self.leaving && self.term.is_none() && !self.contest.maybe_ours() {
            self.leaving = false;
            self.ask_for_lease();
            self.outputs.push_back(Output::Left);
        }
    }

    /// From the first moment on: a lease that was not kept up never comes back in the same session.
    fn ask_for_lease(&mut self) {
        let needed = self.campaigning || self.leaving || self.term.is_some();
        if needed != self.lease_needed {
            self.lease_needed = needed;
            self.outputs.push_back(Output::LeaseNeeded(needed));
        }
    }

    /// Whether this candidate is free to be master.
    fn competes(&self) -> bool {
        self.campaigning && self.pause.is_none() && !self.roles.is_empty() && self.roles.all_acknowledged()
    }

    /// Whether this candidate may stand in a queue, though its roles have still to say that they are standby.
    fn may_wait(&self) -> bool {
        let free = self.campaigning && self.pause.is_none() && !self.roles.is_empty();
        free && self.overdue.is_none() && matches!(self.contest, Contest::Queue(_))
    }

    fn lease_suffices(&self) -> bool {
        self.lease.is_some_and(|lease| lease.since(self.now) >= self.timeout.least_to_lead())
    }

    /// Whether the lock is held and only a longer lease is waited for.
    fn is_winning(&self) -> bool {
        self.connected
            && self.term.is_none()
            && self.competes()
            && self.contest.held_token().is_some()
            && !self.lease_suffices()
    }

    fn stay_out(&mut self, pause: Duration) {
        if self.campaigning && !pause.is_zero() {
            self.pause = self.pause.max(Some(self.now + pause));
        }
    }

    fn ask_ensemble(&mut self) {
        if self.pace.until().is_some() {
            return;
        }
        let goal = match self.term {
            // One that is ending still rests on its znode, which is released only once the lease is over.
            Some(_) => Goal::Keep,
            None if self.competes() || self.may_wait() => Goal::Compete,
            None => Goal::Observe,
        };
        while let Some(operation) = self.contest.next_operation(goal, OpId(self.next_op)) {
            self.request(Output::Request(OpId(self.next_op), operation));
        }
        let op = OpId(self.next_op);
        if let Some(session) = self.session.filter(|_| self.connected && self.running_term().is_some())
            && let Some(request) = self.resign_watch.next_request(&self.config.path, session, op)
        {
            self.request(request);
        }
    }

    /// The term, unless it is ending.
    fn running_term(&self) -> Option<FencingToken> {
        self.term.filter(|term| term.ending.is_none()).map(|term| term.token)
    }

    fn request(&mut self, request: Output) {
        self.outputs.push_back(request);
        self.next_op += 1;
    }

    fn announce(&mut self) {
        let master = self.contest.master();
        if master.is_some() && master != self.announced {
            self.announced.clone_from(&master);
            self.outputs.extend(master.map(Output::MasterChanged));
        }
    }

    fn report(&mut self) {
        let Some(problem) = self.problem() else { return };
        let again = self
            .reported
            .as_ref()
            .is_none_or(|(last, at)| last != problem || self.now >= *at + REPORT_INTERVAL);
        if again {
            let problem = problem.clone();
            self.reported = Some((problem.clone(), self.now));
            self.outputs.push_back(Output::Report(problem));
        }
    }
}
