//! What a server knows, behind its lock: the machine, its members and their clients.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::beginning;
use super::expiry::Expiry;
use super::faults::{MemberId, ServerFaultKind};
use super::figures::Figures;
use super::storage::Storage;
use super::touches::Touched;
use super::tree::{Change, Fired, Identity, Machine, Outcome, Transaction, Tree, Watches};
use crate::faults::Faults;
use crate::wire::{Encoder, ErrorCode, OpCode, ReplyHeader, WatcherEvent, xid};

/// The number of a connection, in the order of their being accepted, from 1.
pub type ConnectionId = u64;

/// The zxid in the header of an event says nothing.
const EVENT_ZXID: i64 = -1;

pub(super) struct State {
    pub(super) machine: Machine,
    /// Where the machine is kept, if anywhere.
    pub(super) storage: Option<Storage>,
    pub(super) expiry: Expiry,
    pub(super) members: Vec<Member>,
    pub(super) clients: BTreeMap<ConnectionId, Client>,
    /// The connection of each session that has one.
    pub(super) owners: HashMap<i64, ConnectionId>,
    /// The member where each session was last opened or attached to.
    pub(super) homes: HashMap<i64, MemberId>,
    /// Those that have gone while writes of theirs were on their way to the leader.
    pub(super) orphans: Vec<Client>,
    pub(super) faults: Faults<ServerFaultKind>,
    pub(super) next_connection: ConnectionId,
    pub(super) next_session: i64,
    /// What the order of names in replies is made from.
    pub(super) name_order: u64,
    pub(super) max_queued: usize,
    pub(super) stopped: bool,
}

/// One server of the ensemble, as far as it differs from the others.
#[derive(Default)]
pub(super) struct Member {
    pub(super) listening: bool,
    pub(super) watches: Watches,
    pub(super) touched: Touched,
    /// What it goes on answering from while it is cut off.
    pub(super) stale: Option<Stale>,
    /// Cut off for so long that it has noticed: it serves nobody.
    pub(super) out_of_service: bool,
    pub(super) figures: Figures,
}

/// A member's view since it was cut off.
pub(super) struct Stale {
    pub(super) tree: Tree,
    pub(super) zxid: i64,
    pub(super) since: Duration,
    /// What it has not heard of yet.
    pub(super) missed: Vec<Change>,
}

pub(super) struct Client {
    pub(super) member: MemberId,
    pub(super) peer: SocketAddr,
    pub(super) outgoing: UnboundedSender<Outgoing>,
    /// Notified when the server ends the connection.
    pub(super) kicked: Arc<Notify>,
    /// Notified when there is room for further replies.
    pub(super) drained: Arc<Notify>,
    /// The bytes that it has not been sent yet.
    pub(super) queued: usize,
    pub(super) session: Option<i64>,
    pub(super) timeout: Duration,
    pub(super) identities: Vec<Identity>,
    /// Requests that wait for the leader, and all behind them; then, for the client to take what it is answered.
    pub(super) blocked: VecDeque<Waiting>,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) frames: u64,
}

/// A frame of a client that is not answered yet.
pub(super) struct Waiting {
    /// When it came.
    pub(super) since: Duration,
    pub(super) body: Vec<u8>,
}

/// What a connection has to write.
#[derive(Debug)]
pub(super) enum Outgoing {
    Frame {
        bytes: Vec<u8>,
        /// Its number on its connection.
        number: u64,
        /// How many records have to be on the disk before anybody may read this.
        records: u64,
        at: Instant,
        session: Option<i64>,
        /// What it answers, if it is not the handshake's.
        reply: Option<(OpCode, Option<String>)>,
    },
    Close,
}

impl State {
    // Reading.

    pub(super) fn tree(&self, member: MemberId) -> &Tree {
        self.members[member].stale.as_ref().map_or(self.machine.tree(), |stale| &stale.tree)
    }

    pub(super) fn zxid(&self, member: MemberId) -> i64 {
        self.members[member].stale.as_ref().map_or(self.machine.last_zxid(), |stale| stale.zxid)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.faults.iter().any(|fault| *fault == ServerFaultKind::Pause)
    }

    pub(super) fn leader_is_paused(&self) -> bool {
        self.faults.iter().any(|fault| *fault == ServerFaultKind::PauseLeader)
    }

    /// Whether this member cannot reach a leader that works.
    pub(super) fn is_cut_off(&self, member: MemberId) -> bool {
        self.members[member].stale.is_some() || self.leader_is_paused()
    }

    // Transactions.

    /// Applies a transaction, and sends the events that it causes.
    pub(super) fn commit(&mut self, now: Duration, transaction: Transaction) -> Outcome {
        let outcome = self.apply(now, transaction);
        for member in 0..self.members.len() {
            let member = &mut self.members[member];
            match &mut member.stale {
                Some(stale) => stale.missed.extend(outcome.changes.iter().cloned()),
                None => {
                    let events = member.watches.fire(&outcome.changes);
                    self.send_events(events);
                }
            }
        }
        outcome
    }

