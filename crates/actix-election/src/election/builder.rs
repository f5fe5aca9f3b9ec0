//! Settings of an election.

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix_election_core::{Address, CandidateConfig, ElectionPath, QueueId};

use super::{AddRole, BecameMaster, BecameStandby, Election};
use crate::session::OpenElection;
use crate::{Session, StartError};

/// Settings of an [`Election`], made by [`Election::builder`].
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
}

/// How the candidates of an election compete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// One ephemeral znode at the election path, which shows the master's address. Whoever creates it is master; when it
    /// goes, all others try again. Right for a few candidates.
    #[default]
    Lock,
    /// Ephemeral sequential znodes below the election path: first come, first served. Whoever resigns goes to the end,
    /// and a change wakes one candidate, however many wait. Java's `LeaderLatch` (Curator) can stand in the same queue.
    Queue,
}

/// Settings that have been checked.
pub(crate) struct ElectionSettings {
    pub(crate) config: CandidateConfig,
    pub(crate) roles: Vec<AddRole>,
    pub(crate) watchdog: bool,
    pub(crate) campaign: bool,
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
        }
    }

    /// How candidates compete: [`Strategy::Lock`] by default. All candidates of an election use the same strategy; one
    /// that uses the other stays standby, and says that the path is taken.
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

    /// Adds a role actor. More can be added later with [`AddRole`]; without a live role a candidate does not
    /// compete.
    ///
    /// # Under a supervisor
    ///
    /// A [`Supervisor`] gives an actor that stops a new context: the actor, its address and its mailbox stay, and what it had
    /// spawned is dropped. (One that panics is not restarted. It is dead.)
    ///
    /// Between messages **a restart cannot be seen from outside**, and a master whose work was dropped would stay master. So it
    /// ties its term to its context, by [`Lease::tie_to`](crate::Lease::tie_to) in its handler of [`BecameMaster`]; or it is
    /// added again whenever it is restarted (see [`AddRole`]). Then it is told [`BecameStandby`]
    /// ([`RoleFailed`](crate::StandbyReason::RoleFailed)), and competes again after the failure pause.
    ///
    /// A restart that drops the future of a handler is noticed without that: a master is told the same, and one that was
    /// handling [`BecameStandby`] is told once more and waited for, in what is left of the step-down timeout. (A
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

    /// How long the handlers of [`BecameStandby`] may take in an orderly handover: 3 s by default, from 1 ms to 1 h.
    /// After that the lock is released without their acknowledgement, the lease being over.
    pub fn step_down_timeout(mut self, timeout: Duration) -> Self {
        self.step_down_timeout = Some(timeout);
        self
    }

    /// How long a candidate that resigned stays out: 1 s by default, at most 1 h.
    pub fn resign_pause(mut self, pause: Duration) -> Self {
        self.resign_pause = Some(pause);
        self
    }

    /// How long a candidate stays out after one of its roles died, or was restarted as master: 5 s by default, at most
    /// 1 h, and not shorter than the pause after a resignation.
    pub fn failure_pause(mut self, pause: Duration) -> Self {
        self.failure_pause = Some(pause);
        self
    }

    /// How long it waits before it asks again for what the ensemble refused, by an ACL for example: 5 s by default,
    /// from 10 ms to 1 h.
    pub fn refused_retry(mut self, pause: Duration) -> Self {
        self.refused_retry = Some(pause);
        self
    }

    /// Aborts the process if a lease ends before [`BecameStandby`] is handled by every role of the election.
    ///
    /// For those who would rather lose the process than have code run on as master: the lease itself cannot stop
    /// code that is running. A thread of its own watches the clock, so that it also acts right after a pause of
    /// the process. Off by default.
    ///
    /// To stop the actix system while this process is master ends the lease too: [`Close`](crate::Close) the
    /// session before.
    pub fn watchdog(mut self, on: bool) -> Self {
        self.watchdog = on;
        self
    }

    /// Starts the election on the session's arbiter, and competes in it.
    ///
    /// This waits for the actor to start, not for the ensemble. Of many elections, start all before you wait for any:
    ///
    /// ```no_run
    /// # use actix_election::prelude::*;
    /// # use actix_election::StartError;
    /// # async fn example<R>(session: Addr<Session>, role: Addr<R>) -> Result<(), StartError>
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
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the election either was not started or ends again by itself.
    pub async fn campaign(self, session: &Addr<Session>) -> Result<Addr<Election>, StartError> {
        self.start(session, true).await
    }

    /// Starts the election on the session's arbiter only to follow who is master, whichever strategy its candidates
    /// use: see [`Observe`](crate::Observe).
    ///
    /// # Errors
    ///
    /// As [`campaign`](Self::campaign).
    pub async fn observe(self, session: &Addr<Session>) -> Result<Addr<Election>, StartError> {
        self.start(session, false).await
    }

    async fn start(self, session: &Addr<Session>, campaign: bool) -> Result<Addr<Election>, StartError> {
        let settings = self.check(campaign)?;
        session.send(OpenElection(settings)).await.unwrap_or(Err(StartError::SessionClosed))
    }

    fn check(self, campaign: bool) -> Result<ElectionSettings, StartError> {
        let mut problems = Vec::new();
        let path = ElectionPath::new(&self.path).map_err(|problem| problems.push(problem)).ok();
        let address = self.address.map(|address| Address::new(&address)).transpose();
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
            Ok(ElectionSettings { config, roles: self.roles, watchdog: self.watchdog, campaign })
        } else {
            Err(StartError::Invalid(problems))
        }
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
