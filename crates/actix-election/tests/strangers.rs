//! Many znodes below a queue's path that are no candidates.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{Problem, SessionChanged, SessionState, Strategy, candidates};
use common::{LONG, Role, path, server, soon};
use tokio::sync::mpsc;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

/// At 4 MiB a list of names of 500 bytes is too long with 8,400 of them. `STRANGERS` makes more.
fn strangers() -> usize {
    std::env::var("STRANGERS").map_or(8_800, |number| number.parse().unwrap())
}

/// Tells what it is told.
struct Listener(mpsc::UnboundedSender<Told>);

#[derive(Debug)]
enum Told {
    Problem(Problem),
    Session(SessionState),
}

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Problem> for Listener {
    type Result = ();

    fn handle(&mut self, problem: Problem, _: &mut Context<Self>) {
        let _ = self.0.send(Told::Problem(problem));
    }
}

impl Handler<SessionChanged> for Listener {
    type Result = ();

    fn handle(&mut self, changed: SessionChanged, _: &mut Context<Self>) {
        let _ = self.0.send(Told::Session(changed.state));
    }
}

/// Persistent children of this path, made by several at once.
async fn make_children(server: SocketAddr, path: &str, number: usize, prefix: &str) {
    const MAKERS: usize = 16;
    let mut raw = RawClient::connect(server, LONG, None).await.unwrap();
    raw.create(path, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let makers = (0..MAKERS).map(|maker| async move {
        let mut raw = RawClient::connect(server, LONG, None).await.unwrap();
        for i in (maker..number).step_by(MAKERS) {
            let path = format!("{path}/{prefix}{i:010}");
            raw.create(&path, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
        }
        raw.close().await.unwrap();
    });
    futures::future::join_all(makers).await;
    raw.close().await.unwrap();
}

/// The candidate cannot know its place, says so and leaves; the session goes on, and so does whoever leads on it.
async fn too_many(server: SocketAddr) {
    let (path, other) = (path("crowded"), path("other"));
    make_children(server, &path, strangers(), &"long-".repeat(98)).await;
    let session = Session::builder(&server.to_string()).session_timeout(Duration::from_secs(4));
    let session = session.max_frame_size(4 << 20).start().unwrap();
    let (told, mut news) = mpsc::unbounded_channel();
    let listener = Listener(told).start();
    let mut master = Role::start();
    let _other = Election::builder(&other).role(&master.address).campaign(&session).await.unwrap();
    let lease = master.master().await;
    session.report_changes(listener.clone().recipient());
    assert!(matches!(soon(news.recv(), "the state").await, Some(Told::Session(SessionState::Connected))));
    let mut role = Role::start();
    let election = Election::builder(&path).strategy(Strategy::Queue).role(&role.address);
    let election = election.campaign(&session).await.unwrap();
    election.report_problems(listener.clone().recipient());
    role.standby(StandbyReason::Denied).await;
    let problem = match soon(news.recv(), "a problem").await.unwrap() {
        Told::Problem(problem) => problem.message,
        Told::Session(state) => panic!("the session is {state:?}"),
    };
    assert!(problem.contains("children are more than can be listed"), "{problem}");
    assert!(problem.contains(&path), "{problem}");
    let asked = candidates(&session, &path, LONG).await.unwrap_err().to_string();
    assert!(asked.contains(&format!("{} children are more", strangers())), "{asked}");
    assert!(lease.is_valid());
    master.nothing_more();
    while let Ok(told) = news.try_recv() {
        assert!(!matches!(told, Told::Session(_)), "{told:?}");
    }
    session.close().await;
}

#[actix::test]
async fn too_many_to_be_listed_cost_the_session_nothing() {
    too_many(TestServer::start().await.unwrap().address()).await;
}

#[actix::test]
async fn nor_at_a_real_server() {
    too_many(server().await).await;
}
