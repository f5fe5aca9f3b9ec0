//! The adapter: the only place that knows the client crate, with [`Arm`] at its side.
//!
//! A [`Client`] lives as long as one connection, on the runtime of that connection. To let another client crate
//! slot in, this file and `arm.rs` are all there is to replace: connect to an address on loopback, authenticate, probe, and
//! carry out requests, every one of which ends when the runtime does.

use std::sync::Arc;
use std::time::Duration;

use actix_election_core::{OpId, Operation, Refusal, Reply, Stat, Znode};
use futures::future::join;
use zookeeper_async::{Acl, CreateMode, Permission, WatchedEvent, ZkError, ZkResult, ZooKeeper};
use zookeeper_wire::ErrorCode;

use super::super::auth::Auth;
use super::super::link::{NoticeSender, Request};
use super::arm::Arm;
use super::track::Track;
use super::traffic::TooLong;

/// The client of one connection.
pub(in super::super) struct Client {
    zookeeper: ZooKeeper,
    chroot: String,
    probe_path: String,
    authenticated: bool,
    track: Arc<Track>,
}

impl Client {
    /// Connects a client to the relay. Returns once it is connected; the relay has to be running.
    pub(in super::super) async fn connect(
        address: std::net::SocketAddr,
        timeout: Duration,
        chroot: String,
        probe_path: String,
        track: Arc<Track>,
    ) -> Result<Client, String> {
        // Every watch has a closure of its own, so nothing is left for the common one.
        let connected = ZooKeeper::connect(&address.to_string(), timeout, |_: WatchedEvent| ()).await;
        let zookeeper =
            connected.map_err(|error| format!("the client cannot connect to the relay: {error}"))?;
        Ok(Client { zookeeper, chroot, probe_path, authenticated: false, track })
    }

    /// Sends credentials. Its reply comes out of band, so nothing else may be under way.
    pub(in super::super) async fn authenticate(&mut self, auth: &Auth) -> Result<(), String> {
        self.authenticated = true;
        let sent = self.zookeeper.add_auth(&auth.scheme, auth.credentials.clone().into_bytes()).await;
        sent.map_err(|error| match error {
            ZkError::AuthFailed => format!("the server rejects the {} credentials", auth.scheme),
            error => format!("{} authentication failed: {error}", auth.scheme),
        })
    }

    /// A write that is known to fail: the quorum orders it all the same, and no watch fires.
    ///
    /// # Errors
    ///
    /// Says what came back instead.
    pub(in super::super) async fn probe(&self) -> Result<(), String> {
        let error = match self.zookeeper.delete(&self.probe_path, None).await {
            Err(ZkError::NoNode) => return Ok(()),
            Err(error) => error,
            // There was something to delete where nothing ever is: this reply is not ours.
            Ok(()) => ZkError::DataInconsistency,
        };
        Err(match self.track.unknown_error() {
            Some(error) => format!("it answers error {}, {}", error.number(), error.meaning()),
            None => format!("a probe came back with {error} instead of the expected error"),
        })
    }

    /// Carries out a request and sends its answer, and then the event of its watch if it armed one.
    pub(in super::super) async fn carry_out(&self, op: OpId, request: Request, notices: NoticeSender) {
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
                self.create_sequential(&self.full(&path), data).await
            }
            Operation::Children { path, watch } => self.list(&self.full(&path), watch.then_some(arm)).await,
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

    /// With a watch, if there is something to arm.
    async fn list(&self, path: &str, watch: Option<&Arm>) -> Reply {
        let listed = match watch {
            Some(arm) => {
                let listed = self.zookeeper.get_children_w(path, arm.watcher()).await;
                if listed.is_err() {
                    arm.disarm();
                }
                listed
            }
            None => self.zookeeper.get_children(path, false).await,
        };
        listed.map_or_else(refused, |names| match TooLong::of(&names) {
            Some(TooLong { children, bytes }) => Reply::Refused(Refusal::TooManyChildren { children, bytes }),
            None => Reply::Children(names),
        })
    }

    async fn create_sequential(&self, path: &str, data: Vec<u8>) -> Reply {
        match self.zookeeper.create2(path, data, self.acl(), CreateMode::EphemeralSequential).await {
            Ok((created, stat)) if created.starts_with(path) => {
                let name = created.rsplit('/').next().unwrap_or_default().to_owned();
                Reply::CreatedSequential { name, stat: shorten(&stat) }
            }
            // It speaks of something else: what became of this one, nobody knows.
            Ok(_) => Reply::Unknown,
            Err(error) => not_created(error),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents() {
        assert_eq!(parent("/a/b/c"), Some("/a/b"));
        assert_eq!(parent("/a"), None);
    }
}
