//! A request becomes a reply.

use std::time::Duration;

use super::faults::{MemberId, ServerFaultKind};
use super::order::scatter;
use super::request;
use super::state::{Client, ConnectionId, State};
use super::touches::LEADER;
use super::tree::{Author, Done, Identity, Resume, Transaction, WatchKind, WatchMode};
use crate::wire::{Acl, Decoder, Encoder, ErrorCode, Malformed, OpCode, RequestHeader};

const PING_XID: i32 = -2;
/// In the answer to an operation that the server does not have.
const UNKNOWN_ZXID: i64 = -1;

/// A request that is being answered.
struct Call<'a> {
    id: ConnectionId,
    member: MemberId,
    session: i64,
    xid: i32,
    op: OpCode,
    path: Option<String>,
    body: Decoder<'a>,
}

impl State {
    /// Takes a frame of a client: answers it, or keeps it until there is a leader.
    pub(super) fn receive(&mut self, now: Duration, id: ConnectionId, body: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.received += 1;
        self.members[client.member].received += 1;
        if let Some(session) = client.session {
            let mut decoder = Decoder::new(&body);
            let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut decoder) else {
                return self.kick(id);
            };
            if op == OpCode::Auth {
                return self.authenticate(id, xid, &mut decoder);
            }
            if client.blocked.is_empty() {
                let path = request::path(op, decoder.clone());
                let call = Call { id, member: client.member, session, xid, op, path, body: decoder };
                if self.answer(now, call) {
                    return;
                }
            }
        } else if client.blocked.is_empty() && self.shake_hands(now, id, &body) {
            return;
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.blocked.push_back(body);
        }
    }

    /// Answers out of turn, as ZooKeeper does.
    fn authenticate(&mut self, id: ConnectionId, xid: i32, body: &mut Decoder<'_>) {
        let Ok((scheme, credentials)) = decode_auth(body) else { return self.kick(id) };
        let Some(client) = self.clients.get_mut(&id) else { return };
        let known = match scheme.as_str() {
            "digest" => Some(Identity::digest(&credentials)),
            "ip" => Some(Identity::ip(client.peer.ip())),
            _ => None,
        };
        let result = known.clone().map(|_| Encoder::new()).ok_or(ErrorCode::AuthFailed);
        client.identities.extend(known.filter(|identity| !client.identities.contains(identity)));
        let failed = result.is_err();
        self.reply(id, (xid, 0), (OpCode::Auth, None), result);
        if failed {
            self.finish(id);
        }
    }

    /// Says whether it is answered; if not, it needs a leader and there is none.
    fn answer(&mut self, now: Duration, mut call: Call<'_>) -> bool {
        let cut_off = self.is_cut_off(call.member);
        if !self.touch(now, call.member, call.session) {
            // Ended meanwhile, and about to be told so.
            return true;
        }
        if !request::is_known(call.op) {
            let about = (call.op, call.path.take());
            self.reply(call.id, (call.xid, UNKNOWN_ZXID), about, Err(ErrorCode::Unimplemented));
            self.finish(call.id);
            return true;
        }
        if cut_off && request::needs_leader(call.op) {
            return false;
        }
        if !cut_off && self.is_out_of_place(&call) {
            if request::is_write(call.op) {
                self.commit(now, Transaction::Failed(ErrorCode::SessionMoved));
            }
            self.kick(call.id);
            return true;
        }
        let result = match self.ordered_error(&call) {
            Some(error) => {
                if request::is_write(call.op) {
                    self.commit(now, Transaction::Failed(error));
                }
                Err(error)
            }
            None => self.carry_out(now, &mut call),
        };
        let xid = if call.op == OpCode::Ping { PING_XID } else { call.xid };
        let closing = call.op == OpCode::CloseSession && result.is_ok();
        self.reply(call.id, (xid, self.zxid(call.member)), (call.op, call.path), result);
        if closing {
            self.finish(call.id);
            self.end_connections(call.session);
        }
        true
    }

    /// Whether the leader sees the request, and sees that its session has moved to another member. That ends the
    /// connection, without a word. The others go on answering what they answer themselves.
    fn is_out_of_place(&self, call: &Call<'_>) -> bool {
        let seen = call.member == LEADER || request::is_write(call.op);
        seen && call.op != OpCode::CloseSession && self.has_moved(call.session, call.member)
    }

    fn has_moved(&self, session: i64, member: MemberId) -> bool {
        self.homes.get(&session).is_some_and(|home| *home != member)
    }

    /// The error that a fault wants to be answered.
    fn ordered_error(&mut self, call: &Call<'_>) -> Option<ErrorCode> {
        let strikes = |kind: &ServerFaultKind| match kind {
            ServerFaultKind::AnswerError(filter, _) => {
                filter.matches(call.op, call.path.as_deref(), Some(call.session))
            }
            _ => false,
        };
        let number = self.clients.get(&call.id).map_or(0, |client| client.received);
        match self.faults.strike_every((call.id, number), strikes)? {
            ServerFaultKind::AnswerError(_, error) => Some(*error),
            _ => None,
        }
    }

    fn carry_out(&mut self, now: Duration, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        match call.op {
            OpCode::Ping => Ok(Encoder::new()),
            op if request::is_write(op) => self.write(now, call),
            _ => self.read(call),
        }
    }

    /// What a client has asked for before it went reaches the leader.
    pub(super) fn receive_late(&mut self, now: Duration, client: Client) {
        let Some(session) = client.session else { return };
        for body in client.blocked {
            let mut body = Decoder::new(&body);
            let Ok(RequestHeader { op, .. }) = RequestHeader::decode(&mut body) else { return };
            if request::is_write(op) {
                let author = Author { session, identities: client.identities.clone() };
                let moved = op != OpCode::CloseSession && self.has_moved(session, client.member);
                let transaction = match moved {
                    true => Transaction::Failed(ErrorCode::SessionMoved),
                    false => request::transaction(op, &mut body, author).1,
                };
                self.commit(now, transaction);
            }
        }
    }

    fn identities(&self, id: ConnectionId) -> &[Identity] {
        self.clients.get(&id).map_or(&[], |client| &client.identities)
    }

    fn write(&mut self, now: Duration, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        let author = Author { session: call.session, identities: self.identities(call.id).to_vec() };
        let (kinds, transaction) = request::transaction(call.op, &mut call.body, author);
        let mut reply = Encoder::new();
        match self.commit(now, transaction).result? {
            Done::Multi(done) => encode_multi(&mut reply, &kinds, &done),
            Done::MultiFailed(errors) => encode_failed_multi(&mut reply, &errors),
            done => encode_done(&mut reply, call.op, &done),
        }
        Ok(reply)
    }

    fn read(&mut self, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        if matches!(call.op, OpCode::SetWatches | OpCode::SetWatches2) {
            let watches = readable(decode_resume(call.op, &mut call.body))?;
            self.set_watches(call, &watches);
            return Ok(Encoder::new());
        }
        let mut reply = Encoder::new();
        if call.op == OpCode::WhoAmI {
            reply.vector(self.identities(call.id).iter(), |reply, identity| {
                reply.string(&identity.scheme).string(identity.user());
            });
            return Ok(reply);
        }
        let path = readable(request::node(&mut call.body))?;
        match call.op {
            OpCode::Exists => {
                let watch = readable(call.body.bool())?;
                let stat = self.tree(call.member).stat(&path);
                // On a missing node, too: it is then a watch for its creation.
                if watch && stat != Err(ErrorCode::BadArguments) {
                    self.watch(call, WatchKind::Data, &path);
                }
                stat?.encode(&mut reply);
            }
            OpCode::GetData => {
                let watch = readable(call.body.bool())?;
                let (data, stat) = self.tree(call.member).data(&path, self.identities(call.id))?;
                if watch {
                    self.watch(call, WatchKind::Data, &path);
                }
                stat.encode(reply.nullable_buffer(data.as_deref()));
            }
            OpCode::GetChildren | OpCode::GetChildren2 => {
                let watch = readable(call.body.bool())?;
                let (mut names, stat) = self.tree(call.member).children(&path, self.identities(call.id))?;
                scatter(self.name_order, &mut names);
                if watch {
                    self.watch(call, WatchKind::Children, &path);
                }
                reply.vector(names.iter(), |reply, name| {
                    reply.string(name);
                });
                if call.op == OpCode::GetChildren2 {
                    stat.encode(&mut reply);
                }
            }
            OpCode::GetAcl => {
                let (acl, stat) = self.tree(call.member).acl(&path, self.identities(call.id))?;
                Acl::encode_all(&acl, &mut reply);
                stat.encode(&mut reply);
            }
            OpCode::Sync => drop(reply.string(&path)),
            OpCode::AddWatch => {
                let mode = readable(watch_mode(&mut call.body))?;
                self.members[call.member].watches.add_all(mode, &path, call.id);
                // An error code, which is always none.
                reply.int(0);
            }
            OpCode::CheckWatches | OpCode::RemoveWatches => {
                let kinds = readable(watch_kinds(&mut call.body))?;
                self.find_watches(call, kinds, &path)?;
            }
            _ => return Err(ErrorCode::Unimplemented),
        }
        Ok(reply)
    }

    // Watches.

    fn watch(&mut self, call: &Call<'_>, kind: WatchKind, path: &str) {
        self.members[call.member].watches.add(kind, path, call.id);
    }

    /// Looks for watches, and takes them away where that is what is asked.
    fn find_watches(&mut self, call: &Call<'_>, kinds: &[WatchKind], path: &str) -> Result<(), ErrorCode> {
        let watches = &mut self.members[call.member].watches;
        let mut found = false;
        for kind in kinds {
            found |= match call.op {
                OpCode::RemoveWatches => watches.remove(*kind, path, call.id),
                // ZooKeeper only looks whether anybody watches, and so does this.
                _ => watches.is_watched(*kind, path),
            };
        }
        if found { Ok(()) } else { Err(ErrorCode::NoWatcher) }
    }

    /// A client is back: tells it what it has missed, and arms the rest.
    fn set_watches(&mut self, call: &Call<'_>, wanted: &Resume) {
        let mut watches = std::mem::take(&mut self.members[call.member].watches);
        let events = watches.resume(call.id, self.tree(call.member), wanted);
        self.members[call.member].watches = watches;
        for event in events {
            self.send_event(call.id, event);
        }
    }
}

