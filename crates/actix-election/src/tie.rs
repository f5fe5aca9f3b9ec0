//! Notices that the context in which a master works has ended before its term.
//!
//! Nothing outside an actor shows that its supervisor has restarted it: the address, the mailbox and the actor itself are the
//! same, and what was handled is handled. But a restart drops what was spawned into the context, so something that lives
//! there sees it.

use std::sync::Arc;

use actix::fut::wrap_future;
use actix::prelude::*;

use crate::Lease;
use crate::lease::TermLease;

/// Lives in a context, and cuts the tie when it is dropped.
struct Knot(Arc<TermLease>);

impl Drop for Knot {
    fn drop(&mut self) {
        self.0.cut_tie();
    }
}

impl Lease {
    /// Ties this term to the context of the actor that does the master's work. If the context ends before the term does, the
    /// term ends as it does when a role dies: in order, and with a pause
    /// ([`RoleFailed`](crate::StandbyReason::RoleFailed)).
    ///
    /// Call it in the handler of [`BecameMaster`](crate::BecameMaster) if the actor may be restarted by a [`Supervisor`]. A
    /// restart drops the actor's timers, streams and futures, and the election **cannot see it** without this: the process
    /// would stay master, with nobody at work.
    ///
    /// ```
    /// # use actix_election::prelude::*;
    /// # struct Worker;
    /// # impl Actor for Worker {
    /// #     type Context = Context<Self>;
    /// # }
    /// impl Supervised for Worker {}
    ///
    /// impl Handler<BecameMaster> for Worker {
    ///     type Result = ();
    ///     fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, ctx: &mut Context<Self>) {
    ///         lease.tie_to(ctx);
    ///         // And to work, with whatever lives in this context.
    ///     }
    /// }
    /// ```
    ///
    /// A restart ends the term, rather than telling the actor once more that it is master, for two reasons: what the actor
    /// began as master may go on outside its context, and only [`BecameStandby`](crate::BecameStandby) puts an end to that;
    /// and an actor that fails each time it begins would keep the work from all other processes.
    ///
    /// The context may be that of another actor, to which the role passes the work. Once the term is over, a restart has no
    /// effect on it.
    pub fn tie_to<A, C>(&self, ctx: &mut C)
    where
        A: Actor<Context = C>,
        C: AsyncContext<A>,
    {
        let knot = Knot(Arc::clone(&self.term));
        ctx.spawn(wrap_future::<_, A>(async move {
            // Not longer, lest it keep alive an actor that nobody needs any more.
            knot.0.wait_over().await;
        }));
    }
}
