//! Servers and their clients: handshakes, requests in order, watches.

use actix_election_core::{OpId, Operation, Reply, WatchEvent};

use crate::fifo::Fifo;
use crate::server::{Mode, Origin, Served, ServerId, ToClient, ToServer, Waiting, WireId};
use crate::tree::{Watched, Write};
use crate::world::World;

/// A connection between a process and a server. Either side can be gone while the other does not know it yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Wire {
    pub(crate) process: usize,
    pub(crate) server: ServerId,
    pub(crate) up: Fifo<ToServer>,
    pub(crate) down: Fifo<ToClient>,
    pub(crate) held: bool,
    pub(crate) served: Option<Served>,
}

impl World {
    pub(crate) fn tell_client(&mut self, id: WireId, message: ToClient) {
        let at = self.now + self.latency();
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.down.send(at, message);
        }
    }

    pub(crate) fn drop_wire(&mut self, s: ServerId, id: WireId) {
        self.server(s).watches.retain(|(_, wire, _)| *wire != id);
        if self.wires.get_mut(&id).is_some_and(|wire| wire.served.take().is_some()) {
            self.tell_client(id, ToClient::End);
        }
    }

    pub(crate) fn drop_wires(&mut self, s: ServerId) {
        let here: Vec<WireId> = self.wires_at(s, |_| true);
        here.into_iter().for_each(|id| self.drop_wire(s, id));
    }

    pub(crate) fn drop_session(&mut self, s: ServerId, session: i64) {
        let here = self.wires_at(s, |served| served.session == Some(session));
        here.into_iter().for_each(|id| self.drop_wire(s, id));
    }

    fn wires_at(&self, s: ServerId, which: impl Fn(&Served) -> bool) -> Vec<WireId> {
        let here = self.wires.iter().filter(|(_, wire)| wire.server == s);
        here.filter(|(_, wire)| wire.served.as_ref().is_some_and(&which)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn server_hears(&mut self, id: WireId, message: ToServer) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let s = wire.server;
        let Some(served) = &mut wire.served else { return };
        let session = served.session;
        let origin = Origin { server: s, wire: id };
        match (message, session) {
            (ToServer::End, _) => self.drop_wire(s, id),
            (ToServer::Connect { session, last_zxid }, None) => self.connect(s, origin, session, last_zxid),
            (ToServer::AttachAndClose { session }, None) => {
                served.closing = true;
                self.connect(s, origin, session, 0);
            }
            (ToServer::Ping, Some(session)) => {
                self.touch(s, session);
                self.wait(id, Waiting::Ping);
            }
            (ToServer::Read(op, operation), Some(session)) => {
                self.touch(s, session);
                self.wait(id, Waiting::Read(op, operation));
            }
            (ToServer::Write(write), Some(session)) => {
                self.touch(s, session);
                self.wait(id, Waiting::Write(None));
                self.submit(s, origin, session, write);
            }
            _ => self.drop_wire(s, id),
        }
    }

    /// `ZooKeeperServer.processConnectRequest`.
    fn connect(&mut self, s: ServerId, origin: Origin, session: i64, last_zxid: i64) {
        if !self.servers[s].serves() || last_zxid > self.servers[s].tree.zxid {
            return self.drop_wire(s, origin.wire);
        }
        let timeout = self.grant(s);
        if session == 0 {
            self.last_session += 1;
            // Far from the 0 and 1 of those who stand outside.
            let session = 100 + self.last_session;
            self.submit(s, origin, session, Write::OpenSession(timeout));
        } else {
            self.drop_session(s, session);
            self.submit_revalidation(s, origin, session, timeout);
        }
    }

    pub(crate) fn revalidated(&mut self, s: ServerId, wire: WireId, session: i64, valid: bool) {
        let closing =
            self.wires.get(&wire).and_then(|wire| wire.served.as_ref()).is_some_and(|served| served.closing);
        if valid && closing {
            // The close stands behind the handshake, and is read once that is answered.
            self.submit(s, Origin { server: s, wire }, session, Write::CloseSession);
        } else if valid {
            self.attached(s, wire, session, self.grant(s));
        } else {
            self.tell_client(wire, ToClient::Expired);
            self.drop_wire(s, wire);
        }
    }

    pub(crate) fn attached(&mut self, s: ServerId, id: WireId, session: i64, timeout: u64) {
        let Some(served) = self.wires.get_mut(&id).and_then(|wire| wire.served.as_mut()) else { return };
        served.session = Some(session);
        served.timeout = timeout;
        self.touch(s, session);
        self.tell_client(id, ToClient::Attached { session, timeout });
    }

    /// The timeout that a server grants now.
    fn grant(&self, s: ServerId) -> u64 {
        self.setting.grants[s] * self.raised
    }

    /// `LearnerSessionTracker.touchSession`: a follower only takes a note.
    fn touch(&mut self, s: ServerId, session: i64) {
        let (now, tick) = (self.now, self.setting.tick);
        let here = |wire: &&Wire| {
            wire.server == s && wire.served.as_ref().is_some_and(|served| served.session == Some(session))
        };
        // What this server granted as it attached the session.
        let timeout =
            self.wires.values().find(here).and_then(|wire| wire.served.as_ref()).map(|served| served.timeout);
        let Some(timeout) = timeout else { return };
        match self.servers[s].mode {
            Mode::Leading => drop(self.server(s).touch_table(now, session, timeout, tick)),
            _ => drop(self.server(s).touches.insert(session, timeout)),
        }
    }

    fn wait(&mut self, id: WireId, waiting: Waiting) {
        if let Some(served) = self.wires.get_mut(&id).and_then(|wire| wire.served.as_mut()) {
            served.queue.push_back(waiting);
        }
        self.answer_waiting(id);
    }

    pub(crate) fn written(&mut self, id: WireId, reply: Reply) {
        let Some(served) = self.wires.get_mut(&id).and_then(|wire| wire.served.as_mut()) else { return };
        let first = served.queue.iter_mut().find(|waiting| matches!(waiting, Waiting::Write(None)));
        if let Some(waiting) = first {
            *waiting = Waiting::Write(Some(reply));
        }
        self.answer_waiting(id);
    }

    /// `CommitProcessor`: reads and pings wait behind their session's write.
    fn answer_waiting(&mut self, id: WireId) {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let s = wire.server;
            let Some(served) = &mut wire.served else { return };
            match served.queue.front() {
                None | Some(Waiting::Write(None)) => return,
                Some(_) => {}
            }
            let zxid = self.servers[s].tree.zxid;
            match served.queue.pop_front() {
                Some(Waiting::Write(Some(reply))) => self.tell_client(id, ToClient::Reply { zxid, reply }),
                Some(Waiting::Read(op, operation)) => {
                    let reply = self.read(s, id, op, &operation);
                    self.tell_client(id, ToClient::Reply { zxid, reply });
                }
                _ => self.tell_client(id, ToClient::Pong),
            }
        }
    }

    /// Reads, and arms the watch that was asked for.
    fn read(&mut self, s: ServerId, id: WireId, op: OpId, operation: &Operation) -> Reply {
        let reply = self.servers[s].tree.read(operation);
        if let Some(watched) = Watched::armed_by(operation, &reply) {
            self.server(s).watches.insert((watched, id, op));
        }
        self.note_stale_list(s, id, &reply);
        reply
    }

    /// A server that is behind lists the queue, and whoever asked stands first in it.
    fn note_stale_list(&mut self, s: ServerId, id: WireId, reply: &Reply) {
        let (Reply::Children(_), Some(leader)) = (reply, self.leader()) else { return };
        let served = self.wires.get(&id).and_then(|wire| wire.served.as_ref());
        let asking = served.and_then(|served| served.session);
        let (here, there) = (self.servers[s].tree.standing(), self.servers[leader].tree.standing());
        if here != there && here.first().map(|(_, head)| head.ephemeral_owner) == asking {
            self.judge.seen.note("a stale list shows its reader at the head");
        }
    }

    pub(crate) fn fire(&mut self, s: ServerId, what: &Watched, event: WatchEvent) {
        let watches = std::mem::take(&mut self.server(s).watches);
        let (fired, kept) = watches.into_iter().partition(|(watched, ..)| watched == what);
        self.server(s).watches = kept;
        for (_, wire, op) in fired {
            self.tell_client(wire, ToClient::Event(op, event));
        }
    }
}
