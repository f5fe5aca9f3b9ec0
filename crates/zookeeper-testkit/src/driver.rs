//! The thread on which this crate waits.
//!
//! Real servers live in real time, while a test may run on a paused clock, on a runtime that it is about to drop, or
//! on one that it keeps busy. So whatever waits for a server runs on a runtime of its own, and callers only await the
//! result. The thread lives as long as the process, which also lets servers be tied to it (see
//! [`Process`](crate::launcher)).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Runs `future` on the driver's thread. Dropping the returned future aborts it.
///
/// Fails only where the thread could not be started.
pub(crate) async fn run<F>(future: F) -> io::Result<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match AbortOnDrop(handle()?.spawn(future)).await {
        Ok(output) => Ok(output),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(io::Error::other("the testkit's thread has gone")),
    }
}

/// A current-thread runtime in a thread of its own, driven until the process ends or `until` completes.
pub(crate) fn spawn_runtime<F>(name: &str, until: F) -> io::Result<(Handle, std::thread::JoinHandle<()>)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(until))?;
    Ok((handle, thread))
}

/// Asks `check` now and after every notice of `changed`. `None` once `after` of `runtime`'s time has passed.
pub(crate) async fn wait_until<T>(
    runtime: &Handle,
    mut changed: watch::Receiver<()>,
    after: Duration,
    mut check: impl FnMut() -> Option<T>,
) -> Option<T> {
    let (expire, mut expired) = oneshot::channel::<()>();
    let timer = runtime.spawn(async move {
        tokio::time::sleep(after).await;
        drop(expire);
    });
    let result = loop {
        changed.mark_unchanged();
        if let Some(value) = check() {
            break Some(value);
        }
        tokio::select! {
            _ = changed.changed() => {}
            _ = &mut expired => break check(),
        }
    };
    timer.abort();
    result
}

fn handle() -> io::Result<&'static Handle> {
    static DRIVER: OnceLock<Result<Handle, String>> = OnceLock::new();
    DRIVER
        .get_or_init(|| {
            spawn_runtime("zookeeper-testkit", std::future::pending())
                .map(|(handle, _)| handle)
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| io::Error::other(format!("the testkit's thread did not start: {error}")))
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
