//! The watchdog: aborts the process rather than let code run on as master without a lease.

use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use actix_election_core::Timestamp;

use crate::clock;
use crate::lease::TermLease;

/// The longest that it sleeps while it watches: a wait does not count the time that the machine spends suspended.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How long it may take to say why the process is aborted. The lease is over, so it must not be long.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Watches the lease of the present term from a thread of its own.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Default)]
struct Watched {
    term: Option<Arc<TermLease>>,
    dropped: bool,
}

impl Watchdog {
    pub(super) fn start() -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let watching = Arc::clone(&shared);
        std::thread::Builder::new().name("election-watchdog".into()).spawn(move || watching.watch())?;
        Ok(Watchdog { shared })
    }

    /// From now on the end of this lease aborts the process.
    pub(super) fn arm(&self, term: Arc<TermLease>) {
        self.shared.change(|watched| watched.term = Some(term));
    }

    /// Every role has handled `BecameStandby`: the lease may end.
    pub(super) fn disarm(&self) {
        self.shared.change(|watched| watched.term = None);
    }

    /// The lease may just have been cut short or ended: look again.
    pub(super) fn look(&self) {
        self.shared.changed.notify_all();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.change(|watched| watched.dropped = true);
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Watched)) {
        change(&mut self.watched.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn watch(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // An election that is dropped while it is master leaves the watch standing: its roles know of nothing.
        while !(watched.dropped && watched.term.is_none()) {
            watched = match &watched.term {
                None => self.changed.wait(watched).unwrap_or_else(PoisonError::into_inner),
                Some(term) => {
                    let (now, until) = (clock::now(), term.until());
                    if now >= until {
                        abort(term, until);
                    }
                    let wait = self.changed.wait_timeout(watched, until.since(now).min(LONGEST_WAIT));
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[allow(clippy::print_stderr, reason = "nothing else is sure to be seen before the process is gone")]
fn abort(term: &TermLease, until: Timestamp) -> ! {
    let token = term.token();
    // On a thread that may hang: standard error may be a pipe that nobody reads, and others may keep it locked.
    let (said, heard) = mpsc::channel();
    let say = move || {
        eprintln!(
            "election watchdog: the lease of term {token} ended ({until:?}) before BecameStandby was handled"
        );
        let _ = said.send(());
    };
    if std::thread::Builder::new().spawn(say).is_ok() {
        // However that ends.
        let _ = heard.recv_timeout(LAST_WORDS);
    }
    std::process::abort()
}
