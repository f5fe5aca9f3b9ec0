//! The session's thread against real servers, and proxies in front of them that misbehave in just one way.
//!
//! [`properties`] proves what the adapter must deliver whatever client crate is inside, and [`client_crate`] pins
//! the facts about the present one that the rest leans on.

mod client_crate;
mod fake;
mod links;
mod properties;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_election_core::{
    OpId, Operation, Reply, SessionId, SessionState, SessionTimeout, Stat, Timestamp, WatchEvent, Znode,
};
use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::auth::Auth;
use super::builder::MAX_FRAME;
use super::ensemble::ConnectString;
use super::link::{
    Command, ConnectionId, LinkId, Notice, NoticeSender, Notices, Request, SessionNotice, notice_channel,
};
use super::settings::SessionSettings;
use super::thread;
use crate::clock;
use crate::lease::SessionLease;

/// How long a test waits for what has to happen: long enough for any machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A session thread, and one user of it.
struct Rig {
    commands: mpsc::UnboundedSender<Command>,
    states: mpsc::UnboundedReceiver<SessionNotice>,
    notices: Notices,
    last_op: u64,
    connection: ConnectionId,
}

/// What a user of a session is told when it is connected.
struct Up {
    session: SessionId,
    timeout: SessionTimeout,
    lease: Arc<SessionLease>,
}

const ME: LinkId = LinkId(1);

impl Rig {
    /// A session with one user, who is a candidate.
    fn start(connect: &str, session_timeout: Duration) -> Rig {
        let rig = Rig::observer(connect, session_timeout, Vec::new());
        rig.commands.send(Command::Candidate(ME, true)).unwrap();
        rig
    }

    /// A session with one user, who is no candidate: its lease goes by the attach and one probe alone.
    fn observer(connect: &str, session_timeout: Duration, auth: Vec<Auth>) -> Rig {
        let ensemble = ConnectString::parse(connect).unwrap();
        Rig::with(SessionSettings { ensemble, timeout: session_timeout, auth, max_frame: MAX_FRAME })
    }

    fn with(settings: SessionSettings) -> Rig {
        let (commands, thread_commands) = mpsc::unbounded_channel();
        let (thread_notices, states) = mpsc::unbounded_channel();
        thread::start(settings, thread_commands, thread_notices, super::ending::new().0).unwrap();
        let (mine, notices) = notice_channel();
        commands.send(Command::Join(ME, mine)).unwrap();
        Rig { commands, states, notices, last_op: 0, connection: ConnectionId::default() }
    }

    async fn notice(&mut self) -> Notice {
        let notice = timeout(TEST_TIMEOUT, self.notices.next())
            .await
            .expect("a notice in time")
            .expect("a live thread");
        if let Notice::Connected { connection, .. } = &notice {
            self.connection = *connection;
        }
        notice
    }

    /// Waits until the session is connected, whatever comes before.
    async fn connected(&mut self) -> Up {
        loop {
            if let Notice::Connected { session, timeout, lease, .. } = self.notice().await {
                return Up { session, timeout, lease };
            }
        }
    }

    /// The next notice must say that the session is connected on another connection.
    async fn reconnected(&mut self) -> Up {
        assert!(matches!(self.notice().await, Notice::Disconnected), "the connection is reported as gone");
        match self.notice().await {
            Notice::Connected { session, timeout, lease, .. } => Up { session, timeout, lease },
            other => self.unexpected(&other, "between two connections"),
        }
    }

    async fn disconnected(&mut self) {
        while !matches!(self.notice().await, Notice::Disconnected) {}
    }

    async fn lost(&mut self) {
        while !matches!(self.notice().await, Notice::SessionLost) {}
    }

    fn send(&mut self, operation: Operation) -> OpId {
        self.send_on(self.connection, operation)
    }

    fn send_on(&mut self, connection: ConnectionId, operation: Operation) -> OpId {
        self.last_op += 1;
        let op = OpId(self.last_op);
        self.commands.send(Command::Request(ME, connection, op, Request::Election(operation))).unwrap();
        op
    }

    async fn ask(&mut self, operation: Operation) -> Reply {
        let op = self.send(operation);
        match self.notice().await {
            Notice::Answered(answered, reply) if answered == op => reply,
            other => self.unexpected(&other, "before the answer"),
        }
    }

