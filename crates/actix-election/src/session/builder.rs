//! Settings of a session.

use std::time::Duration;

use actix::{Actor, Addr};
use actix_election_core::{Invalid, SessionTimeout};
use actix_rt::{Arbiter, ArbiterHandle, System};
use tokio::sync::mpsc;

use super::Session;
use super::auth::Auth;
use super::ensemble::ConnectString;
use super::settings::SessionSettings;
use super::thread;
use crate::{StartError, journal};

/// Settings of a [`Session`], made by [`Session::builder`].
#[derive(Clone)]
#[must_use = "a session is not started before `start`"]
pub struct SessionBuilder {
    connect: String,
    timeout: Duration,
    auth: Vec<Auth>,
    max_frame: usize,
}

/// The longest frame that is taken unless it is set: far above what a server that is left at its default of 1 MB can send, far
/// below what would hurt.
pub(super) const MAX_FRAME: usize = 8 << 20;

impl SessionBuilder {
    pub(super) fn new(connect: &str) -> Self {
        SessionBuilder {
            connect: connect.to_owned(),
            timeout: Duration::from_secs(10),
            auth: Vec::new(),
            max_frame: MAX_FRAME,
        }
    }

    /// The session timeout T to ask for: 10 s by default, from 1 s to 1 h.
    ///
    /// A crash is noticed after T, and an interruption of up to T/4 changes nothing: this is the trade. The server
    /// grants what its own limits allow, by default from 2 to 20 of its ticks; everything then goes by what it
    /// granted.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Authenticates every connection, for example with the scheme `digest` and the credentials `user:password`.
    /// May be called several times.
    ///
    /// What an authenticated session creates, only its own credentials may use (`CREATOR_ALL`); without
    /// credentials it is open to everybody.
    pub fn auth(mut self, scheme: &str, credentials: &str) -> Self {
        self.auth.push(Auth { scheme: scheme.to_owned(), credentials: credentials.to_owned() });
        self
    }

    /// The longest reply or event of a server that is taken, in bytes: 8 MiB by default, from 1 MiB to 1 GiB.
    ///
    /// A server that sends more loses the connection, and a [`Problem`](crate::Problem) says so. It is the counterpart of
    /// ZooKeeper's `jute.maxbuffer`, which clients in Java read as well: raise it where the servers' is raised, or where a
    /// list of names is that long (some 60 bytes for each candidate of a queue).
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Starts the session actor on an arbiter of its own, and the thread that holds the session. Returns at once:
    /// the ensemble need not be there yet.
    ///
    /// # Errors
    ///
    /// - [`StartError::Invalid`] lists every setting that cannot be used, with the rule that it breaks.
    /// - [`StartError::NoSystem`] outside an actix system.
    /// - [`StartError::Thread`], [`StartError::Runtime`] and [`StartError::Socket`] if the operating system does not give what
    ///   a session and one connection of it need: threads, or open files. What runs out later is a [`Problem`](crate::Problem).
    pub fn start(self) -> Result<Addr<Session>, StartError> {
        let settings = self.check()?;
        if !System::is_registered() {
            return Err(StartError::NoSystem);
        }
        let (commands, thread_commands) = mpsc::unbounded_channel();
        let (thread_notices, notices) = mpsc::unbounded_channel();
        let timeout = settings.timeout;
        journal::ensure().map_err(StartError::Thread)?;
        let arbiter = start_arbiter()?;
        thread::start(settings, thread_commands, thread_notices).inspect_err(|_| {
            arbiter.stop();
        })?;
        let own = arbiter.clone();
        Ok(Session::start_in_arbiter(&arbiter, move |_| Session::new(own, commands, notices, timeout)))
    }

    fn check(self) -> Result<SessionSettings, StartError> {
        let mut problems = Vec::new();
        let ensemble = ConnectString::parse(&self.connect).map_err(|problem| problems.push(problem)).ok();
        let longest = Duration::from_secs(3600);
        if !(SessionTimeout::MIN..=longest).contains(&self.timeout) {
            problems.push(Invalid {
                what: "session timeout",
                value: format!("{:?}", self.timeout),
                rule: "it must be from 1s to 1h",
            });
        }
        if !(1 << 20..=1 << 30).contains(&self.max_frame) {
            problems.push(Invalid {
                what: "max_frame_size",
                value: self.max_frame.to_string(),
                rule: "it must be from 1048576 to 1073741824 bytes (1 MiB to 1 GiB)",
            });
        }
        for auth in &self.auth {
            // The credentials are a secret: they are never shown.
            if auth.scheme.is_empty() || !auth.scheme.chars().all(|c| c.is_ascii_alphanumeric()) {
                let rule = "it must be a word such as digest";
                // Whoever mixed the two up would see the secret here.
                let value = "(not shown)".into();
                problems.push(Invalid { what: "authentication scheme", value, rule });
            }
            if auth.scheme == "digest" && !auth.credentials.contains(':') {
                let rule = "for digest they must be user:password";
                problems.push(Invalid { what: "credentials", value: "(not shown)".into(), rule });
            }
        }
        match ensemble {
            Some(ensemble) if problems.is_empty() => Ok(SessionSettings {
                ensemble,
                timeout: self.timeout,
                auth: self.auth,
                max_frame: self.max_frame,
            }),
            _ => Err(StartError::Invalid(problems)),
        }
    }
}

/// A thread with a runtime for actors.
fn start_arbiter() -> Result<ArbiterHandle, StartError> {
    let (began, has_begun) = std::sync::mpsc::channel();
    let arbiter = Arbiter::try_with_tokio_rt(move || {
        // Nobody waits for it: it is looked at later.
        let _ = began.send(());
        thread::runtime()
    });
    arbiter.map(|arbiter| arbiter.handle()).map_err(|error| match has_begun.try_recv() {
        Ok(()) => StartError::Runtime(error),
        Err(_) => StartError::Thread(error),
    })
}
