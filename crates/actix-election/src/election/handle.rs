//! What users hold of an election.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Recipient};
use actix_election_core::{CandidateState, ElectionPath};
use futures::{Stream, StreamExt as _};
use tokio::sync::oneshot;

use super::actor::ElectionActor;
use super::messages::{AddRole, Campaign, Observe, Resign, Withdraw};
use super::status::ElectionBoard;
use super::{BecameMaster, BecameStandby, ElectionBuilder, Leadership, MasterChanged, Status};
use crate::session::{Held, Subscribe};
use crate::{Ended, Lease, Problem};

/// One election, in which this process competes or which it follows.
///
/// A handle: cheap to clone, and of use in every thread and runtime. What it tells, it tells at once and waits for nobody;
/// what it is asked to do is done in the order of the calls, soon after they return.
///
/// The election goes on for as long as somebody holds a handle of it (a [`Lease`] is none). When the last one is dropped, it
/// withdraws in order and ends, which the log says.
#[derive(Clone)]
#[must_use = "the election withdraws and ends when its last handle is dropped"]
pub struct Election {
    pub(super) address: Addr<ElectionActor>,
    pub(super) board: Arc<ElectionBoard>,
    /// Of the session.
    pub(super) _held: Held,
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
    /// # async fn example(session: Session, worker: Addr<Worker>) -> Result<(), actix_election::StartError> {
    /// let election = Election::builder("/master").address("10.0.0.7:8080").role(&worker).campaign(&session).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(path: &str) -> ElectionBuilder {
        ElectionBuilder::new(path)
    }

    /// The election path.
    pub fn path(&self) -> &ElectionPath {
        &self.board.path
    }

    /// Why this process is not master, and all else that is known.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// Who is master, as far as this process knows.
    pub fn leadership(&self) -> Leadership {
        self.board.board.read().value.leadership(self.board.clock.now())
    }

    /// The lease of this process, if it is master now.
    ///
    /// It is extended for as long as the term lasts: keep it, and ask [`Lease::is_valid`] before every step.
    pub fn lease(&self) -> Option<Lease> {
        self.board.lease().map(|term| Lease { term })
    }

    /// Waits until this process is master, in a term that is not about to end.
    ///
    /// It competes only with a role: [`on_master`](ElectionBuilder::on_master), an actor, or
    /// [`without_role`](ElectionBuilder::without_role).
    ///
    /// # Errors
    ///
    /// [`Ended`] if the session was closed: it never will be.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn until_master(&self) -> Result<Lease, Ended> {
        let mut shown = self.board.board.read();
        loop {
            if shown.value.facts.state == CandidateState::Master
                && let Some(lease) = self.lease()
            {
                return Ok(lease);
            }
            shown = self.board.board.after(shown.version).await.ok_or(Ended)?;
        }
    }

    /// Waits for the next change after this call, of anything in the [`Status`] but what only time changes.
    ///
    /// To miss nothing between two looks, call it before the first of them, or use [`changes`](Self::changes).
    ///
    /// # Errors
    ///
    /// [`Ended`] if nothing will change any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub fn changed(&self) -> impl Future<Output = Result<(), Ended>> + Send + '_ {
        let seen = self.board.board.read().version;
        async move { self.board.board.after(seen).await.map(|_| ()).ok_or(Ended) }
    }

    /// The status, now and on every change. Whoever is slow misses what came in between, and never the last.
    ///
    /// It ends when the election does, and keeps it no longer than its handles do.
    pub fn changes(&self) -> Changes {
        let seen: Option<u64> = None;
        let first = (Arc::clone(&self.board), seen);
        Changes(Box::pin(futures::stream::unfold(first, async |(board, seen)| {
            let shown = match seen {
                None => board.board.read(),
                Some(version) => board.board.after(version).await?,
            };
            Some((board.status(), (board, Some(shown.version))))
        })))
    }

    /// Adds a role actor. It is told its present state once, and takes part from then on.
    ///
    /// Every role of an election is told the same; a handover waits until all have handled it; and the death of one
    /// resigns.
    ///
    /// An actor plays one role. To add it again says that it was restarted, and what it had under way is lost: a master steps
    /// down ([`RoleFailed`](crate::StandbyReason::RoleFailed)) and competes again after the failure pause, a standby is told
    /// once more that it is standby. So an actor that adds itself in `Actor::started` may live under a
    /// [`Supervisor`](actix::Supervisor), which calls that again.
    pub fn add_role<A>(&self, role: &Addr<A>)
    where
        A: Actor + Handler<BecameMaster> + Handler<BecameStandby>,
        A::Context: ToEnvelope<A, BecameMaster> + ToEnvelope<A, BecameStandby>,
    {
        self.address.do_send(AddRole::new(role));
    }

    /// Sends [`MasterChanged`] to this recipient: at once if it is known who is master, and on every change, until the
    /// recipient's actor is gone.
    pub fn observe(&self, recipient: Recipient<MasterChanged>) {
        self.address.do_send(Observe(recipient));
    }

    /// Sends [`Problem`] to this recipient: what keeps this process from its part in the election, and somebody has to put
    /// right. At once if there is one, and until the recipient's actor is gone.
    pub fn report_problems(&self, recipient: Recipient<Problem>) {
        self.address.do_send(Subscribe(recipient));
    }

    /// Steps down in order if this process is master, and stays out for the resign pause so that another one wins;
    /// then competes again. To end one certain term and no later one, use [`Lease::resign`].
    pub fn resign(&self) {
        self.address.do_send(Resign { token: None });
    }

    /// Leaves the election: steps down in order if this process is master, and competes no more. It returns when the lock is
    /// released; while this process is cut off, that is when it is connected again or the session is over.
    ///
    /// The election goes on to follow who is master. [`campaign`](Self::campaign) enters it again; if that is called before
    /// this has returned, it returns at once.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the election is left even if the future is dropped.
    pub async fn withdraw(&self) {
        let (left, wait) = oneshot::channel();
        self.address.do_send(Withdraw(left));
        // Dropped if the election ends first, having left as well, or is entered again.
        let _ = wait.await;
    }

    /// Competes again after [`withdraw`](Self::withdraw), or makes a candidate of an observer.
    pub fn campaign(&self) {
        self.address.do_send(Campaign);
    }
}

impl fmt::Debug for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.board.board.read();
        f.debug_struct("Election")
            .field("path", &self.board.path.as_str())
            .field("state", &shown.value.facts.state)
            .field("leadership", &self.leadership())
            .finish_non_exhaustive()
    }
}

/// The changes of an election: see [`Election::changes`].
#[must_use = "streams do nothing unless polled"]
pub struct Changes(Pin<Box<dyn Stream<Item = Status> + Send>>);

impl Stream for Changes {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Status>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}
