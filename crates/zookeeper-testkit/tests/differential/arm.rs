//! One server that is asked, and what it answers in a form that can be compared.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, Decoder, Encoder, ErrorCode, Malformed, OpCode, ReplyHeader, Stat};

use crate::common::frames::{Came, Frames};
use crate::steps::{Ask, CLIENTS, Step};

pub(crate) struct Arm {
    server: SocketAddr,
    root: String,
    clients: Vec<Frames>,
    /// The zxid at the beginning.
    base: i64,
    /// Sessions by their numbers in the order of their opening.
    sessions: BTreeMap<i64, usize>,
}

impl Arm {
    pub(crate) async fn start(server: SocketAddr, root: &str) -> Self {
        let mut arm =
            Self { server, root: root.to_owned(), clients: Vec::new(), base: 0, sessions: BTreeMap::new() };
        for _ in 0..CLIENTS {
            let client = arm.connect().await;
            arm.clients.push(client);
        }
        let created = arm.clients[0].create(root).await;
        arm.base = created.header.zxid;
        arm
    }

    pub(crate) async fn end(self) {
        for mut client in self.clients {
            client.call(OpCode::CloseSession, Encoder::new()).await;
        }
    }

    async fn connect(&mut self) -> Frames {
        let client = Frames::connect(self.server).await;
        self.sessions.insert(client.session, self.sessions.len() + 1);
        client
    }

    /// Does a step, and tells all that any client sees of it.
    pub(crate) async fn perform(&mut self, step: &Step) -> String {
        let mut seen = match step {
            Step::Ask(client, asks) => self.ask(*client, asks).await,
            Step::Auth(client, scheme, credentials) => {
                let answer = self.clients[*client].auth(scheme, credentials.as_bytes()).await;
                format!("{:?} zxid {}", answer.header.error, answer.header.zxid)
            }
            Step::Renew(client) => {
                let closed = self.clients[*client].call(OpCode::CloseSession, Encoder::new()).await;
                // The ephemeral nodes of a session go in no order.
                let mut events = closed.events.clone();
                events.sort();
                let is_closed = self.clients[*client].is_closed().await;
                self.clients[*client] = self.connect().await;
                format!("{events:?} {} {is_closed}", self.header(&closed.header))
            }
            Step::Reattach(client) => {
                let attached = self.clients[*client].attach(self.server).await;
                let is_closed = self.clients[*client].is_closed().await;
                self.clients[*client] = attached;
                format!("attached, the other closed: {is_closed}")
            }
        };
        let in_no_order = matches!(step, Step::Renew(_));
        for client in 0..CLIENTS {
            let mut answer = self.clients[client].ping().await;
            if in_no_order {
                answer.events.sort();
            }
            let header = self.header(&answer.header);
            if !answer.events.is_empty() {
                seen += &format!("; client {client} hears {:?}", answer.events);
            }
            seen += &format!("; ping {header}");
        }
        seen
    }

    /// Sends everything at once, and tells what comes back.
    async fn ask(&mut self, client: usize, asks: &[Ask]) -> String {
        let mut bytes = Vec::new();
        let mut ops = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            let (op, body) = ask.encode(&self.root, self.base);
            bytes.extend(Frames::with_body(1_000 + index as i32, op, &body));
            ops.push(op);
        }
        self.clients[client].write(&bytes).await;
        let mut seen = Vec::new();
        let mut replies = 0;
        while replies < ops.len() {
            match self.clients[client].next().await {
                Came::Event(zxid, event) => {
                    seen.push(format!("event {} {} {} zxid {zxid}", event.kind, event.state, event.path));
                }
                Came::Reply(header, body) => {
                    let xid = header.xid - 1_000;
                    let read = match header.error {
                        Some(_) => format!("{} bytes", body.len()),
                        None => self
                            .body(ops[replies], &mut Decoder::new(&body))
                            .unwrap_or_else(|error| error.to_string()),
                    };
                    seen.push(format!("{xid}: {} {read}", self.header(&header)));
                    replies += 1;
                }
                Came::Closed => {
                    seen.push("closed".to_owned());
                    self.clients[client] = self.connect().await;
                    break;
                }
            }
        }
        seen.join(", ")
    }

    fn header(&self, header: &ReplyHeader) -> String {
        let error = header.error.map_or_else(String::new, |error: ErrorCode| format!(" {error}"));
        format!("@{}{error}", header.zxid - self.base)
    }

    fn body(&self, op: OpCode, body: &mut Decoder<'_>) -> Result<String, Malformed> {
        let read = match op {
            OpCode::Create | OpCode::Sync => body.string()?,
            OpCode::Create2 | OpCode::CreateContainer => format!("{} {}", body.string()?, self.stat(body)?),
            OpCode::SetData | OpCode::SetAcl | OpCode::Exists => self.stat(body)?,
            OpCode::GetData => format!("{:?} {}", body.nullable_buffer()?, self.stat(body)?),
            OpCode::GetChildren => names(body)?,
            OpCode::GetChildren2 => format!("{} {}", names(body)?, self.stat(body)?),
            OpCode::GetAcl => {
                // Who has shown several credentials has them in no order.
                let mut acl = Acl::decode_all(body)?;
                acl.sort_by_key(|entry| (entry.permissions, entry.scheme.clone(), entry.id.clone()));
                format!("{acl:?} {}", self.stat(body)?)
            }
            OpCode::Multi | OpCode::MultiRead => self.parts(body)?,
            OpCode::GetEphemerals => names(body)?,
            OpCode::GetAllChildrenNumber => body.int()?.to_string(),
            OpCode::AddWatch => body.int()?.to_string(),
            _ => String::new(),
        };
        Ok(if body.is_empty() { read } else { format!("{read} and more") })
    }

    fn parts(&self, body: &mut Decoder<'_>) -> Result<String, Malformed> {
        let mut parts = Vec::new();
        loop {
            let (kind, done, error) = (body.int()?, body.bool()?, body.int()?);
            if done {
                return Ok(format!("[{}] {kind} {error}", parts.join(", ")));
            }
            let read = match kind {
                1 => body.string()?,
                15 => format!("{} {}", body.string()?, self.stat(body)?),
                5 => self.stat(body)?,
                4 => format!("{:?} {}", body.nullable_buffer()?, self.stat(body)?),
                8 => names(body)?,
                -1 => body.int()?.to_string(),
                _ => String::new(),
            };
            parts.push(format!("{kind}/{error} {read}"));
        }
    }

    fn stat(&self, body: &mut Decoder<'_>) -> Result<String, Malformed> {
        let stat = Stat::decode(body)?;
        let owner = match stat.ephemeral_owner {
            0 => 0,
            session => self.sessions.get(&session).copied().unwrap_or(usize::MAX),
        };
        let [czxid, mzxid, pzxid] = [stat.czxid, stat.mzxid, stat.pzxid].map(|zxid| zxid - self.base);
        Ok(format!(
            "(c {czxid} m {mzxid} p {pzxid} v {} c {} a {} owner {owner} length {} children {})",
            stat.version, stat.cversion, stat.aversion, stat.data_length, stat.children
        ))
    }
}

fn names(body: &mut Decoder<'_>) -> Result<String, Malformed> {
    let mut names = body.vector(Decoder::string)?;
    names.sort();
    Ok(format!("{names:?}"))
}
