//! Ten thousand elections on one session, with one role actor for all of them.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::collections::HashMap;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{ElectionPath, FencingToken};
use common::{PATIENCE, soon};
use tokio::sync::watch;
use zookeeper_testkit::proxy::{Direction, Record};
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::expire_session;
use zookeeper_testkit::{Ensemble, FaultProxy, TestServer};

const ELECTIONS: usize = 10_000;
/// Long enough for a machine that is busy with other tests.
const T: Duration = Duration::from_secs(60);

/// What the one role of a session has been told.
#[derive(Default)]
struct Told {
    /// Every election by its path: its lease, or `None` where it is standby.
    states: HashMap<ElectionPath, Option<Lease>>,
    /// Messages that were not in turn.
    out_of_turn: Vec<String>,
}

impl Told {
    fn masters(&self) -> usize {
        self.states.values().filter(|lease| lease.is_some()).count()
    }

    fn tokens(&self) -> HashMap<ElectionPath, FencingToken> {
        let token = |lease: &Option<Lease>| lease.as_ref().map(Lease::token);
        self.states.iter().filter_map(|(path, lease)| Some((path.clone(), token(lease)?))).collect()
    }
}

struct Role(watch::Sender<Told>);

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, BecameMaster { path, lease, .. }: BecameMaster, _: &mut Context<Self>) {
        self.0.send_modify(|told| {
            if let Some(Some(before)) = told.states.insert(path.clone(), Some(lease)) {
                told.out_of_turn.push(format!("{path}: master after {before:?}"));
            }
        });
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, BecameStandby { path, .. }: BecameStandby, _: &mut Context<Self>) {
        self.0.send_modify(|told| {
            told.states.insert(path, None);
        });
    }
}

/// A session with its elections and their one role.
struct Side {
    session: Session,
    _elections: Vec<Election>,
    told: watch::Receiver<Told>,
}

impl Side {
    async fn start(connect: &str, strategy: Strategy) -> Self {
        let session = Session::builder(connect).session_timeout(T).start().unwrap();
        let (told, watched) = watch::channel(Told::default());
        let role = Role(told).start();
        let starts = (0..ELECTIONS).map(|number| {
            let election = Election::builder(&format!("/many/{number}")).strategy(strategy);
            election.address("127.0.0.1:8080").role(&role).campaign(&session)
        });
        let elections = futures::future::try_join_all(starts).await.unwrap();
        Side { session, _elections: elections, told: watched }
    }

    async fn until(&self, what: &str, enough: impl FnMut(&Told) -> bool) {
        soon(self.told.clone().wait_for(enough), what).await.unwrap();
        assert_eq!(self.told.borrow().out_of_turn, [""; 0]);
    }

    async fn masters(&self) {
        self.until("master of all", |told| told.masters() == ELECTIONS).await;
    }

    async fn standbys(&self) {
        self.until("standby of all", |told| told.states.len() == ELECTIONS && told.masters() == 0).await;
    }
}

/// The most requests that were under way at once.
fn most_in_flight(record: &Record) -> i64 {
    let requests = record.requests.iter().map(|request| (request.at, 1));
    let replies = record.replies.iter().filter(|reply| reply.xid != -1).map(|reply| (reply.at, -1));
    let mut changes: Vec<_> = requests.chain(replies).collect();
    // Of what happened at the same moment, what ends something first.
    changes.sort();
    let mut in_flight = 0;
    changes
        .into_iter()
        .map(|(_, change)| {
            in_flight += change;
            in_flight
        })
        .max()
        .unwrap_or(0)
}

/// All are won, joined, taken over and left; requests are many at once, and bounded; nothing is left behind.
async fn they_live_and_leave(strategy: Strategy) {
    let server = TestServer::builder().max_session_timeout(T).start().await.unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    let first = Side::start(&proxy.connect_string(), strategy).await;
    first.masters().await;
    assert_eq!(server.view().sessions.len(), 1);
    let tokens = first.told.borrow().tokens();

    let second = Side::start(&proxy.connect_string(), strategy).await;
    second.standbys().await;
    assert_eq!(server.view().sessions.len(), 2);
    let most = most_in_flight(&proxy.record());
    // Of each connection, a probe among them.
    assert!((20..=2 * 257).contains(&most), "{most} requests at once on two connections");

    soon(first.session.close(), "closed").await;
    second.masters().await;
    first.until("told that it is over", |told| told.masters() == 0).await;
    let later = second.told.borrow().tokens();
    assert!(later.iter().all(|(path, token)| *token > tokens[path]));

    soon(second.session.close(), "closed").await;
    let gone = |view: &zookeeper_testkit::server::ServerView| {
        view.sessions.is_empty() && view.ephemerals.is_empty() && view.watches == 0
    };
    server.wait_for(PATIENCE, gone).await.unwrap();
}

