//! The adapter: the only place that knows the client crate.
//!
//! A [`Client`] lives as long as one connection, on the runtime of that connection. To let another client crate
//! slot in, this file is all there is to replace: connect to an address on loopback, authenticate, probe, and
//! carry out requests, every one of which ends when the runtime does.
//!
//! What it promises about watches: the event of a watch never comes before the answer of the request that armed
//! it, whatever the order in which the client crate wakes its tasks, and it never comes for a request that armed
//! none, though the crate keeps the closures of those as well.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_election_core::{OpId, Operation, Refusal, Reply, Stat, WatchEvent, Znode};
use futures::future::join;
use zookeeper_async::{
    Acl, CreateMode, Permission, WatchedEvent, WatchedEventType, ZkError, ZkResult, ZooKeeper,
};
use zookeeper_wire::ErrorCode;

use super::link::{Notice, NoticeSender, Request};
use super::traffic::{TooLong, Track};

/// Credentials, as ZooKeeper takes them: a scheme such as `digest`, and what goes with it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Auth {
    pub(crate) scheme: String,
    pub(crate) credentials: String,
}

/// The client of one connection.
pub(super) struct Client {
    zookeeper: ZooKeeper,
    chroot: String,
    probe_path: String,
    authenticated: bool,
    track: Arc<Track>,
}

impl Client {
    /// Connects a client to the relay. Returns once it is connected; the relay has to be running.
    pub(super) async fn connect(
        address: std::net::SocketAddr,
        timeout: Duration,
        chroot: String,
        probe_path: String,
        track: Arc<Track>,
    ) -> ZkResult<Client> {
        // Every watch has a closure of its own, so nothing is left for the common one.
        let zookeeper = ZooKeeper::connect(&address.to_string(), timeout, |_: WatchedEvent| ()).await?;
        Ok(Client { zookeeper, chroot, probe_path, authenticated: false, track })
    }

    /// Sends credentials. Its reply comes out of band, so nothing else may be under way.
    pub(super) async fn authenticate(&mut self, auth: &Auth) -> Result<(), String> {
        self.authenticated = true;
        let sent = self.zookeeper.add_auth(&auth.scheme, auth.credentials.clone().into_bytes()).await;
        sent.map_err(|error| match error {
            ZkError::AuthFailed => format!("the server rejects the {} credentials", auth.scheme),
            error => format!("{} authentication failed: {error}", auth.scheme),
        })
    }

    /// A write that is known to fail: the quorum orders it all the same, and no watch fires.
    pub(super) async fn probe(&self) -> Result<(), ZkError> {
        match self.zookeeper.delete(&self.probe_path, None).await {
            Err(ZkError::NoNode) => Ok(()),
            Err(error) => Err(error),
            // There was something to delete where nothing ever is: this reply is not ours.
            Ok(()) => Err(ZkError::DataInconsistency),
        }
    }

    /// Carries out a request and sends its answer, and then the event of its watch if it armed one.
    pub(super) async fn carry_out(&self, op: OpId, request: Request, notices: NoticeSender) {
        let arm = Arm::new(op, notices);
        let reply = match request {
            Request::Election(operation) | Request::WhenQuiet(operation) => {
                self.operate(operation, &arm).await
            }
            Request::AskToResign { path, data } => {
                let mut acl = self.acl();
                if self.authenticated {
                    acl.push(Acl::new(Permission::READ, "world", "anyone"));
                }
                self.create(&self.full(&path), data, acl).await
            }
        };
        arm.answered(self.named(reply));
    }

    /// The client crate takes every error that it does not know for one and the same.
    fn named(&self, reply: Reply) -> Reply {
        match (&reply, self.track.unknown_error()) {
            (Reply::Refused(Refusal::Other { code, .. }), Some(error))
                if *code == ZkError::Unimplemented as i32 =>
            {
                other(error.number())
            }
            _ => reply,
        }
    }

