//! A process that ends without closing its session leaves no lock behind: the session is closed, and not left to expire.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]
#![allow(clippy::print_stdout, reason = "the process of a test talks to it")]

mod common;

use std::process::Command;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{ElectionBuilder, SessionState};
use common::{PATIENCE, soon, until};
use zookeeper_testkit::TestServer;

/// Where a process of these tests finds its server. It is this very test binary, started with this set.
const SERVER: &str = "EXIT_TEST_SERVER";

/// No session ends by this in the time of a test.
const SESSION_TIMEOUT: Duration = Duration::from_secs(600);

struct Worker;

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Worker {
    type Result = ();

    fn handle(&mut self, _: BecameMaster, _: &mut Context<Self>) {}
}

impl Handler<BecameStandby> for Worker {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {}
}

fn session() -> Session {
    let server = std::env::var(SERVER).unwrap();
    Session::builder(&server).session_timeout(SESSION_TIMEOUT).start().unwrap()
}

fn of_a_worker() -> ElectionBuilder {
    Election::builder("/m").role(&Worker.start())
}

async fn master(session: &Session, election: ElectionBuilder) -> Election {
    let election = election.campaign(session).await.unwrap();
    let _lease = election.until_master().await.unwrap();
    println!("it is master");
    election
}

/// In a process of its own, `end` is what is left of its `main` once it is master. The session must be closed then, and not
/// by its expiry. The name is the test's.
async fn ends(name: &str, process: fn()) {
    if std::env::var(SERVER).is_ok() {
        // Another thread than the main one, and it ends as that does.
        std::thread::spawn(process).join().unwrap();
        std::process::exit(0);
    }
    let server = TestServer::builder().max_session_timeout(SESSION_TIMEOUT).start().await.unwrap();
    let binary = std::env::current_exe().unwrap();
    let mut command = Command::new(binary);
    command.args([name, "--exact", "--nocapture"]).env(SERVER, server.connect_string());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = soon(output, "the process has ended").await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("it is master"), "{output:?}");
    assert!(server.view().sessions.is_empty(), "its session is closed before it ends");
}

#[tokio::test]
async fn handles_that_are_dropped_in_an_actix_system() {
    ends("handles_that_are_dropped_in_an_actix_system", || {
        System::new().block_on(async {
            let session = session();
            let _election = master(&session, of_a_worker()).await;
        });
    })
    .await;
}

#[tokio::test]
async fn a_system_that_is_stopped() {
    ends("a_system_that_is_stopped", || {
        let runner = System::new();
        let _kept = runner.block_on(async {
            let session = session();
            let election = master(&session, of_a_worker()).await;
            System::current().stop();
            (session, election)
        });
        runner.run().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_close_after_the_system_was_stopped() {
    ends("a_close_after_the_system_was_stopped", || {
        let runner = System::new();
        let session = runner.block_on(async {
            let session = session();
            let election = master(&session, of_a_worker()).await;
            let mut changes = session.changes();
            System::current().stop();
            use futures::StreamExt as _;
            while changes.next().await.is_some_and(|state| state != SessionState::Closed) {}
            drop(election);
            session
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(soon(session.close(), "the session is closed"));
    })
    .await;
}

#[tokio::test]
async fn handles_that_are_dropped_without_a_system() {
    ends("handles_that_are_dropped_without_a_system", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let session = session();
            let _election = master(&session, Election::builder("/m").without_role()).await;
        });
    })
    .await;
}

/// A thread that has started a session which others use ends at once.
#[tokio::test]
async fn a_session_that_is_in_use_keeps_no_thread() {
    let server = TestServer::builder().max_session_timeout(SESSION_TIMEOUT).start().await.unwrap();
    let address = server.connect_string();
    let (ended, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let starter = std::thread::spawn(move || Session::builder(&address).start().unwrap());
        let _ = ended.send(starter.join().unwrap());
    });
    let session = tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
    until("it lives on", async || session.state() == SessionState::Connected).await;
    soon(session.close(), "closed").await;
}