    fn apply(&mut self, now: Duration, transaction: Transaction) -> Outcome {
        let Some(storage) = &mut self.storage else { return self.machine.apply(now, transaction) };
        let prepared = Storage::prepare(self.machine.wall(now), &transaction);
        let outcome = self.machine.apply(now, transaction);
        storage.applied(prepared, &outcome, &self.machine);
        outcome
    }

    /// Ends a session that has not asked for it. Its client sees its connection close, and nothing else; unless it is at
    /// a member that is cut off, and sees nothing at all.
    pub(super) fn expire(&mut self, now: Duration, session: i64) {
        tracing::info!("session {session:#x} expired");
        self.end_connections(session);
        self.commit(now, Transaction::CloseSession { id: session });
    }

    /// A session ends: so do its connections, where that can be known.
    pub(super) fn end_connections(&mut self, session: i64) {
        self.owners.remove(&session);
        self.homes.remove(&session);
        let stale: Vec<_> = self.members.iter().map(|member| member.stale.is_some()).collect();
        self.kick_session(session, |client| !stale[client.member]);
    }

    pub(super) fn sweep_containers(&mut self, now: Duration) {
        for path in self.machine.tree().idle_containers() {
            tracing::info!("container {path:?} is empty, and goes");
            self.commit(now, Transaction::Sweep { path });
        }
    }

    // Connections.

    /// The server ends a connection now. What is queued still goes out, unless a fault holds it or the client does not
    /// take it.
    pub(super) fn kick(&mut self, id: ConnectionId) {
        if let Some(client) = self.clients.get(&id) {
            client.kicked.notify_one();
        }
        self.finish(id);
    }

    /// The server ends a connection once its last reply has gone out, however long that takes.
    pub(super) fn finish(&mut self, id: ConnectionId) {
        if let Some(client) = self.clients.get(&id) {
            // Fails where the connection is ending already.
            let _ = client.outgoing.send(Outgoing::Close);
        }
        self.forget(id);
    }

