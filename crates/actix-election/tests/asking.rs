//! Asking the master of an election to resign, on a real server.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{AskError, Asked, ResignObstacle, ask_to_resign};
use actix_election_core::{ElectionPath, FencingToken, SessionId, resign_request_data, resign_request_path};
use common::{LONG, Role, client, holder, path, server, session, soon, until};
use zookeeper_testkit::proxy::ReplyFilter;
use zookeeper_testkit::wire::{Acl, CreateMode, OpCode, RawClient};
use zookeeper_testkit::{FaultProxy, four_letter};

/// May be seen and deleted, but not read.
fn hidden() -> Vec<Acl> {
    Acl::open().into_iter().map(|entry| Acl { permissions: Acl::ALL & !1, ..entry }).collect()
}

/// A master, and somebody else who is about to ask it to resign.
struct Stage {
    master: Session,
    asker: Session,
    role: Role,
    _election: Election,
    path: String,
    lease: Lease,
    /// Where the request stands.
    request: String,
}

impl Stage {
    async fn set(name: &str) -> Self {
        Self::set_for(session(server().await, LONG), name).await
    }

    async fn set_for(asker: Session, name: &str) -> Self {
        let (master, path, mut role) = (session(server().await, LONG), path(name), Role::start());
        let election = Election::builder(&path).role(&role.address).campaign(&master).await.unwrap();
        let lease = role.master().await;
        let request = request_path(&path).await;
        Stage { master, asker, role, _election: election, path, lease, request }
    }

    /// What stands on the request's name is waited for, with a watch; once `stranger` is gone, so is that, and the master
    /// resigns.
    async fn resigns_after(&mut self, stranger: RawClient) {
        let mut asked = Box::pin(ask_to_resign(&self.asker, &self.path, LONG));
        let waits = async || {
            let watches = four_letter::watches(server().await).await.unwrap();
            watches.get(&self.request).map_or(0, BTreeSet::len) == 2
        };
        tokio::select! {
            () = until("the master and the asker watch it", waits) => {}
            asked = &mut asked => panic!("{asked:?}"),
        }
        assert!(self.lease.is_valid());
        stranger.close().await.unwrap();
        assert_eq!(soon(asked, "an answer").await.unwrap(), Asked::Resigned(self.lease.token()));
        self.role.standby(StandbyReason::Resigned).await;
    }

    async fn close(self) {
        soon(self.master.close(), "closed").await;
        soon(self.asker.close(), "closed").await;
    }
}

async fn request_path(path: &str) -> String {
    let master = SessionId(holder(path).await.expect("a master"));
    resign_request_path(&ElectionPath::new(path).unwrap(), master)
}

/// Asks with little patience, until so little was enough to find out what is in the way.
async fn asked_in_vain(asker: &Session, path: &str, obstacle: &ResignObstacle) {
    let mut limit = Duration::from_millis(200);
    loop {
        match soon(ask_to_resign(asker, path, limit), "an answer").await {
            Err(AskError::NotResigned { obstacle: found, .. }) if found == *obstacle => return,
            Err(AskError::NoAnswer { .. } | AskError::NotResigned { .. }) if limit < LONG => limit *= 2,
            other => panic!("{other:?}, expected {obstacle:?}"),
        }
    }
}

