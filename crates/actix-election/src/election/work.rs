//! The role of whoever writes no role actor: a future for each term, or nothing at all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinError};

use super::{BecameMaster, BecameStandby};
use crate::Lease;
use crate::journal::journal;

/// Starts the work of a term.
pub(super) type Start = Arc<dyn Fn(Lease) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A role that does its work elsewhere. It lives on the session's arbiter.
pub(super) struct Work {
    /// What is run for each term, and where; `None` for a role that has nothing to do, and so nothing to stop.
    task: Option<(Start, Handle)>,
    running: Option<Running>,
}

/// The work of the present term.
struct Running {
    abort: AbortHandle,
    /// Told once the future is dropped.
    dropped: oneshot::Receiver<()>,
}

impl Work {
    pub(super) fn new(task: Option<(Start, Handle)>) -> Self {
        Work { task, running: None }
    }

    /// Nobody has asked for that: what comes of it?
    fn ended(lease: &Lease, outcome: Result<(), JoinError>, ctx: &mut Context<Self>) {
        match outcome {
            // Its work is done.
            Ok(()) => lease.resign(),
            Err(error) if error.is_panic() => {
                let token = lease.token().as_i64();
                journal!(WARN, token, "the future of on_master has panicked");
                lease.term.cut_tie();
            }
            // Its runtime has ended, and no other work can be done in it: a role that is dead.
            Err(_) => ctx.stop(),
        }
    }
}

impl Actor for Work {
    type Context = Context<Self>;
}

impl Drop for Work {
    /// The session is over, or its thread is: so is the lease.
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort.abort();
        }
    }
}

impl Handler<BecameMaster> for Work {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, ctx: &mut Context<Self>) {
        let Some((start, runtime)) = &self.task else { return };
        let (start, given) = (Arc::clone(start), lease.clone());
        // In the task from the first call on, so that a panic of the closure is one of the task.
        let task = runtime.spawn(async move { start(given).await });
        let (tell, dropped) = oneshot::channel();
        self.running = Some(Running { abort: task.abort_handle(), dropped });
        ctx.spawn(task.into_actor(self).map(move |outcome, this, ctx| {
            let _ = tell.send(());
            if this.running.is_some() {
                Self::ended(&lease, outcome, ctx);
            }
        }));
    }
}

impl Handler<BecameStandby> for Work {
    type Result = ResponseFuture<()>;

    /// Handled once the future is dropped: the lock is not released before, within the bounds of any handover.
    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) -> Self::Result {
        let running = self.running.take();
        Box::pin(async move {
            if let Some(Running { abort, dropped }) = running {
                abort.abort();
                let _ = dropped.await;
            }
        })
    }
}
