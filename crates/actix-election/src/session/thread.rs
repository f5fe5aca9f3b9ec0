//! The session's thread: one connection after the other, until the session is closed.
//!
//! Each turn of [`SessionThread::run`] is one connection, on a runtime of its own. When the connection ends, the
//! runtime is dropped, and with it the client, its tasks and whatever was under way: only then is anybody notified.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_election_core::SessionInput;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};

use super::connection::{Connection, End};
use super::ensemble::{Search, Servers};
use super::hub::{HeldSession, Hub};
use super::link::{Command, Reporter, SessionNotice};
use super::settings::SessionSettings;
use crate::clock;

mod seeking;
mod starting;

pub(super) use starting::{probe_descriptors, runtime, start};

/// After how many useless connections in a row it is reported why. One or two may fall into the restart of a server.
const FAILURES_TO_REPORT: u32 = 3;

/// The thread's state: the hub, and what only the search for a server needs.
struct SessionThread {
    hub: Hub,
    search: Search,
    /// A session that was given up: it is closed before anything else is asked of the ensemble.
    given_up: Option<HeldSession>,
    /// Connections in a row that ended before they were of use.
    failures: u32,
}

impl SessionThread {
    fn new(
        settings: SessionSettings,
        commands: mpsc::UnboundedReceiver<Command>,
        notices: mpsc::UnboundedSender<SessionNotice>,
    ) -> Self {
        let reporter = Reporter::new(notices);
        let servers = Arc::new(Mutex::new(Servers::new(settings.ensemble.servers.clone())));
        let auth = settings.auth.clone().into();
        SessionThread {
            hub: Hub::new(settings, commands, reporter.clone()),
            search: Search { servers, auth, reporter, reported: Arc::default() },
            given_up: None,
            failures: 0,
        }
    }

    fn run(mut self, first: Runtime) {
        self.hub.report_start();
        let mut first = Some(first);
        loop {
            let runtime = match first.take().map_or_else(runtime, Ok) {
                Ok(runtime) => runtime,
                Err(error) => {
                    self.hub.report_problem(format!("cannot create a runtime for the connection: {error}"));
                    // Out of file descriptors, most likely: the only thing to wait for is time.
                    std::thread::sleep(Duration::from_millis(500));
                    if let Some(end) = self.no_runtime()
                        && self.finish_connection(end)
                    {
                        return;
                    }
                    continue;
                }
            };
            // Whatever panics here, the session is given up, and the elections hear of it.
            let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.one_connection())));
            let end = end.unwrap_or_else(|_| {
                self.hub
                    .report_problem("the session was given up: its thread panicked, which is a bug".into());
                End::Lost
            });
            // Not even for a lookup that hangs.
            runtime.shutdown_timeout(Duration::ZERO);
            if self.finish_connection(end) {
                return;
            }
        }
    }

    /// Does what can be done without a runtime: the world must not wait for one.
    fn no_runtime(&mut self) -> Option<End> {
        self.hub.take_commands_without_connection();
        self.hub.handle(clock::now(), SessionInput::Timer);
        self.end_without_connection()
    }

    async fn one_connection(&mut self) -> End {
        let attached = match self.find_server().await {
            Ok(attached) => attached,
            Err(end) => return end,
        };
        let began = clock::now();
        let address = attached.address;
        let timeout = attached.timeout;
        let end = Connection::serve(&mut self.hub, attached).await;
        if matches!(end, End::Lost) {
            self.hub.report_problem(format!(
                "the session was given up: within the session timeout of {:?}, nothing has proved that it is alive. \
                 Either the servers answer too slowly for that, or this process was stopped",
                timeout.span()
            ));
        }
        let now = clock::now();
        // One that ends at once, or on which nothing was ever proven, is like none at all: the next search begins
        // with a pause.
        let brief = now.since(began) < timeout.probe_interval();
        if brief || !self.hub.is_connected() {
            self.failures = self.failures.saturating_add(1);
            self.report_useless(address, &end);
        } else {
            self.failures = 0;
            *self.search.reported.lock().await = None;
        }
        if matches!(end, End::Detached(_) | End::Silent) {
            self.search.servers.lock().await.failed(address, now, matches!(end, End::Silent));
        }
        end
    }

    /// Says why a server that attaches the session is of no use, once that has happened a few times in a row.
    fn report_useless(&mut self, address: SocketAddr, end: &End) {
        let why = match end {
            End::Detached(why) => why.as_str(),
            End::Silent => "it answered no write: it may have lost its quorum, or be overloaded",
            End::Expired | End::Lost | End::ToClose | End::Closed => return,
        };
        if self.failures >= FAILURES_TO_REPORT {
            self.hub.report_problem(format!(
                "{address} accepts the session, but its connections are unusable: {why}"
            ));
        }
    }

    /// Tells everybody what the end of a connection means; returns whether the thread is done.
    fn finish_connection(&mut self, end: End) -> bool {
        let lost = match end {
            End::Detached(why) => {
                self.hub.report_detail(format!("connection ended: {why}"));
                self.hub.detached()
            }
            End::Silent => {
                self.hub.report_detail("the server is silent".into());
                self.hub.detached()
            }
            End::Expired => {
                self.hub.new_session();
                false
            }
            End::Lost => true,
            End::ToClose => {
                self.give_up();
                false
            }
            End::Closed => return true,
        };
        if lost {
            self.hub.count_short_lived();
            self.give_up();
            self.hub.new_session();
        }
        // A session that is over is as good as closed.
        self.hub.is_closing() && self.hub.session().is_none() && self.given_up.is_none()
    }

    fn give_up(&mut self) {
        self.given_up = self.hub.give_up().or(self.given_up);
    }
}