/// What was asked of an earlier term stands in the way, until whoever asked is gone.
#[actix::test]
async fn a_request_to_an_earlier_term_is_waited_for() {
    let mut stage = Stage::set("late").await;
    let mut late = client().await;
    let data = resign_request_data(FencingToken::new(stage.lease.token().as_i64() - 1));
    late.create(&stage.request, &data, &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    stage.resigns_after(late).await;
    stage.close().await;
}

/// The request is placed, and the watch on the master dies with the connection that its answer would have come by.
#[actix::test]
async fn a_request_whose_answer_is_lost_is_asked_for_all_the_same() {
    let proxy = FaultProxy::start(server().await).unwrap();
    let mut stage = Stage::set_for(session(proxy.address(), LONG), "unanswered").await;
    let fault = proxy.cut_before_reply(ReplyFilter::to(OpCode::Create2).on(&stage.request));
    let asked = soon(ask_to_resign(&stage.asker, &stage.path, LONG), "an answer").await.unwrap();
    assert_eq!(asked, Asked::Resigned(stage.lease.token()));
    soon(fault.wait_until_met(LONG), "the answer is lost").await.unwrap();
    stage.role.standby(StandbyReason::Resigned).await;
    stage.close().await;
}

#[actix::test]
async fn the_master_is_asked_to_resign() {
    let (master, asker) = (session(server().await, LONG), session(server().await, LONG));
    let path = path("asked");
    assert_eq!(soon(ask_to_resign(&asker, &path, LONG), "an answer").await.unwrap(), Asked::NoMaster);

    let mut role = Role::start();
    let _election = Election::builder(&path).role(&role.address).campaign(&master).await.unwrap();
    let lease = role.master().await;
    let asked = soon(ask_to_resign(&asker, &path, LONG), "an answer").await.unwrap();
    assert_eq!(asked, Asked::Resigned(lease.token()));
    assert!(!lease.is_valid());
    role.standby(StandbyReason::Resigned).await;
    assert!(role.master().await.token() > lease.token());
    let left = client().await.get_children("/").await.unwrap();
    assert!(!left.iter().any(|name| name.starts_with(&format!("{}.resign-", &path[1..]))), "{left:?}");

    // All terms of the session share the watch for such requests.
    let watches = async || {
        let watches = four_letter::watches(server().await).await.unwrap();
        watches.keys().filter(|watched| watched.starts_with(&path)).count()
    };
    until("the lock and the request are watched", async || watches().await == 2).await;
    for _ in 0..3 {
        soon(ask_to_resign(&asker, &path, LONG), "an answer").await.unwrap();
        role.standby(StandbyReason::Resigned).await;
        role.master().await;
        until("no more than before", async || watches().await == 2).await;
    }

    let squatted = common::path("squatted");
    client().await.create(&squatted, b"config", &Acl::open(), CreateMode::Persistent).await.unwrap();
    let refused = soon(ask_to_resign(&asker, &squatted, LONG), "an answer").await;
    assert!(matches!(refused, Err(AskError::NoElection(_))), "{refused:?}");
    soon(master.close(), "closed").await;
    soon(asker.close(), "closed").await;
}

/// Where something is in the way of the request, it is said what.
#[actix::test]
async fn what_is_in_the_way_of_a_request_is_said() {
    let stage = Stage::set("squatter").await;
    let Stage { asker, path, request, .. } = &stage;
    let mut squatter = client().await;
    squatter.create(request, b"mine", &hidden(), CreateMode::Ephemeral).await.unwrap();
    asked_in_vain(asker, path, &ResignObstacle::Hidden { request: request.clone() }).await;
    squatter.delete(request, None).await.unwrap();
    squatter.create(request, b"mine", &Acl::open(), CreateMode::Persistent).await.unwrap();
    asked_in_vain(asker, path, &ResignObstacle::Occupied { request: request.clone() }).await;
    assert!(stage.lease.is_valid());
    stage.close().await;
}

/// Once what is in the way has gone, the request is made.
#[actix::test]
async fn what_is_in_the_way_of_a_request_is_waited_for() {
    let mut stage = Stage::set("squatter").await;
    let mut squatter = client().await;
    squatter.create(&stage.request, b"mine", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    stage.resigns_after(squatter).await;
    stage.close().await;
}

/// A master that knows nothing of requests is asked in vain, and the request does not stay.
#[actix::test]
async fn a_request_that_was_in_vain_is_taken_back() {
    let asker = session(server().await, LONG);
    let path = path("deaf");
    let mut stranger = client().await;
    stranger.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let request = request_path(&path).await;
    asked_in_vain(&asker, &path, &ResignObstacle::Unheeded { request: request.clone() }).await;
    until("taken back", async || client().await.exists(&request).await.unwrap().is_none()).await;
    soon(asker.close(), "closed").await;
}

/// Whoever may not read the lock sees its term all the same, and that it has ended.
#[actix::test]
async fn a_master_whose_lock_may_not_be_read_is_asked_all_the_same() {
    let asker = session(server().await, LONG);
    let master = Session::builder(&server().await.to_string()).session_timeout(LONG).auth("digest", "a:b");
    let master = master.start().unwrap();
    let path = path("unreadable");
    let mut role = Role::start();
    let _election = Election::builder(&path).role(&role.address).campaign(&master).await.unwrap();
    let lease = role.master().await;
    let asked = soon(ask_to_resign(&asker, &path, LONG), "an answer").await.unwrap();
    assert_eq!(asked, Asked::Resigned(lease.token()));
    role.standby(StandbyReason::Resigned).await;
    soon(master.close(), "closed").await;
    soon(asker.close(), "closed").await;
}