/// What single writes and the parts of a multi are answered with.
fn encode_done(reply: &mut Encoder, op: OpCode, done: &Done) {
    match done {
        Done::Created { path, stat } => {
            reply.string(path);
            if op != OpCode::Create {
                stat.encode(reply);
            }
        }
        Done::DataSet(stat) | Done::AclSet(stat) => stat.encode(reply),
        _ => {}
    }
}

fn encode_multi(reply: &mut Encoder, kinds: &[OpCode], done: &[Done]) {
    for (kind, done) in kinds.iter().zip(done) {
        // Of all creates, only that of a container tells its stat here.
        let kind = if *kind == OpCode::CreateContainer { OpCode::Create2 } else { *kind };
        reply.int(kind.number()).bool(false).int(0);
        encode_done(reply, kind, done);
    }
    reply.int(-1).bool(true).int(-1);
}

fn encode_failed_multi(reply: &mut Encoder, errors: &[Option<ErrorCode>]) {
    for error in errors {
        let number = error.map_or(0, ErrorCode::number);
        reply.int(-1).bool(false).int(number).int(number);
    }
    reply.int(-1).bool(true).int(-1);
}

fn readable<T>(decoded: Result<T, Malformed>) -> Result<T, ErrorCode> {
    decoded.map_err(|_| ErrorCode::MarshallingError)
}

