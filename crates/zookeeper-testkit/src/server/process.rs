//! A request becomes a reply.

use std::fmt;
use std::time::Duration;

use super::faults::{MemberId, ServerFaultKind};
use super::reads::readable;
use super::request;
use super::state::{Client, ConnectionId, State, Waiting};
use super::touches::LEADER;
use super::tree::{Author, Done, Identity, Transaction};
use crate::wire::{Decoder, Encoder, ErrorCode, Malformed, OpCode, RequestHeader, xid};

/// In the answer to an operation that the server does not have.
const UNKNOWN_ZXID: i64 = -1;

/// A request that is being answered.
pub(super) struct Call<'a> {
    pub(super) id: ConnectionId,
    pub(super) member: MemberId,
    pub(super) session: i64,
    /// When it came.
    since: Duration,
    xid: i32,
    pub(super) op: OpCode,
    path: Option<String>,
    pub(super) body: Decoder<'a>,
}

impl State {
    /// Takes a frame of a client: answers it, or keeps it until there is a leader.
    pub(super) fn receive(&mut self, now: Duration, id: ConnectionId, body: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.received += 1;
        let figures = &mut self.members[client.member].figures;
        figures.received += 1;
        // Its length, and the four bytes that say it.
        figures.received_bytes += 4 + body.len() as u64;
        if client.session.is_some() {
            let mut decoder = Decoder::new(&body);
            let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut decoder) else {
                return self.kick(id);
            };
            if op == OpCode::Auth {
                return self.authenticate(id, xid, &mut decoder);
            }
        }
        let frame = Waiting { since: now, body };
        if client.blocked.is_empty() && self.take(now, id, &frame) {
            return;
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.blocked.push_back(frame);
        }
    }

    /// Answers what a client was kept waiting with, as far as there is a leader and the client takes what it is answered.
    /// Says whether there was any.
    pub(super) fn go_on(&mut self, now: Duration, id: ConnectionId) -> bool {
        let mut any = false;
        while !self.is_paused() && !self.is_full(id) {
            if self.clients.get(&id).is_none_or(|client| self.is_cut_off(client.member)) {
                break;
            }
            let Some(frame) = self.clients.get_mut(&id).and_then(|client| client.blocked.pop_front()) else {
                break;
            };
            // There is a leader, so it is settled.
            any |= self.take(now, id, &frame);
        }
        any
    }

    /// Answers a frame whose turn it is. Says whether that is settled; if not, it needs a leader and there is none.
    fn take(&mut self, now: Duration, id: ConnectionId, Waiting { since, body }: &Waiting) -> bool {
        let Some(client) = self.clients.get(&id) else { return true };
        let Some(session) = client.session else { return self.shake_hands(now, id, body) };
        let mut decoder = Decoder::new(body);
        let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut decoder) else { return true };
        let path = request::path(op, decoder.clone());
        let (member, since) = (client.member, *since);
        self.answer(now, Call { id, member, session, since, xid, op, path, body: decoder })
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
            tracing::info!("session {:#x} asked for {}, which there is not", call.session, call.op);
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
        let xid = if call.op == OpCode::Ping { xid::PING } else { call.xid };
        let told: &dyn fmt::Display = result.as_ref().err().map_or(&"done", |error| error);
        let path = call.path.as_deref().unwrap_or_default().escape_debug();
        tracing::debug!("session {:#x}: {} {path}: {told}", call.session, call.op);
        let took = now.saturating_sub(call.since).as_millis();
        self.members[call.member].figures.latency.add(u64::try_from(took).unwrap_or(u64::MAX));
        let closing = call.op == OpCode::CloseSession && result.is_ok();
        self.reply(call.id, (xid, self.zxid(call.member)), (call.op, call.path), result);
        if closing {
            tracing::info!("session {:#x} closed by its client", call.session);
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
        for Waiting { body, .. } in client.blocked {
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

    pub(super) fn identities(&self, id: ConnectionId) -> &[Identity] {
        self.clients.get(&id).map_or(&[], |client| &client.identities)
    }

    fn write(&mut self, now: Duration, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        if call.op == OpCode::Reconfig {
            // Of all writes, it alone takes no zxid where it cannot be read.
            readable(request::decode_reconfig(&mut call.body.clone()))?;
        }
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

fn decode_auth(body: &mut Decoder<'_>) -> Result<(String, Vec<u8>), Malformed> {
    body.int()?;
    Ok((body.lossy_string()?.unwrap_or_default(), body.buffer()?))
}