#[actix::test]
async fn locks_live_and_leave() {
    they_live_and_leave(Strategy::Lock).await;
}

#[actix::test]
async fn queues_live_and_leave() {
    they_live_and_leave(Strategy::Queue).await;
}

/// Ten thousand events are on their way when every connection is cut: no reply is taken for another's, nothing hangs, and
/// whoever should be master is.
async fn a_flood_is_cut_off(strategy: Strategy) {
    let server = TestServer::builder().max_session_timeout(T).start().await.unwrap();
    let first = Side::start(&server.connect_string(), strategy).await;
    first.masters().await;
    let holder = *server.view().sessions.keys().next().unwrap();
    let second = Side::start(&server.connect_string(), strategy).await;
    second.standbys().await;
    let before = first.told.borrow().tokens();

    assert!(server.expire(holder));
    server.cut();
    one_master_of_each([first, second], &before).await;
}

/// The session of the first is over: after a while one of the two is master of each, and both know it.
async fn one_master_of_each(sides: [Side; 2], before: &HashMap<ElectionPath, FencingToken>) {
    let [first, second] = sides;
    first.until("told that the session is over", |told| told.masters() < ELECTIONS).await;
    // With the lock strategy the first may win some of them again, in its new session.
    let later = async || loop {
        let tokens: Vec<_> = [&first, &second].map(|side| side.told.borrow().tokens()).into();
        if tokens.iter().map(HashMap::len).sum::<usize>() == ELECTIONS
            && tokens.iter().flatten().all(|(path, token)| *token > before[path])
        {
            return tokens;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let later = soon(later(), "one master of each").await;
    assert!(later[0].keys().all(|path| !later[1].contains_key(path)));
    for side in [&first, &second] {
        side.until("all in turn", |told| told.states.len() == ELECTIONS).await;
    }
    soon(first.session.close(), "closed").await;
    soon(second.session.close(), "closed").await;
}

#[actix::test]
async fn a_flood_of_locks_is_cut_off() {
    a_flood_is_cut_off(Strategy::Lock).await;
}

#[actix::test]
async fn a_flood_of_queues_is_cut_off() {
    a_flood_is_cut_off(Strategy::Queue).await;
}

/// A real server is killed while ten thousand events are on their way to a client and as many to another: the one reads
/// them once the server is gone, the end of its connection right behind them, and the other as they came.
async fn a_server_dies_in_a_flood(strategy: Strategy) {
    let ensemble = Ensemble::builder().max_session_timeout(T).start().await.unwrap();
    let server = ensemble.server(0);
    let [near, far] = [(); 2].map(|()| FaultProxy::start(server.address()).unwrap());
    let first = Side::start(&near.connect_string(), strategy).await;
    first.masters().await;
    let second = Side::start(&far.connect_string(), strategy).await;
    second.standbys().await;
    let before = first.told.borrow().tokens();
    let session = near.handshakes().into_iter().find_map(|handshake| handshake.response).unwrap();

    let held = far.hold(Direction::ToClient);
    far.forget();
    expire_session(server.address(), session.session_id, &session.password).await.unwrap();
    far.wait_for(PATIENCE, |record| record.replies.len() >= ELECTIONS).await.unwrap();
    server.kill();
    drop(held);
    ensemble.start_server(0).await.unwrap();
    one_master_of_each([first, second], &before).await;
}

/// The server has T/5 to make all its events: a session that hears nothing for that long leaves it.
#[actix::test]
async fn a_server_dies_in_a_flood_of_locks() {
    when_the_machine_runs(T / 50, async |_| a_server_dies_in_a_flood(Strategy::Lock).await).await;
}

#[actix::test]
async fn a_server_dies_in_a_flood_of_queues() {
    when_the_machine_runs(T / 50, async |_| a_server_dies_in_a_flood(Strategy::Queue).await).await;
}
