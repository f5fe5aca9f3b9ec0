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
/// This is a handle: cheap to clone, and usable from any thread and runtime. Queries return at once, without waiting for
/// anybody; requests are carried out in the order of the calls, soon after they return.
///
/// The election runs as long as a handle to it exists (a [`Lease`] is not one). When the last handle is dropped, the election
/// withdraws in order and ends, and the log says so.
#[derive(Clone)]
#[must_use = "the election withdraws and ends when its last handle is dropped"]
pub struct Election {
    pub(super) address: Addr<ElectionActor>,
    pub(super) board: Arc<ElectionBoard>,
    /// Of the session.
    pub(super) _held: Held,
}

impl Election {
    /// Settings for an election at the znode `path`, such as `/master`.
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

    /// Why this process is not master, and everything else that is known about the election.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// Who is master, as far as this process knows.
    pub fn leadership(&self) -> Leadership {
        self.board.board.read().value.leadership(self.board.clock.now())
    }

    /// The lease of this process, if it is master now.
    ///
    /// It is extended for as long as the term lasts: keep it, and check [`Lease::is_valid`] before every step.
    pub fn lease(&self) -> Option<Lease> {
        self.board.lease().map(|term| Lease { term })
    }

    /// Waits until this process is master, in a term that is not about to end.
    ///
    /// A process competes only if it has a role: [`on_master`](ElectionBuilder::on_master), an actor, or
    /// [`without_role`](ElectionBuilder::without_role).
    ///
    /// # Errors
    ///
    /// [`Ended`] if the session was closed: this process will never be master.
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

    /// Waits for the next change after this call, of anything in the [`Status`] except what changes with time alone.
    ///
    /// To miss no change, call this before you read the status, or use [`changes`](Self::changes).
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

    /// The status, now and on every change. A slow reader misses intermediate states, but never the last one.
    ///
    /// The stream ends when the election does, and does not keep the election alive.
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

    /// Adds a role actor. It is told its current state once, and takes part from then on.
    ///
    /// All roles of an election are told the same, a handover waits until all have handled it, and if one of them dies, the
    /// election resigns.
    ///
    /// An actor plays one role. Adding it again means that it was restarted and that its work in progress is lost: a master
    /// steps down ([`RoleFailed`](crate::StandbyReason::RoleFailed)) and competes again after the failure pause, a standby is
    /// told once more that it is standby. So an actor that adds itself in `Actor::started` may run under a
    /// [`Supervisor`](actix::Supervisor), which calls `started` again.
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

    /// Sends [`Problem`] to this recipient: what keeps this process from taking part in the election and needs somebody to
    /// fix it. The first is sent at once if there is a problem already; this ends when the recipient's actor is gone.
    pub fn report_problems(&self, recipient: Recipient<Problem>) {
        self.address.do_send(Subscribe(recipient));
    }

    /// Steps down in order if this process is master, does not compete during the resign pause so that another process wins,
    /// and then competes again. To end one particular term and no later one, use [`Lease::resign`].
    pub fn resign(&self) {
        self.address.do_send(Resign { token: None });
    }

    /// Leaves the election: steps down in order if this process is master, and no longer competes. Returns when the lock is
    /// released; while this process is cut off, that is when it is connected again or the session is over.
    ///
    /// The election still follows who is master. [`campaign`](Self::campaign) enters it again; if that is called before
    /// `withdraw` has returned, `withdraw` returns at once.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the future takes effect even if it is dropped.
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
