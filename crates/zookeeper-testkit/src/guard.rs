//! A fault in force, as a value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::driver;
use crate::faults::{FaultId, TimedOut};

/// What faults are in force on: the in-process server, or the proxy.
pub(crate) trait Site: Send + Sync {
    /// What can be wrong there.
    type Kind;

    fn begin(&self, kind: &Self::Kind) -> FaultId;

    fn end(&self, id: FaultId, kind: &Self::Kind);

    /// The connection that a fault has struck.
    fn met(&self, id: FaultId) -> Option<u64>;

    /// Notified with whatever somebody may wait for.
    fn changes(&self) -> watch::Receiver<()>;

    /// What is seen there now, in a line.
    fn seen(&self) -> String;
}

/// Asks `check` now and after everything that happens. The deadline runs on `runtime`'s clock.
pub(crate) async fn wait<T>(
    site: &(impl Site + ?Sized),
    runtime: &Handle,
    after: Duration,
    check: impl FnMut() -> Option<T>,
) -> Result<T, TimedOut> {
    driver::wait_until(runtime, site.changes(), after, check)
        .await
        .ok_or_else(|| TimedOut { after, seen: site.seen() })
}

/// A fault that is in force until this value is dropped. What it kept is delivered then.
///
/// [`Fault`](crate::Fault) and [`ServerFault`](crate::ServerFault) are the two that there are. One that nobody keeps would
/// be over at once, and is warned of:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// fn refuse(server: &zookeeper_testkit::TestServer) {
///     server.refuse(0);
/// }
/// ```
#[must_use = "a fault ends when its value is dropped"]
pub struct FaultGuard<K> {
    id: FaultId,
    kind: K,
    site: Arc<dyn Site<Kind = K>>,
    runtime: Handle,
}

impl<K> FaultGuard<K> {
    pub(crate) fn begin(kind: K, site: Arc<dyn Site<Kind = K>>, runtime: Handle) -> Self {
        Self { id: site.begin(&kind), kind, site, runtime }
    }

    /// What is wrong.
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// The first connection that a fault on replies or requests has struck, if it has. `None` for other kinds.
    pub fn met(&self) -> Option<u64> {
        self.site.met(self.id)
    }

    /// Returns once a fault on replies or requests has struck for the first time. Where it is a reply that is lost, held
    /// or replaced, the request has been carried out by then.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] after `deadline` of real time, and always so for other kinds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_until_met(&self, deadline: Duration) -> Result<u64, TimedOut> {
        wait(&*self.site, &self.runtime, deadline, || self.met()).await
    }

    /// Ends the fault. The same as dropping it.
    pub fn end(self) {}
}

impl<K> Drop for FaultGuard<K> {
    fn drop(&mut self) {
        self.site.end(self.id, &self.kind);
    }
}

impl<K: fmt::Display> fmt::Display for FaultGuard<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)
    }
}

impl<K: fmt::Display> fmt::Debug for FaultGuard<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fault({})", self.kind)
    }
}
