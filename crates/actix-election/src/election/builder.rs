//! Settings of an election.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix_election_core::{Address, CandidateConfig, ElectionPath, Invalid, QueueId};
use tokio::runtime::Handle;

use super::actor::ElectionActor;
use super::messages::AddRole;
use super::work::{Start, Work};
use super::{BecameMaster, BecameStandby, Election};
use crate::session::Admit;
use crate::{Lease, Session, StartError};

/// Settings of an [`Election`], made by [`Election::builder`].
#[derive(Clone)]
#[must_use = "an election is not started before `campaign` or `observe`"]
pub struct ElectionBuilder {
    path: String,
    strategy: Strategy,
    address: Option<String>,
    step_down_timeout: Option<Duration>,
    resign_pause: Option<Duration>,
    failure_pause: Option<Duration>,
    refused_retry: Option<Duration>,
    watchdog: bool,
    roles: Vec<AddRole>,
    without_role: bool,
    on_master: Option<Start>,
}

/// How the candidates of an election compete. All of them use the same strategy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Strategy {
    /// One ephemeral znode at the election path, which shows the master's address. Whoever creates it is master; when it is
    /// deleted, all others try again. Right for a few candidates.
    #[default]
    Lock,
    /// Ephemeral sequential znodes below the election path: first come, first served. Whoever resigns goes to the end,
    /// and a change wakes one candidate, however many wait. Java's `LeaderLatch` (Curator) can take part in the same queue.
    Queue,
}

impl Strategy {
    /// The name used in configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Strategy::Lock => "lock",
            Strategy::Queue => "queue",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        match name {
            "lock" => Ok(Strategy::Lock),
            "queue" => Ok(Strategy::Queue),
            _ => Err(Invalid {
                what: "strategy",
                value: name.to_owned(),
                rule: "it must be \"lock\" or \"queue\"",
            }),
        }
    }
}

/// Settings that have been checked.
pub(super) struct ElectionSettings {
    pub(super) config: CandidateConfig,
    pub(super) roles: Vec<AddRole>,
    /// The role of whoever has no role actor.
    pub(super) work: Option<Work>,
    pub(super) watchdog: bool,
    pub(super) campaign: bool,
}

impl ElectionBuilder {
    pub(super) fn new(path: &str) -> Self {
        ElectionBuilder {
            path: path.to_owned(),
            strategy: Strategy::Lock,
            address: None,
            step_down_timeout: None,
            resign_pause: None,
            failure_pause: None,
            refused_retry: None,
            watchdog: false,
            roles: Vec::new(),
            without_role: false,
            on_master: None,
        }
    }

