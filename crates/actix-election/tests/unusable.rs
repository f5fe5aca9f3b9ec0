//! A server whose answers say nothing, while its connections live, is not asked as fast as it answers.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use actix_election::prelude::*;
use actix_election::{Problem, Strategy, ask_to_resign, candidates};
use common::{LONG, Role, session, soon};
use tokio::sync::mpsc;
use zookeeper_testkit::server::ReplyFilter;
use zookeeper_testkit::wire::{ErrorCode, OpCode};
use zookeeper_testkit::{TestServer, four_letter};

/// Tells what it is told.
struct Listener(mpsc::UnboundedSender<Problem>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Problem> for Listener {
    type Result = ();

    fn handle(&mut self, problem: Problem, _: &mut Context<Self>) {
        let _ = self.0.send(problem);
    }
}

#[actix::test]
async fn answers_that_say_nothing_are_not_asked_for_in_a_loop() {
    let server = TestServer::builder().max_session_timeout(LONG).start().await.unwrap();
    let mute = [OpCode::Create2, OpCode::GetData, OpCode::Exists, OpCode::GetChildren].map(ReplyFilter::to);
    let _mute = mute.map(|request| server.answer_error(request, ErrorCode::OperationTimeout));
    let session = session(server.address(), LONG);
    let (told, mut problems) = mpsc::unbounded_channel();
    let listener = Listener(told).start();
    let mut stand = Vec::new();
    for (path, strategy) in [("/lock", Strategy::Lock), ("/queue", Strategy::Queue)] {
        let role = Role::start();
        let election = Election::builder(path).strategy(strategy).role(&role.address);
        let election = election.campaign(&session).await.unwrap();
        election.report_problems(listener.clone().recipient());
        stand.push((election, role));
    }
    let inquiries =
        async { tokio::join!(ask_to_resign(&session, "/lock", LONG), candidates(&session, "/queue", LONG)) };
    let both_say_so = async {
        for _ in 0..2 {
            let problem = problems.recv().await.unwrap();
            assert!(problem.message.contains("inconclusive"), "{problem:?}");
        }
    };
    tokio::select! {
        () = soon(both_say_so, "that the answers say nothing is said") => {}
        answers = inquiries => panic!("{answers:?}"),
    }
    let received = &four_letter::monitor(server.address()).await.unwrap()["zk_packets_received"];
    assert!(received.parse::<u32>().unwrap() < 300, "{received} requests in some seconds");
    session.close().await;
}
