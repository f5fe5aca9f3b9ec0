//! Who uses a session, and no longer: nothing is left of a question that nobody waits for any more.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;

use actix::{Actor, Addr, Arbiter, Context, Handler};

use super::super::{Session, SessionActor, SessionBoard, ending};
use super::*;
use crate::{Election, MasterChanged, StartError, ask_to_resign, candidates};

/// The session's thread, as far as its users see it. Whoever joins is connected, and every request is answered.
struct FakeThread {
    commands: mpsc::UnboundedReceiver<Command>,
    links: BTreeMap<LinkId, NoticeSender>,
    joined: usize,
}

impl FakeThread {
    /// A session actor, and what stands in for its thread.
    fn start() -> (Session, Self) {
        let (commands, received) = mpsc::unbounded_channel();
        // Nothing is ever said here, and the session goes on.
        let (notices, said) = mpsc::unbounded_channel();
        std::mem::forget(notices);
        let arbiter = Arbiter::new().handle();
        let board = Arc::new(SessionBoard::of_new_session());
        let shown = Arc::clone(&board);
        let address = SessionActor::new(arbiter, commands, said, seconds(10.0), shown).start();
        let session = Session::new(address, board, ending::new().1);
        (session, FakeThread { commands: received, links: BTreeMap::new(), joined: 0 })
    }

    /// Takes in all commands.
    fn work(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Join(id, notices) => {
                    let (connection, session) = (ConnectionId(1), SessionId(7));
                    let (timeout, lease) = (SessionTimeout::new(seconds(10.0)), Arc::default());
                    let _ = notices.unbounded_send(Notice::Connected { connection, session, timeout, lease });
                    self.links.insert(id, notices);
                    self.joined += 1;
                }
                Command::Part(id) => assert!(self.links.remove(&id).is_some(), "{id:?} parts once"),
                Command::Request(id, _, op, request) => {
                    let notices = self.links.get(&id).expect("a link that has not parted");
                    let _ = notices.unbounded_send(Notice::Answered(op, answer(&request)));
                }
                _ => {}
            }
        }
    }
}

/// A queue of two, or whatever else fits.
fn answer(request: &Request) -> Reply {
    let found =
        |owner| Reply::Found(Znode { data: Vec::new(), stat: Stat { czxid: 5, ephemeral_owner: owner } });
    match request {
        Request::AskToResign { .. } => Reply::Created(Stat { czxid: 9, ephemeral_owner: 7 }),
        Request::Election(Operation::Children { .. }) => {
            let name = |number| format!("_c_4f6f27f5-0000-4000-8000-000000000000-latch-000000000{number}");
            Reply::Children(vec![name(1), name(2)])
        }
        Request::Election(Operation::Read { path, .. }) if path == "/m" => found(0),
        _ => found(8),
    }
}

/// Polls the question and lets the session actor and the thread work, so many steps in all; then nobody waits for it any
/// more. Returns whether it was answered.
async fn cancelled_after(steps: usize, thread: &mut FakeThread, question: impl Future) -> bool {
    let mut question = pin!(question);
    for step in 0..steps {
        if step.is_multiple_of(2) {
            if futures::poll!(question.as_mut()).is_ready() {
                return true;
            }
        } else {
            tokio::task::yield_now().await;
            thread.work();
        }
    }
    false
}

struct Listener;

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<MasterChanged> for Listener {
    type Result = ();

    fn handle(&mut self, _: MasterChanged, _: &mut Context<Self>) {}
}

async fn observe(session: &Session, listener: &Addr<Listener>) -> Result<(), StartError> {
    let election = Election::builder("/m").observe(session).await?;
    election.observe(listener.clone().recipient());
    let _ = election.changed().await;
    Ok(())
}

#[actix::test]
async fn nothing_is_left_of_questions_that_nobody_waits_for_any_more() {
    const ROUNDS: usize = 20_000;
    let (session, mut thread) = FakeThread::start();
    let listener = Listener.start();
    let (mut answered, mut most) = ([0; 3], 0);
    for round in 0..ROUNDS {
        let steps = round / 3 % 28;
        answered[round % 3] += usize::from(match round % 3 {
            0 => cancelled_after(steps, &mut thread, candidates(&session, "/m", TEST_TIMEOUT)).await,
            1 => cancelled_after(steps, &mut thread, ask_to_resign(&session, "/m", TEST_TIMEOUT)).await,
            _ => cancelled_after(steps, &mut thread, observe(&session, &listener)).await,
        });
        most = most.max(thread.links.len());
    }
    // Everything that was asked before has been handled by then.
    let begun = Instant::now();
    while !thread.links.is_empty() {
        assert!(begun.elapsed() < TEST_TIMEOUT, "{} of {} links are left", thread.links.len(), thread.joined);
        tokio::task::yield_now().await;
        thread.work();
    }
    // Some were answered, and of a master that does not resign nobody was.
    assert!(answered[0] > ROUNDS / 20 && answered[1] == 0 && answered[2] > ROUNDS / 20, "{answered:?}");
    assert!(thread.joined > ROUNDS / 2, "{}", thread.joined);
    assert!(most < 10, "{most} links at once");
}