    /// How candidates compete: [`Strategy::Lock`] by default. All candidates of an election use the same strategy; a
    /// candidate that uses the other one stays standby, and reports that the path is taken.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What others see of this candidate: `host:port`, an IPv6 host in brackets. Without it they see an empty
    /// address.
    pub fn address(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    /// Adds a role actor. More can be added later with [`Election::add_role`]; without a live role a candidate does not
    /// compete, unless it is [`without_role`](Self::without_role).
    ///
    /// # Under a supervisor
    ///
    /// When an actor stops, a [`Supervisor`] gives it a new context: the actor, its address and its mailbox stay, and what it
    /// had spawned is dropped. (An actor that panics is not restarted. It is dead.)
    ///
    /// Between messages **a restart cannot be seen from outside**, and a master whose work was dropped would stay master. So
    /// the actor has to call [`Lease::tie_to`](crate::Lease::tie_to) in its handler of [`BecameMaster`], which ties the term to
    /// its context; or it has to be added again whenever it is restarted (see [`Election::add_role`]). Then a restart makes it
    /// standby ([`RoleFailed`](crate::StandbyReason::RoleFailed)), and it competes again after the failure pause.
    ///
    /// A restart that drops the future of a handler is noticed in any case: a master is told the same, and an actor that was
    /// handling [`BecameStandby`] is told once more and waited for, during the rest of the step-down timeout. (A
    /// `ResponseFuture` does not live in the context, and is not dropped.) A standby that is restarted between messages misses
    /// nothing.
    pub fn role<A>(mut self, role: &Addr<A>) -> Self
    where
        A: Actor + Handler<BecameMaster> + Handler<BecameStandby>,
        A::Context: ToEnvelope<A, BecameMaster> + ToEnvelope<A, BecameStandby>,
    {
        self.roles.push(AddRole::new(role));
        self
    }

    /// Runs a future for each term of this process: what it does as master. This is a role as an actor is, and can be combined
    /// with others. A second call replaces the first.
    ///
    /// The future is spawned on the tokio runtime that [`campaign`](Self::campaign) was called in, and is given the lease of
    /// the term.
    ///
    /// - **At the end of the term it is dropped**, at its next await point. The lock is released once that has happened, or when
    ///   the step-down timeout or the lease ends. So code between two await points goes on without a lease if it takes that
    ///   long: check the lease before every step, and pass its token to the resource that you write to. Put any cleanup into
    ///   a `Drop`.
    /// - **If it returns, its work is done**: this process resigns, and competes again after the resign pause. A future
    ///   that has nothing to do should wait, for example for [`Lease::lost`](crate::Lease::lost).
    /// - **If it panics**, or the closure does, the role has failed: the term ends in order
    ///   ([`RoleFailed`](crate::StandbyReason::RoleFailed)), and this process competes again after the failure pause.
    /// - If its runtime ends, the role is dead, and this process no longer competes.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use actix_election::{Election, Session};
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let session = Session::builder("127.0.0.1:2181").start()?;
    ///     let work = |lease: actix_election::Lease| async move {
    ///         while lease.is_valid() {
    ///             println!("one step, with token {}", lease.token());
    ///             tokio::time::sleep(Duration::from_secs(1)).await;
    ///         }
    ///     };
    ///     let _election = Election::builder("/master").on_master(work).campaign(&session).await?;
    ///     actix_election::shutdown_signal().await?;
    ///     session.close().await;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A closure that holds a handle of this session or election keeps it alive for as long as itself: close the session then.
    pub fn on_master<F, Fut>(mut self, start: F) -> Self
    where
        F: Fn(Lease) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_master = Some(Arc::new(move |lease| Box::pin(start(lease))));
        self
    }

    /// Competes without a role: for a program that checks [`Election::lease`] before every step, or waits for
    /// [`Election::until_master`].
    ///
    /// **Nothing waits for that program to stop** when this process steps down: its lease is over at once. If that is not
    /// enough, use [`on_master`](Self::on_master) or a role actor.
    pub fn without_role(mut self) -> Self {
        self.without_role = true;
        self
    }

    /// How long the handlers of [`BecameStandby`] may take in an orderly handover: 3 s by default, from 1 ms to 1 h.
    /// After that the lease is over, and the lock is released without waiting for them any longer.
    pub fn step_down_timeout(mut self, timeout: Duration) -> Self {
        self.step_down_timeout = Some(timeout);
        self
    }

    /// How long a candidate does not compete after it resigned: 1 s by default, at most 1 h.
    pub fn resign_pause(mut self, pause: Duration) -> Self {
        self.resign_pause = Some(pause);
        self
    }

    /// How long a candidate does not compete after one of its roles died, or was restarted while it was master: 5 s by default,
    /// at most 1 h, and not shorter than the pause after a resignation.
    pub fn failure_pause(mut self, pause: Duration) -> Self {
        self.failure_pause = Some(pause);
        self
    }

    /// How long to wait before retrying what the ensemble refused, because of an ACL for example: 5 s by default, from
    /// 10 ms to 1 h.
    pub fn refused_retry(mut self, pause: Duration) -> Self {
        self.refused_retry = Some(pause);
        self
    }

    /// Aborts the process if a lease ends before [`BecameStandby`] is handled by every role of the election.
    ///
    /// Use it if losing the process is better than code that runs on as master: the lease itself cannot stop running
    /// code. A separate thread watches the clock, so the watchdog also acts right after a pause of the process. Off by
    /// default.
    ///
    /// Stopping the actix system while this process is master ends the lease too: [close](crate::Session::close) the
    /// session first.
    pub fn watchdog(mut self, on: bool) -> Self {
        self.watchdog = on;
        self
    }