    async fn operate(&self, operation: Operation, arm: &Arm) -> Reply {
        match operation {
            Operation::Create { path, data } => self.create(&self.full(&path), data, self.acl()).await,
            Operation::CreateSequential { path, data } => {
                let path = self.full(&path);
                match self.zookeeper.create2(&path, data, self.acl(), CreateMode::EphemeralSequential).await {
                    Ok((created, stat)) if created.starts_with(&path) => {
                        let name = created.rsplit('/').next().unwrap_or_default().to_owned();
                        Reply::CreatedSequential { name, stat: shorten(&stat) }
                    }
                    // It speaks of something else: what became of this one, nobody knows.
                    Ok(_) => Reply::Unknown,
                    Err(error) => not_created(error),
                }
            }
            Operation::Children { path, watch } => {
                let path = self.full(&path);
                let listed = if watch {
                    let listed = self.zookeeper.get_children_w(&path, arm.watcher()).await;
                    if listed.is_err() {
                        arm.disarm();
                    }
                    listed
                } else {
                    self.zookeeper.get_children(&path, false).await
                };
                listed.map_or_else(refused, |names| match TooLong::of(&names) {
                    Some(TooLong { children, bytes }) => {
                        Reply::Refused(Refusal::TooManyChildren { children, bytes })
                    }
                    None => Reply::Children(names),
                })
            }
            Operation::CreateParents { path } => self.create_parents(&self.full(&path)).await,
            Operation::Read { path, watch } => {
                let path = self.full(&path);
                found(if watch {
                    let read = self.zookeeper.get_data_w(&path, arm.watcher()).await;
                    if read.is_err() {
                        arm.disarm();
                    }
                    read
                } else {
                    self.zookeeper.get_data(&path, false).await
                })
            }
            Operation::Exists { path } => {
                match self.zookeeper.exists_w(&self.full(&path), arm.watcher()).await {
                    Ok(Some(stat)) => Reply::Found(Znode { data: Vec::new(), stat: shorten(&stat) }),
                    Ok(None) => Reply::Missing,
                    Err(error) => {
                        arm.disarm();
                        refused(error)
                    }
                }
            }
            Operation::Confirm { path } => {
                let path = self.full(&path);
                // Written one behind the other: the read waits at the server until the probe is through.
                match join(self.probe(), self.zookeeper.get_data(&path, false)).await {
                    (Ok(()), read) => found(read),
                    (Err(_), _) => Reply::Unknown,
                }
            }
            Operation::Delete { path } => match self.zookeeper.delete(&self.full(&path), None).await {
                Ok(()) => Reply::Done,
                Err(error) => refused(error),
            },
        }
    }

    async fn create(&self, path: &str, data: Vec<u8>, acl: Vec<Acl>) -> Reply {
        match self.zookeeper.create2(path, data, acl, CreateMode::Ephemeral).await {
            Ok((created, stat)) if created == path => Reply::Created(shorten(&stat)),
            // It speaks of something else: what became of this one, nobody knows.
            Ok(_) => Reply::Unknown,
            Err(error) => not_created(error),
        }
    }

    /// From the nearest ancestor upwards until one is there, then down again: where the nearest is there already,
    /// as it mostly is, no permission further up is needed.
    async fn create_parents(&self, path: &str) -> Reply {
        let mut missing = Vec::new();
        let mut at = parent(path);
        while let Some(ancestor) = at {
            match self.create_persistent(ancestor).await {
                Ok(()) | Err(ZkError::NodeExists) => break,
                Err(ZkError::NoNode) => missing.push(ancestor),
                Err(error) => return refused(error),
            }
            at = parent(ancestor);
        }
        for ancestor in missing.into_iter().rev() {
            match self.create_persistent(ancestor).await {
                Ok(()) | Err(ZkError::NodeExists) => {}
                Err(ZkError::NoNode) => return Reply::Refused(Refusal::NoParent),
                Err(error) => return refused(error),
            }
        }
        Reply::Done
    }

    async fn create_persistent(&self, path: &str) -> ZkResult<()> {
        self.zookeeper.create(path, Vec::new(), self.acl(), CreateMode::Persistent).await.map(|_| ())
    }

    fn acl(&self) -> Vec<Acl> {
        if self.authenticated { Acl::creator_all().clone() } else { Acl::open_unsafe().clone() }
    }

    /// The empty path is the chroot itself, or the root.
    fn full(&self, path: &str) -> String {
        match (self.chroot.as_str(), path) {
            ("", "") => "/".to_owned(),
            (chroot, path) => format!("{chroot}{path}"),
        }
    }
}

/// The parent of a path; `None` for the children of the root, whose parent is always there.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty())
}

fn shorten(stat: &zookeeper_async::Stat) -> Stat {
    Stat { czxid: stat.czxid, ephemeral_owner: stat.ephemeral_owner }
}