    /// The answer to a request that is made again on the next connection whenever one ends before it. The session must not end.
    async fn ask_on_any_connection(&mut self, operation: Operation) -> Reply {
        let mut op = self.send(operation.clone());
        loop {
            match self.notice().await {
                Notice::Answered(answered, reply) if answered == op && reply != Reply::Unknown => {
                    return reply;
                }
                Notice::Answered(..) | Notice::Disconnected => {}
                Notice::Connected { .. } => op = self.send(operation.clone()),
                other => self.unexpected(&other, "before the answer"),
            }
        }
    }

    /// Creates a node, which must succeed.
    async fn create(&mut self, path: &str) -> Stat {
        match self.ask(create(path)).await {
            Reply::Created(stat) => stat,
            other => panic!("{path} is not created: {other:?}"),
        }
    }

    /// Reads a node, which must be there.
    async fn read(&mut self, path: &str) -> Znode {
        match self.ask(read(path)).await {
            Reply::Found(node) => node,
            other => panic!("{path} is not found: {other:?}"),
        }
    }

    async fn event(&mut self, armed_by: OpId) -> WatchEvent {
        match self.notice().await {
            Notice::WatchFired(op, event) if op == armed_by => event,
            other => self.unexpected(&other, "before the event"),
        }
    }

    /// Fails the test, and says what the session's thread has said that nobody has read.
    #[track_caller]
    fn unexpected(&mut self, notice: &Notice, when: &str) -> ! {
        let name = match notice {
            Notice::Connected { session, .. } => format!("a connection of the session {session:?}"),
            Notice::Disconnected => "the end of the connection".into(),
            Notice::SessionLost => "the end of the session".into(),
            Notice::Answered(op, reply) => format!("the answer to {op:?}, {reply:?},"),
            Notice::WatchFired(op, event) => format!("the event of {op:?}, {event:?},"),
        };
        let said: Vec<_> = std::iter::from_fn(|| self.states.try_recv().ok()).collect();
        panic!("{name} came {when}; the thread said {said:#?}")
    }

    /// The next problem, whatever states come before.
    async fn problem(&mut self) -> String {
        loop {
            if let SessionNotice::Problem(text) = self.session_notice().await {
                return text;
            }
        }
    }

    async fn state(&mut self) -> SessionState {
        loop {
            if let SessionNotice::State(state) = self.session_notice().await {
                return state;
            }
        }
    }

    async fn session_notice(&mut self) -> SessionNotice {
        timeout(TEST_TIMEOUT, self.states.recv()).await.expect("a notice in time").expect("a live thread")
    }

    fn start_to_close(&self) -> oneshot::Receiver<()> {
        let (done, closed) = oneshot::channel();
        self.commands.send(Command::Close(done)).unwrap();
        closed
    }

    async fn close(mut self) {
        let closed = self.start_to_close();
        timeout(TEST_TIMEOUT, closed).await.expect("closed in time").expect("an answer");
        while self.state().await != SessionState::Closed {}
    }

    /// Waits until the thread has ended.
    async fn ended(&mut self) {
        while timeout(TEST_TIMEOUT, self.states.recv()).await.expect("an end in time").is_some() {}
    }
}

impl Up {
    /// How much of the lease is left.
    fn remaining(&self) -> Duration {
        self.lease.until().map_or(Duration::ZERO, |until| until.since(clock::now()))
    }
}

fn create(path: &str) -> Operation {
    Operation::Create { path: path.into(), data: b"here:1".to_vec() }
}

fn read(path: &str) -> Operation {
    Operation::Read { path: path.into(), watch: false }
}

fn watch(path: &str) -> Operation {
    Operation::Read { path: path.into(), watch: true }
}

fn exists(path: &str) -> Operation {
    Operation::Exists { path: path.into() }
}

fn list(path: &str) -> Operation {
    Operation::Children { path: path.into(), watch: false }
}

fn digest(credentials: &str) -> Vec<Auth> {
    vec![Auth { scheme: "digest".into(), credentials: credentials.into() }]
}

/// What the clock of leases read at `instant`.
fn reading(instant: Instant) -> Timestamp {
    clock::now() - instant.elapsed()
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
