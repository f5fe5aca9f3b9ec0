//! The server, asked what the tree is asked.

use std::net::SocketAddr;

use actix_election_core::{Operation, Refusal, Reply, Stat, Znode};
use zookeeper_testkit::wire::{self, Acl, Decoder, Encoder, ErrorCode, OpCode};

use crate::common::frames::{Answer, Frames, create, set_data, versioned, watched};
use crate::tree::{Hand, PARENT, PATH};

/// Kind and path.
pub(crate) type Event = (i32, String);

const EPHEMERAL: i32 = 1;
const EPHEMERAL_SEQUENTIAL: i32 = 3;

pub(crate) struct Real {
    server: SocketAddr,
    clients: Vec<Frames>,
    /// Who watches nothing.
    hand: Frames,
    /// What each client has heard up to its last answer.
    heard: Vec<Vec<Event>>,
}

impl Real {
    pub(crate) async fn start(server: SocketAddr, clients: usize) -> Self {
        let mut all = Vec::new();
        for _ in 0..clients {
            all.push(Frames::connect(server).await);
        }
        Real { server, clients: all, hand: Frames::connect(server).await, heard: vec![Vec::new(); clients] }
    }

    pub(crate) fn session(&self, client: usize) -> i64 {
        self.clients[client].session
    }

    /// What it answers, with the number of its transaction.
    pub(crate) async fn ask(&mut self, client: usize, operation: &Operation) -> (i64, Reply) {
        let (op, body) = match operation {
            Operation::Create { path, data } => {
                (OpCode::Create2, create(path, data, &Acl::open(), EPHEMERAL))
            }
            Operation::CreateSequential { path, data } => {
                (OpCode::Create2, create(path, data, &Acl::open(), EPHEMERAL_SEQUENTIAL))
            }
            Operation::CreateParents { path } => return self.create_parents(client, path).await,
            Operation::Read { path, watch } => (OpCode::GetData, watched(path, *watch)),
            Operation::Confirm { path } => (OpCode::GetData, watched(path, false)),
            Operation::Exists { path } => (OpCode::Exists, watched(path, true)),
            Operation::Children { path, watch } => (OpCode::GetChildren, watched(path, *watch)),
            Operation::Delete { path } => (OpCode::Delete, versioned(path, -1)),
        };
        let answer = self.call(client, op, body).await;
        (answer.header.zxid, reply(operation, &answer))
    }

    async fn create_parents(&mut self, client: usize, path: &str) -> (i64, Reply) {
        let mut zxid = 0;
        for (end, _) in path.match_indices('/').filter(|(end, _)| *end > 0) {
            let answer = self.call(client, OpCode::Create, create(&path[..end], b"", &Acl::open(), 0)).await;
            assert!(matches!(answer.error(), None | Some(ErrorCode::NodeExists)), "{answer:?}");
            zxid = answer.header.zxid;
        }
        (zxid, Reply::Done)
    }

    async fn call(&mut self, client: usize, op: OpCode, body: Encoder) -> Answer {
        let answer = self.clients[client].call(op, body).await;
        self.heard[client].extend(answer.events.iter().cloned());
        answer
    }

    /// Whether it can be done is for the tree to know: nobody looks at the answer.
    pub(crate) async fn by_hand(&mut self, hand: &Hand) -> i64 {
        let answer = match hand {
            Hand::Create { path, data, .. } => {
                self.hand.call(OpCode::Create, create(path, data, &Acl::open(), 0)).await
            }
            Hand::Overwrite(path) => {
                self.hand.call(OpCode::SetData, set_data(path, b"overwritten", -1)).await
            }
            Hand::Delete(path) => self.hand.delete(path).await,
            Hand::Deny(_) => panic!("no step denies anything"),
        };
        answer.header.zxid
    }

    /// Ends the session of a client, and begins another.
    pub(crate) async fn renew(&mut self, client: usize) -> i64 {
        let closed = self.clients[client].call(OpCode::CloseSession, Encoder::new()).await;
        assert!(self.clients[client].is_closed().await);
        self.clients[client] = Frames::connect(self.server).await;
        closed.header.zxid
    }

    /// What each client has heard since it was asked last.
    pub(crate) async fn heard(&mut self) -> Vec<Vec<Event>> {
        for (client, heard) in self.clients.iter_mut().zip(&mut self.heard) {
            heard.extend(client.ping().await.events);
        }
        let nothing = vec![Vec::new(); self.clients.len()];
        std::mem::replace(&mut self.heard, nothing)
    }

    /// Leaves nothing behind.
    pub(crate) async fn end(mut self) {
        for client in &mut self.clients {
            client.call(OpCode::CloseSession, Encoder::new()).await;
        }
        for path in [PATH, PARENT] {
            self.hand.delete(path).await;
        }
        self.hand.call(OpCode::CloseSession, Encoder::new()).await;
    }
}

/// What the adapter makes of an answer.
fn reply(operation: &Operation, answer: &Answer) -> Reply {
    let creates = matches!(operation, Operation::Create { .. } | Operation::CreateSequential { .. });
    match answer.error() {
        Some(ErrorCode::NoNode) if creates => Reply::Refused(Refusal::NoParent),
        Some(ErrorCode::NoNode) => Reply::Missing,
        Some(ErrorCode::NodeExists) => Reply::Refused(Refusal::NodeExists),
        Some(ErrorCode::NoChildrenForEphemerals) => Reply::Refused(Refusal::EphemeralParent),
        Some(ErrorCode::NotEmpty) => {
            Reply::Refused(Refusal::Other { code: -111, meaning: "the znode has children" })
        }
        Some(error) => panic!("{operation:?} is answered by {error:?}"),
        None => answer.decode(|body| read(operation, body)),
    }
}

fn read(operation: &Operation, body: &mut Decoder<'_>) -> Reply {
    let stat = |body: &mut Decoder<'_>| {
        let wire::Stat { czxid, ephemeral_owner, .. } = wire::Stat::decode(body).unwrap();
        Stat { czxid, ephemeral_owner }
    };
    match operation {
        Operation::Create { .. } => {
            body.string().unwrap();
            Reply::Created(stat(body))
        }
        Operation::CreateSequential { .. } => {
            let path = body.string().unwrap();
            let name = path.rsplit('/').next().unwrap().to_owned();
            Reply::CreatedSequential { name, stat: stat(body) }
        }
        Operation::Read { .. } | Operation::Confirm { .. } => {
            let data = body.buffer().unwrap().to_vec();
            Reply::Found(Znode { data, stat: stat(body) })
        }
        Operation::Exists { .. } => Reply::Found(Znode { data: Vec::new(), stat: stat(body) }),
        Operation::Children { .. } => Reply::Children(body.vector(Decoder::string).unwrap()),
        Operation::Delete { .. } | Operation::CreateParents { .. } => Reply::Done,
    }
}