    /// Forgets a connection that is ending, though not the writes that are on their way to the leader.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        let Some(client) = self.clients.remove(&id) else { return };
        self.members[client.member].watches.forget(id);
        if let Some(session) = client.session
            && self.owners.get(&session) == Some(&id)
        {
            self.owners.remove(&session);
        }
        if client.session.is_some() && !client.blocked.is_empty() {
            self.orphans.push(client);
        }
    }

    pub(super) fn kick_all(&mut self, member: Option<MemberId>) {
        self.kick_those(|client| member.is_none_or(|member| client.member == member));
    }

    /// Those of a session's connections that are chosen: it has several where it has moved.
    pub(super) fn kick_session(&mut self, session: i64, chosen: impl Fn(&Client) -> bool) {
        self.kick_those(|client| client.session == Some(session) && chosen(client));
    }

    fn kick_those(&mut self, chosen: impl Fn(&Client) -> bool) {
        let chosen = self.clients.iter().filter(|(_, client)| chosen(client));
        let ids: Vec<_> = chosen.map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.kick(id));
    }

    // Sending.

    fn send_events(&mut self, fired: Vec<Fired>) {
        for fired in fired {
            let watcher = self.clients.get(&fired.watcher);
            if watcher.is_some_and(|client| fired.may_be_told(&client.identities)) {
                self.send_event(fired.watcher, fired.event);
            }
        }
    }

    pub(super) fn send_event(&mut self, id: ConnectionId, event: WatcherEvent) {
        let mut body = Encoder::new();
        ReplyHeader { xid: xid::EVENT, zxid: EVENT_ZXID, error: None }.encode(&mut body);
        event.encode(&mut body);
        self.send(id, body.finish(), Some((OpCode::Notification, Some(event.path))));
    }

    /// A reply: its body follows where there is no error.
    pub(super) fn reply(
        &mut self,
        id: ConnectionId,
        (xid, zxid): (i32, i64),
        about: (OpCode, Option<String>),
        result: Result<Encoder, ErrorCode>,
    ) {
        let mut frame = Encoder::new();
        ReplyHeader { xid, zxid, error: result.as_ref().err().copied() }.encode(&mut frame);
        let mut frame = frame.finish();
        frame.extend(result.map(Encoder::finish).unwrap_or_default());
        self.send(id, frame, Some(about));
    }

    pub(super) fn send(&mut self, id: ConnectionId, body: Vec<u8>, reply: Option<(OpCode, Option<String>)>) {
        let (length, records) = (body.len(), self.records());
        let Some(client) = self.clients.get_mut(&id) else { return };
        let frame = Outgoing::Frame {
            bytes: body,
            number: client.frames,
            records,
            at: Instant::now(),
            session: client.session,
            reply,
        };
        client.frames += 1;
        client.sent += 1;
        client.queued += length;
        let figures = &mut self.members[client.member].figures;
        figures.sent += 1;
        figures.reply.add(length as u64);
        // Fails where the connection is ending already.
        let _ = client.outgoing.send(frame);
    }

    /// How many records have to be on the disk before anybody may know what is known now.
    pub(super) fn records(&self) -> u64 {
        self.storage.as_ref().map_or(0, Storage::records)
    }

    /// Whether so much waits for this client that nothing more is to be asked by it.
    pub(super) fn is_full(&self, id: ConnectionId) -> bool {
        self.clients.get(&id).is_some_and(|client| client.queued > self.max_queued)
    }

    /// A client has been sent so many bytes, or never will be. Says whether that had anything else happen.
    pub(super) fn sent(&mut self, now: Duration, id: ConnectionId, bytes: usize) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        client.queued = client.queued.saturating_sub(bytes);
        if client.queued <= self.max_queued {
            client.drained.notify_one();
        }
        self.go_on(now, id)
    }

    // Members cut off, and back.

    /// From now on the member knows nothing of what happens.
    pub(super) fn isolate(&mut self, now: Duration, member: MemberId) {
        let (tree, zxid) = (self.machine.tree().clone(), self.machine.last_zxid());
        let stale = Stale { tree, zxid, since: now, missed: Vec::new() };
        if let Some(member) = self.members.get_mut(member) {
            member.stale.get_or_insert(stale);
        }
    }

    /// The member has been without a leader for so long that it gives up its clients.
    pub(super) fn give_up(&mut self, member: MemberId) {
        self.members[member].out_of_service = true;
        self.members[member].touched = Touched::default();
        self.kick_all(Some(member));
        self.orphans.retain(|client| client.member != member);
    }

    /// The member hears of everything that it has missed, and then the leader of what it wants.
    pub(super) fn rejoin(&mut self, now: Duration, member: MemberId) {
        let Some(back) = self.members.get_mut(member) else { return };
        back.out_of_service = false;
        let Some(stale) = back.stale.take() else { return };
        let events = back.watches.fire(&stale.missed);
        self.send_events(events);
        if !self.leader_is_paused() {
            self.expire_overdue(now);
        }
        self.drop_ended(member);
        if !self.leader_is_paused() {
            self.unblock(now);
        }
    }

    /// Sessions that have ended while the member could not know.
    fn drop_ended(&mut self, member: MemberId) {
        let of_member = self.clients.values().filter(|client| client.member == member);
        let sessions = of_member.filter_map(|client| client.session);
        let ended: Vec<_> = sessions.filter(|session| !self.machine.has_session(*session)).collect();
        ended.into_iter().for_each(|session| self.end_connections(session));
    }

    /// The leader hears of the clients that there are, and then what they asked for while it could not be reached, in the
    /// order of their connections.
    pub(super) fn unblock(&mut self, now: Duration) {
        self.report_all(now);
        let cut_off = |client: &Client| self.members[client.member].stale.is_some();
        let (kept, arriving) = std::mem::take(&mut self.orphans).into_iter().partition(cut_off);
        self.orphans = kept;
        let arriving: Vec<Client> = arriving;
        for orphan in arriving {
            self.receive_late(now, orphan);
        }
        self.go_on_all(now);
    }

    /// Answers what clients were kept waiting with.
    pub(super) fn go_on_all(&mut self, now: Duration) {
        let ids: Vec<_> = self.clients.keys().copied().collect();
        for id in ids {
            self.go_on(now, id);
        }
    }

    /// Starts anew, with or without what was there.
    pub(super) fn restart(&mut self, now: Duration, empty: Option<Machine>) {
        self.kick_all(None);
        self.expiry.restart();
        self.owners.clear();
        self.homes.clear();
        self.orphans.clear();
        match empty {
            Some(machine) => {
                self.machine = machine;
                if let Some(storage) = &mut self.storage {
                    storage.wiped();
                }
            }
            None => self.machine.restart(now),
        }
        if self.members.len() > 1 {
            // Another leader.
            let epoch = (self.machine.last_zxid() >> 32) + 1;
            self.machine.begin_epoch(i32::try_from(epoch).unwrap_or(i32::MAX));
            beginning::reached(self.machine.last_zxid());
            if let Some(storage) = &mut self.storage {
                storage.begun(self.machine.last_zxid());
            }
        }
        for member in self.members.iter_mut() {
            (member.watches, member.touched) = (Watches::new(), Touched::default());
            member.figures = Figures::starting(now);
        }
        for member in 0..self.members.len() {
            if self.members[member].stale.take().is_some() {
                self.isolate(now, member);
            }
        }
    }
}