    /// Starts the election on the session's arbiter, and competes in it.
    ///
    /// This waits for the election to start, not for the ensemble. If you have many elections, start all of them before you
    /// wait for any:
    ///
    /// ```no_run
    /// # use actix_election::prelude::*;
    /// # use actix_election::StartError;
    /// # async fn example<R>(session: Session, role: Addr<R>) -> Result<(), StartError>
    /// # where
    /// #     R: Actor<Context = Context<R>> + Handler<BecameMaster> + Handler<BecameStandby>,
    /// # {
    /// let shards = (0..10_000).map(|shard| Election::builder(&format!("/shards/{shard}")).role(&role).campaign(&session));
    /// let elections = futures::future::try_join_all(shards).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`StartError::Invalid`] lists every setting that cannot be used, with the rule that it breaks.
    /// - [`StartError::PathInUse`] if an election with this path runs on the session already.
    /// - [`StartError::SessionClosed`] if the session was closed.
    /// - [`StartError::NoRuntime`] if [`on_master`](Self::on_master) is set and this is called outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the election either was not started or ends by itself.
    pub async fn campaign(self, session: &Session) -> Result<Election, StartError> {
        self.start(session, true).await
    }

    /// Starts the election on the session's arbiter only to follow who is master, whichever strategy its candidates
    /// use: see [`Election::observe`] and [`Election::changes`].
    ///
    /// # Errors
    ///
    /// As [`campaign`](Self::campaign).
    pub async fn observe(self, session: &Session) -> Result<Election, StartError> {
        self.start(session, false).await
    }

    async fn start(self, session: &Session, campaign: bool) -> Result<Election, StartError> {
        let settings = self.check(campaign)?;
        let path = settings.config.path.clone();
        let held = session.held.clone();
        let arrival = Box::new(move |admission| ElectionActor::open(settings, admission, held));
        session.address.send(Admit { path, arrival }).await.unwrap_or(Err(StartError::SessionClosed))
    }

    /// The role of whoever has no role actor.
    fn work(&self) -> Result<Option<Work>, StartError> {
        match &self.on_master {
            Some(start) => {
                let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
                Ok(Some(Work::new(Some((Arc::clone(start), runtime)))))
            }
            None => Ok(self.without_role.then(|| Work::new(None))),
        }
    }

    fn check(self, campaign: bool) -> Result<ElectionSettings, StartError> {
        let mut problems = Vec::new();
        let path = ElectionPath::new(&self.path).map_err(|problem| problems.push(problem)).ok();
        let address = self.address.as_deref().map(Address::new).transpose();
        let address = address.map_err(|problem| problems.push(problem)).ok().flatten();
        // The other rules do not depend on the path: where it is unusable, any other shows what else is wrong.
        let stand_in =
            || ElectionPath::new("/election").map_err(|problem| StartError::Invalid(vec![problem]));
        let mut config = CandidateConfig::new(path.map_or_else(stand_in, Ok)?);
        config.address = address;
        config.strategy = match self.strategy {
            Strategy::Lock => actix_election_core::Strategy::Lock,
            Strategy::Queue => actix_election_core::Strategy::Queue(QueueId::from_random(rand::random())),
        };
        let set = |field: &mut Duration, value: Option<Duration>| *field = value.unwrap_or(*field);
        set(&mut config.step_down_timeout, self.step_down_timeout);
        set(&mut config.resign_pause, self.resign_pause);
        set(&mut config.failure_pause, self.failure_pause);
        set(&mut config.refused_retry, self.refused_retry);
        if let Err(invalid) = config.validate() {
            problems.extend(invalid.problems);
        }
        if problems.is_empty() {
            let work = self.work()?;
            Ok(ElectionSettings { config, roles: self.roles, work, watchdog: self.watchdog, campaign })
        } else {
            Err(StartError::Invalid(problems))
        }
    }
}

impl fmt::Debug for ElectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElectionBuilder")
            .field("path", &self.path)
            .field("strategy", &self.strategy)
            .field("address", &self.address)
            .field("roles", &self.roles.len())
            .field("on_master", &self.on_master.is_some())
            .field("without_role", &self.without_role)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let settings = Election::builder("master")
            .address("nowhere")
            .step_down_timeout(Duration::ZERO)
            .resign_pause(Duration::from_secs(9))
            .failure_pause(Duration::from_secs(2))
            .check(true);
        let Err(StartError::Invalid(problems)) = settings else { panic!("these settings cannot be used") };
        let named: Vec<_> = problems.iter().map(|problem| problem.value.as_str()).collect();
        assert_eq!(named, ["master", "nowhere", "0ns", "2s"]);
    }
}
