//! An election whose actor dies beside others of its session: by a panic in code that was sent to it, or stopped from within.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use actix_election::prelude::*;
use actix_election::{Problem, StandbyReason, StartError, Subscribe};
use common::{LONG, News, Role, path, session, soon, until};
use tokio::sync::mpsc;
use zookeeper_testkit::TestServer;

/// How an election ends that nobody asked to.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
enum Die {
    Panic,
    Stop,
    Terminate,
}

/// Anybody may send an election messages of their own; they are handled in its thread.
impl Handler<Die> for Election {
    type Result = ();

    fn handle(&mut self, how: Die, ctx: &mut Context<Self>) {
        match how {
            Die::Panic => panic!("as this test wants it"),
            Die::Stop => ctx.stop(),
            Die::Terminate => ctx.terminate(),
        }
    }
}

struct Problems(mpsc::UnboundedSender<Problem>);

impl Actor for Problems {
    type Context = Context<Self>;
}

impl Handler<Problem> for Problems {
    type Result = ();

    fn handle(&mut self, problem: Problem, _: &mut Context<Self>) {
        let _ = self.0.send(problem);
    }
}

async fn dies(how: Die, strategy: Strategy) {
    let server = TestServer::builder().max_session_timeout(LONG).start().await.unwrap();
    let session = session(server.address(), LONG);
    let (told, mut problems) = mpsc::unbounded_channel();
    let listener = Problems(told).start();
    session.send(Subscribe(listener.recipient())).await.unwrap();

    // An observer beside it: nothing but the election that dies needs a lease.
    let other = Election::builder(&path("other")).observe(&session).await.unwrap();
    let path = path("dying");
    let mut role = Role::start();
    let election = Election::builder(&path).strategy(strategy).role(&role.address);
    let election = election.campaign(&session).await.unwrap();
    let lease = role.master().await;
    assert!(lease.is_valid());

    election.do_send(how);
    // Its role is told, and its lease is over.
    let standby = role.standby(StandbyReason::Resigned).await;
    assert_eq!(standby.path.as_str(), path);
    assert!(!lease.is_valid());
    let problem = soon(problems.recv(), "a problem").await.unwrap();
    assert_eq!(problem.path.as_ref().map(|path| path.as_str()), Some(path.as_str()), "{how:?}");
    assert!(problem.message.contains("ended unasked"), "{}", problem.message);
    assert!(!election.connected());

    // Somebody else is master, in the time that takes, and not after the session's.
    let mut heir = Role::start();
    let others = common::session(server.address(), LONG);
    let next =
        Election::builder(&path).strategy(strategy).role(&heir.address).campaign(&others).await.unwrap();
    let taken = loop {
        match heir.told().await {
            News::Master(message) => break message.lease,
            // It may have come while the lock still stood.
            News::Standby(message) => assert_eq!(message.reason, StandbyReason::Outranked),
        }
    };
    assert!(taken.token() > lease.token());

    // Nothing is left of it, and it may be started again.
    soon(next.send(Withdraw), "withdrawn").await.unwrap();
    until("nothing is left", async || server.view().ephemerals.is_empty()).await;
    role.nothing_more();
    // It is in use until the session has heard that all is done.
    let again = async {
        loop {
            let election = Election::builder(&path).strategy(strategy).role(&role.address);
            match election.campaign(&session).await {
                Ok(election) => return election,
                Err(error) => assert!(matches!(error, StartError::PathInUse(_)), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let _again = soon(again, "its path is free").await;
    assert!(role.master().await.token() > taken.token());
    assert!(other.connected() && problems.try_recv().is_err());
    soon(session.send(Close), "closed").await.unwrap();
    role.standby(StandbyReason::Resigned).await;
    role.nothing_more();
}

#[actix::test]
async fn an_election_that_dies_lets_go_of_its_lock() {
    for how in [Die::Panic, Die::Stop, Die::Terminate] {
        dies(how, Strategy::Lock).await;
    }
}

#[actix::test]
async fn an_election_that_dies_leaves_its_queue() {
    for how in [Die::Panic, Die::Stop, Die::Terminate] {
        dies(how, Strategy::Queue).await;
    }
}
