//! Settings of a session.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actix_election_core::{Invalid, SessionTimeout};
use tokio::sync::mpsc;

use super::auth::Auth;
use super::ending;
use super::ensemble::ConnectString;
use super::settings::SessionSettings;
use super::{Session, SessionActor, SessionBoard, system, thread};
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
    /// This is a trade-off: a crash is noticed after T, and an interruption of up to T/4 changes nothing. The server
    /// grants what its own limits allow, by default from 2 to 20 of its ticks; all other times follow from the timeout that
    /// it granted.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Authenticates every connection, for example with the scheme `digest` and the credentials `user:password`.
    /// May be called several times.
    ///
    /// Only these credentials have access to what an authenticated session creates (`CREATOR_ALL`); without
    /// credentials, everybody has.
    pub fn auth(mut self, scheme: &str, credentials: &str) -> Self {
        self.auth.push(Auth { scheme: scheme.to_owned(), credentials: credentials.to_owned() });
        self
    }

    /// The longest reply or event that is accepted from a server, in bytes: 8 MiB by default, from 1 MiB to 1 GiB.
    ///
    /// If a server sends a longer one, the connection is ended, and a [`Problem`](crate::Problem) says so. This is the
    /// counterpart of ZooKeeper's `jute.maxbuffer`, which Java clients use as well: raise it if the servers' setting is raised,
    /// or if a list of names is that long (about 60 bytes for each candidate of a queue).
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Starts the session, on threads of its own. Returns at once: the ensemble need not be reachable yet.
    ///
    /// It needs no runtime and no actix system. If there is a system on this thread, as in `#[actix::main]`, the session
    /// is part of that and ends with it. Otherwise, as in `#[tokio::main]`, it runs in a system that is started once for the
    /// process, on a thread of its own.
    ///
    /// # Errors
    ///
    /// - [`StartError::Invalid`] lists every setting that cannot be used, with the rule that it breaks.
    /// - [`StartError::Thread`], [`StartError::Runtime`] and [`StartError::Socket`] if the operating system refuses what
    ///   a session and one connection need: threads, or open files. If they run out later, a [`Problem`](crate::Problem) says so.
    pub fn start(self) -> Result<Session, StartError> {
        let settings = self.check()?;
        let (commands, thread_commands) = mpsc::unbounded_channel();
        let (thread_notices, notices) = mpsc::unbounded_channel();
        let timeout = settings.timeout;
        journal::ensure().map_err(StartError::Thread)?;
        let arbiter = system::start_arbiter()?;
        let (guard, end) = ending::new();
        thread::start(settings, thread_commands, thread_notices, guard).inspect_err(|_| {
            arbiter.stop();
        })?;
        let board = Arc::new(SessionBoard::of_new_session());
        let (own, shown) = (arbiter.clone(), Arc::clone(&board));
        let address = SessionActor::start_in_arbiter(&arbiter, move |_| {
            SessionActor::new(own, commands, notices, timeout, shown)
        });
        let session = Session::new(address, board, end);
        session.wait_at_exit();
        Ok(session)
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

impl fmt::Debug for SessionBuilder {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("connect", &self.connect)
            .field("session_timeout", &self.timeout)
            .field("max_frame_size", &self.max_frame)
            .finish_non_exhaustive()
    }
}