fn decode_auth(body: &mut Decoder<'_>) -> Result<(String, Vec<u8>), Malformed> {
    body.int()?;
    Ok((body.lossy_string()?.unwrap_or_default(), body.buffer()?))
}

fn decode_resume(op: OpCode, body: &mut Decoder<'_>) -> Result<Resume, Malformed> {
    let mut wanted = Resume {
        since: body.long()?,
        data: body.vector(request::node)?,
        exist: body.vector(request::node)?,
        children: body.vector(request::node)?,
        ..Resume::default()
    };
    if op == OpCode::SetWatches2 {
        wanted.persistent = body.vector(request::node)?;
        wanted.recursive = body.vector(request::node)?;
    }
    Ok(wanted)
}

fn watch_mode(body: &mut Decoder<'_>) -> Result<WatchMode, Malformed> {
    match body.int()? {
        0 => Ok(WatchMode::Persistent),
        1 => Ok(WatchMode::Recursive),
        _ => Err(Malformed { expected: "a mode of watching", offset: 0 }),
    }
}

fn watch_kinds(body: &mut Decoder<'_>) -> Result<&'static [WatchKind], Malformed> {
    match body.int()? {
        1 => Ok(&[WatchKind::Children]),
        2 => Ok(&[WatchKind::Data]),
        3 => Ok(&[WatchKind::Children, WatchKind::Data]),
        _ => Err(Malformed { expected: "a kind of watch", offset: 0 }),
    }
}