fn found(read: ZkResult<(Vec<u8>, zookeeper_async::Stat)>) -> Reply {
    match read {
        Ok((data, stat)) => Reply::Found(Znode { data, stat: shorten(&stat) }),
        Err(error) => refused(error),
    }
}

/// For a create, "no node" speaks of the parent.
fn not_created(error: ZkError) -> Reply {
    match error {
        ZkError::NoNode => Reply::Refused(Refusal::NoParent),
        error => refused(error),
    }
}

fn refused(error: ZkError) -> Reply {
    match error {
        ZkError::NoNode => Reply::Missing,
        ZkError::NodeExists => Reply::Refused(Refusal::NodeExists),
        ZkError::NoAuth => Reply::Refused(Refusal::NoAuth),
        ZkError::NoChildrenForEphemerals => Reply::Refused(Refusal::EphemeralParent),
        // The connection or the session is gone, or the answer could not be read.
        ZkError::ConnectionLoss
        | ZkError::SessionExpired
        | ZkError::SessionMoved
        | ZkError::OperationTimeout
        | ZkError::MarshallingError => Reply::Unknown,
        error => other(error as i32),
    }
}

fn other(code: i32) -> Reply {
    let meaning = ErrorCode::from_number(code).map_or("no error", ErrorCode::meaning);
    Reply::Refused(Refusal::Other { code, meaning })
}

/// A watch that a request arms: holds its event back until the request's answer is out.
struct Arm {
    op: OpId,
    notices: NoticeSender,
    state: Arc<Mutex<ArmState>>,
}

#[derive(Default)]
enum ArmState {
    #[default]
    Unanswered,
    /// The event was here before the answer.
    Early(WatchEvent),
    Answered,
    /// The server set no watch: what the client crate takes for its event is another's.
    Disarmed,
}

impl Arm {
    fn new(op: OpId, notices: NoticeSender) -> Self {
        Arm { op, notices, state: Arc::default() }
    }

    /// What the client crate calls when the watch fires. It runs in the client's own task, so it never blocks.
    fn watcher(&self) -> impl FnOnce(WatchedEvent) + Send + 'static {
        let (op, notices, state) = (self.op, self.notices.clone(), Arc::clone(&self.state));
        move |event| {
            let event = match event.event_type {
                WatchedEventType::NodeDeleted => WatchEvent::Deleted,
                WatchedEventType::NodeCreated => WatchEvent::Created,
                _ => WatchEvent::Changed,
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match *state {
                ArmState::Unanswered | ArmState::Early(_) => *state = ArmState::Early(event),
                // If nobody listens any more, nobody needs to know.
                ArmState::Answered => drop(notices.unbounded_send(Notice::WatchFired(op, event))),
                ArmState::Disarmed => {}
            }
        }
    }

    fn disarm(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = ArmState::Disarmed;
    }

    fn answered(&self, reply: Reply) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.notices.unbounded_send(Notice::Answered(self.op, reply));
        if let ArmState::Early(event) = *state {
            let _ = self.notices.unbounded_send(Notice::WatchFired(self.op, event));
        }
        if !matches!(*state, ArmState::Disarmed) {
            *state = ArmState::Answered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::notice_channel;
    use super::*;

    fn deleted() -> WatchedEvent {
        WatchedEvent {
            event_type: WatchedEventType::NodeDeleted,
            keeper_state: zookeeper_async::KeeperState::SyncConnected,
            path: Some("/m".into()),
        }
    }

    #[test]
    fn a_request_that_armed_no_watch_has_no_event() {
        let (notices, mut received) = notice_channel();
        let arm = Arm::new(OpId(1), notices);
        let watcher = arm.watcher();
        arm.disarm();
        arm.answered(Reply::Missing);
        assert!(matches!(received.try_recv(), Ok(Notice::Answered(OpId(1), Reply::Missing))));
        watcher(deleted());
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn an_event_waits_for_the_answer_that_armed_it() {
        let (notices, mut received) = notice_channel();
        let arm = Arm::new(OpId(1), notices);
        arm.watcher()(deleted());
        assert!(received.try_recv().is_err());
        arm.answered(Reply::Missing);
        assert!(matches!(received.try_recv(), Ok(Notice::Answered(OpId(1), Reply::Missing))));
        assert!(matches!(received.try_recv(), Ok(Notice::WatchFired(OpId(1), WatchEvent::Deleted))));
    }

    #[test]
    fn parents() {
        assert_eq!(parent("/a/b/c"), Some("/a/b"));
        assert_eq!(parent("/a"), None);
    }
}
