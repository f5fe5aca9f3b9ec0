//! A real server for all tests of a binary, and a role actor that records what it handles.

#![allow(dead_code, reason = "no binary uses all of it")]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_election::prelude::*;
use tokio::sync::{OnceCell, mpsc, watch};
use zookeeper_testkit::wire::RawClient;
use zookeeper_testkit::{Ensemble, four_letter};

/// The session timeout where none is under test: the longest that the server grants.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// How long a test waits for what has to happen: long enough for any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The server. It ends with the test's process, being tied to it.
pub(crate) async fn server() -> SocketAddr {
    static SERVER: OnceCell<Ensemble> = OnceCell::const_new();
    let start = || async { Ensemble::builder().max_session_timeout(LONG).start().await.unwrap() };
    SERVER.get_or_init(start).await.server(0).address()
}

/// A path of this test's own.
pub(crate) fn path(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A client of the test's own.
pub(crate) async fn client() -> RawClient {
    RawClient::connect(server().await, LONG, None).await.unwrap()
}

/// The session that holds the lock at `path`, if any.
pub(crate) async fn holder(path: &str) -> Option<i64> {
    let ephemerals = four_letter::ephemerals(server().await).await.unwrap();
    ephemerals.into_iter().find(|(_, paths)| paths.contains(path)).map(|(session, _)| session)
}

pub(crate) fn session(server: SocketAddr, timeout: Duration) -> Session {
    Session::builder(&server.to_string()).session_timeout(timeout).start().unwrap()
}

pub(crate) async fn soon<T>(event: impl Future<Output = T>, what: &str) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(asking, what).await;
}

/// What a role has handled.
#[derive(Debug)]
pub(crate) enum News {
    Master(BecameMaster),
    Standby(BecameStandby),
}

/// Tells what it handles; its `BecameStandby` handler finishes once the gate is open.
pub(crate) struct Recorder {
    told: mpsc::UnboundedSender<News>,
    gate: watch::Receiver<bool>,
}

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Recorder {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        let _ = self.told.send(News::Master(message));
    }
}

impl Handler<BecameStandby> for Recorder {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, message: BecameStandby, _: &mut Context<Self>) -> Self::Result {
        let _ = self.told.send(News::Standby(message));
        let mut gate = self.gate.clone();
        Box::pin(async move {
            let _ = gate.wait_for(|open| *open).await;
        })
    }
}

/// The test's side of a role.
pub(crate) struct Role {
    pub(crate) address: Addr<Recorder>,
    pub(crate) gate: watch::Sender<bool>,
    told: mpsc::UnboundedReceiver<News>,
}

impl Role {
    pub(crate) fn start() -> Self {
        let (told, news) = mpsc::unbounded_channel();
        let (gate, watched) = watch::channel(true);
        Role { address: Recorder { told, gate: watched }.start(), gate, told: news }
    }

    pub(crate) async fn told(&mut self) -> News {
        soon(self.told.recv(), "the role is told something").await.expect("a live role")
    }

    /// The next thing must be `BecameMaster`.
    pub(crate) async fn master(&mut self) -> Lease {
        match self.told().await {
            News::Master(message) => message.lease,
            News::Standby(message) => panic!("{message:?} in place of BecameMaster"),
        }
    }

    /// The next thing must be `BecameStandby`, for this reason.
    pub(crate) async fn standby(&mut self, reason: StandbyReason) -> BecameStandby {
        match self.told().await {
            News::Standby(message) if message.reason == reason => message,
            other => panic!("{other:?} in place of BecameStandby ({reason})"),
        }
    }

    /// It has been told nothing more so far.
    pub(crate) fn nothing_more(&mut self) {
        if let Ok(told) = self.told.try_recv() {
            panic!("unexpected: {told:?}");
        }
    }
}
