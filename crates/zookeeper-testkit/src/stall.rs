//! Tests that can only pass where the machine runs.
//!
//! A test with real time in it counts on processes being served: a server that answers within a part of the session
//! timeout, a client that asks in time. Where they are not, it fails, and nobody is to blame.
//! [`when_the_machine_runs`] notices that and has the test repeated.
//!
//! What is noticed is how long a thread takes for work that needs 5 ms of a processor. A thread that mostly sleeps is no
//! measure of what others suffer, since schedulers let whoever has slept go first. On two busy processors, beside ten
//! processes that only work, it woke 10 to 39 ms late and got 0.5 ms of work done at once; 5 ms of work were late by 84 ms,
//! 10 ms by 210 ms (medians; another time 104 and 233 ms, and 2 s at most), which is what a server just started has to live
//! with. A machine that stands still as a whole is noticed either way. The pressure that Linux tells of
//! (`/proc/pressure/cpu`) is no measure: it says that somebody had to wait, and is near 100 % where three threads share two
//! processors.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Some slices of a scheduler long, so that it has to compete for them.
const WORK: Duration = Duration::from_millis(5);
/// Together with the work: a twentieth of the two processors that the smallest machines have.
const PAUSE: Duration = Duration::from_millis(45);
/// How often a test is tried at most.
const ATTEMPTS: u32 = 5;

/// Runs the body of a test, and again if it panics and the machine stalled meanwhile: if work of 5 ms was done later than it
/// should by more than `tolerates`. The body is given the number of the attempt, from 1, and is dropped before the next.
///
/// A body that passes has passed, and one that fails on a machine that runs has failed. What is a failure on any machine
/// is told by [`fail_on_any_machine`].
///
/// # Panics
///
/// As the body does, if the machine ran; or if the fifth attempt failed and the machine stalled in each.
pub async fn when_the_machine_runs(tolerates: Duration, body: impl AsyncFnMut(u32)) {
    repeat(tolerates, Watch::start, Watch::end, body).await;
}

/// Fails a test that is not to be repeated, however much the machine stalled.
///
/// # Panics
///
/// Always, and the message is on standard error.
#[track_caller]
pub fn fail_on_any_machine(message: &str) -> ! {
    say(message);
    panic_any(OnAnyMachine);
}

/// What [`fail_on_any_machine`] panics with.
struct OnAnyMachine;

async fn repeat<W>(
    tolerates: Duration,
    watch: impl Fn() -> W,
    longest_stall: impl Fn(W) -> Duration,
    mut body: impl AsyncFnMut(u32),
) {
    for attempt in 1..=ATTEMPTS {
        let watched = watch();
        let outcome = caught(body(attempt)).await;
        let stall = longest_stall(watched);
        let Err(panic) = outcome else { return };
        if stall <= tolerates || panic.is::<OnAnyMachine>() {
            resume_unwind(panic);
        }
        say(&format!(
            "attempt {attempt} of {ATTEMPTS} failed on a machine that stalled for {stall:?}; the test tolerates {tolerates:?}"
        ));
    }
    panic!("the machine never ran for as long as the test needs: all {ATTEMPTS} attempts failed, see above");
}

/// The body's end or its panic. What it held is gone by then.
async fn caught(body: impl Future<Output = ()>) -> Result<(), Box<dyn Any + Send>> {
    let mut body = Box::pin(body);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// A thread that works now and then, and notes by how much it is late at most.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Watch {
    fn start() -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !seen.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(PAUSE);
                work();
                longest = longest.max(begun.elapsed().saturating_sub(PAUSE + WORK));
            }
            longest
        });
        Watch { over, thread }
    }

    /// The longest stall, one that is still going on included.
    fn end(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn work() {
    let spent = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or(Duration::MAX);
    let end = spent().saturating_add(WORK);
    while spent() < end {}
}

#[allow(clippy::print_stderr, reason = "for whoever reads what the test says")]
fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const TOLERATES: Duration = Duration::from_millis(100);

    /// Runs a body on a machine that stalls for so long, and returns what the test panicked with, if it did, and the number
    /// of attempts.
    async fn run(stall: Duration, mut body: impl FnMut(u32)) -> (Option<String>, u32) {
        let attempts = Cell::new(0);
        let repeated = repeat(
            TOLERATES,
            || (),
            |()| stall,
            async |attempt| {
                attempts.set(attempt);
                body(attempt);
            },
        );
        let panic = caught(repeated).await.err();
        let message = panic.map(|panic| match panic.downcast_ref::<&str>() {
            Some(message) => message.to_string(),
            None => panic.downcast_ref().cloned().unwrap_or_else(|| {
                assert!(panic.is::<OnAnyMachine>());
                "on any machine".to_owned()
            }),
        });
        (message, attempts.get())
    }

    #[tokio::test]
    async fn a_failure_without_a_stall_is_one_at_once() {
        assert_eq!(run(TOLERATES, |_| panic!("late")).await, (Some("late".to_owned()), 1));
    }

    #[tokio::test]
    async fn a_failure_with_a_stall_is_repeated() {
        assert_eq!(run(2 * TOLERATES, |attempt| assert!(attempt > 2)).await, (None, 3));
    }

    #[tokio::test]
    async fn a_machine_that_always_stalls_is_named() {
        let (message, attempts) = run(2 * TOLERATES, |_| panic!("late")).await;
        assert!(message.unwrap().contains("never ran for as long as the test needs"));
        assert_eq!(attempts, ATTEMPTS);
    }

    #[tokio::test]
    async fn what_passes_has_passed() {
        assert_eq!(run(2 * TOLERATES, |_| {}).await, (None, 1));
    }

    #[tokio::test]
    async fn what_no_stall_excuses_is_not_repeated() {
        let failed = run(2 * TOLERATES, |_| fail_on_any_machine("two masters")).await;
        assert_eq!(failed, (Some("on any machine".to_owned()), 1));
    }

    #[tokio::test]
    async fn a_body_has_put_its_things_away_before_it_is_repeated() {
        struct Server<'a>(&'a Cell<u32>);
        impl Drop for Server<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        let (running, most) = (Cell::new(0), Cell::new(0));
        let body = async |attempt| {
            running.set(running.get() + 1);
            most.set(running.get().max(most.get()));
            let _server = Server(&running);
            tokio::task::yield_now().await;
            assert_eq!(attempt, 3);
        };
        repeat(TOLERATES, || (), |()| 2 * TOLERATES, body).await;
        assert_eq!((running.get(), most.get()), (0, 1));
    }

    /// Somebody waits as soon as there are more who work than processors.
    #[test]
    fn a_crowd_is_noticed() {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 * thread::available_parallelism().unwrap().get() {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut noticed = Duration::ZERO;
            while noticed < WORK && Instant::now() < deadline {
                let watch = Watch::start();
                thread::sleep(10 * PAUSE);
                noticed = watch.end();
            }
            over.store(true, Ordering::Relaxed);
            assert!(noticed >= WORK, "{noticed:?}");
        });
    }
}
