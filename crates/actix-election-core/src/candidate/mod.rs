//! One candidate of one election.
//!
//! Its parts, and where each is decided:
//!
//! | | |
//! |---|---|
//! | `types` | what goes in and what comes out |
//! | `intent` | whether this process takes part, and its breaks |
//! | `session` | the session, its connection and its lease, as the driver knows them |
//! | `contest` | what is known of the election at the ensemble: `observer`, `lock`, `queue` |
//! | `goal`, `obstacle` | what these are to do, and what stops them |
//! | `requests` | what the ensemble is asked, and what comes of its answers |
//! | `pace` | how fast it is asked |
//! | `resign_watch` | how another process asks for an end of the term |
//! | `term` | how a mastership begins and ends |
//! | `roles`, `notify`, `failure` | the role actors: what each knows, of what it is notified, what happens when it dies |
//! | `timers` | what is to be done without any input |
//! | `problems` | what people have to put right |
//! | `reports`, `status` | what the driver hears of all this, unasked and asked |
//! | `outbox` | what is still to be carried out |

mod contest;
mod failure;
mod goal;
mod intent;
mod lock;
mod notify;
mod observer;
mod obstacle;
mod outbox;
mod pace;
mod problems;
mod queue;
mod reports;
mod requests;
mod resign_watch;
mod roles;
mod session;
mod status;
mod term;
mod timers;
mod types;

pub use types::{
    CandidateState, CandidateStatus, Input, Master, Message, MessageId, Output, Place, Problem, ProblemKind,
    RoleId, StandbyReason, Timer,
};

use crate::{CandidateConfig, InvalidConfig, Timestamp};
use contest::Contest;
use intent::Intent;
use outbox::Outbox;
use pace::Pace;
use problems::OwnProblems;
use reports::Reports;
use resign_watch::ResignWatch;
use roles::Roles;
use session::KnownSession;
use term::Terms;

/// Decides, for one process and one election: what to ask of the ensemble, when the lease of a term begins and
/// ends, and of what the role actors are notified.
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
/// What a candidate still asks of a connection that is gone, or notifies a role that is dead, before it hears of that,
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
/// let mut heard = Vec::new();
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
///             Output::Request(op, Operation::Read { .. }) if heard.is_empty() => inputs.push_back(Input::Answered(op, Reply::Missing)),
///             Output::Request(op, Operation::Create { .. }) => {
///                 let stat = Stat { czxid: 42, ephemeral_owner: session.0 };
///                 inputs.push_back(Input::Answered(op, Reply::Created(stat)));
///             }
///             Output::Notify(_, _, message) => heard.push(message),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(heard, [Message::BecameMaster { token: FencingToken::new(42) }]);
/// assert_eq!(candidate.next_timer(), Some((t0 + Duration::from_millis(8_750), Timer::Notice)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Candidate {
    config: CandidateConfig,
    now: Timestamp,
    intent: Intent,
    session: KnownSession,
    contest: Contest,
    pace: Pace,
    resign_watch: ResignWatch,
    terms: Terms,
    roles: Roles,
    own_problems: OwnProblems,
    reports: Reports,
    outbox: Outbox,
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
            intent: Intent::default(),
            session: KnownSession::none(&config),
            contest: Contest::observe(&config),
            pace: Pace::new(config.refused_retry),
            resign_watch: ResignWatch::default(),
            terms: Terms::default(),
            roles: Roles::default(),
            own_problems: OwnProblems::default(),
            reports: Reports::default(),
            outbox: Outbox::default(),
            config,
            now,
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
            self.session.lease_until(until);
        }
        // Before anything else: after a stop of the whole process, what is overdue comes first.
        self.pass_time();
        self.take_in(input);
        self.settle();
    }

    /// The next thing to do; `None` once everything is done.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outbox.pop()
    }

    /// Whether no term runs and every role has handled its `BecameStandby`.
    pub fn has_stepped_down(&self) -> bool {
        self.terms.is_over() && self.roles.all_acknowledged()
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
            Input::Answered(op, reply) => self.answered(op, reply),
            Input::WatchFired(op, event) => self.watch_fired(op, event),
            Input::Observed => self.contest.observed(),
            Input::Timer => self.check_lease(),
            Input::Lease(_) => {}
        }
    }

    /// Brings everything in line with what is known now.
    fn settle(&mut self) {
        self.end_what_is_over();
        self.begin_term();
        self.notify_newcomers();
        self.ask_for_lease();
        self.ask_ensemble();
        self.announce_master();
        self.report_problem();
        self.say_goodbye();
    }
}
