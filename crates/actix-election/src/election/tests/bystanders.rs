//! An election whose actor dies beside others of its session: by a panic, or stopped from within.

#[path = "../../../tests/common/mod.rs"]
mod common;

use crate::election::actor::ElectionActor;
use crate::prelude::*;
use crate::{Problem, StandbyReason, StartError};
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

impl Handler<Die> for ElectionActor {
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
    session.report_problems(listener.recipient());

    // An observer beside it: nothing but the election that dies needs a lease.
    let other = Election::builder(&path("other")).observe(&session).await.unwrap();
    let path = path("dying");
    let mut role = Role::start();
    let election = Election::builder(&path).strategy(strategy).role(&role.address);
    let election = election.campaign(&session).await.unwrap();
    let lease = role.master().await;
    assert!(lease.is_valid());

    election.address.do_send(how);
    // Its role is told, and its lease is over.
    let standby = role.standby(StandbyReason::Resigned).await;
    assert_eq!(standby.path.as_str(), path);
    assert!(!lease.is_valid());
    let problem = soon(problems.recv(), "a problem").await.unwrap();
    assert_eq!(problem.path.as_ref().map(|path| path.as_str()), Some(path.as_str()), "{how:?}");
    assert!(problem.message.contains("ended unexpectedly"), "{}", problem.message);
    assert!(election.status().has_ended && election.until_master().await.is_err());
    assert!(election.lease().is_none());

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
    soon(next.withdraw(), "withdrawn").await;
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
    assert!(!other.status().has_ended && problems.try_recv().is_err());
    soon(session.close(), "closed").await;
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
