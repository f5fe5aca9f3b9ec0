//! Servers among themselves: the leader's table of sessions, its pings, proposals and commits.
//!
//! Every step names what it stands for in ZooKeeper.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use actix_election_core::Reply;

use crate::clock::Moment;
use crate::judge::Property;
use crate::server::{Mode, Origin, Packet, Server, ServerId, ToClient, Tracked, Transaction, bucket};
use crate::tree::{Hand, PATH, Tree, Write};
use crate::world::World;

impl World {
    pub(crate) fn server(&mut self, s: ServerId) -> &mut Server {
        &mut self.servers[s]
    }

    fn send(&mut self, from: ServerId, to: ServerId, packet: Packet) {
        let at = self.now + self.latency();
        self.links.entry((from, to)).or_default().send(at, packet);
    }

    /// `Leader.lead` and `LearnerHandler.ping`: twice a tick, first the count of who is still there.
    pub(crate) fn ping(&mut self, s: ServerId) {
        let lag = if self.setting.ping_lag > 0 { self.random.below(self.setting.ping_lag) } else { 0 };
        let reading = self.servers[s].clock.read(self.now);
        self.servers[s].next_ping = reading + self.setting.tick / 2 + lag;
        let patience = self.setting.sync_limit * self.setting.tick;
        self.server(s).learners.retain(|_, heard| reading < *heard + patience);
        let voters =
            self.servers[s].learners.keys().filter(|learner| **learner < self.setting.voters).count();
        if self.servers[s].mode == Mode::Leading && voters + 1 < self.quorum() {
            self.judge.seen.note("a leader loses its quorum");
            return self.look(s);
        }
        for learner in self.servers[s].learners.keys().copied().collect::<Vec<_>>() {
            self.send(s, learner, Packet::Ping);
        }
    }

    pub(crate) fn quorum(&self) -> usize {
        self.setting.voters / 2 + 1
    }

    /// `SessionTrackerImpl.run`, the first step: the bucket that is due is taken out, and with it every session in it.
    pub(crate) fn condemn(&mut self, s: ServerId) {
        let reading = self.servers[s].clock.read(self.now);
        let due = self.servers[s]
            .table
            .iter()
            .filter(|(_, tracked)| tracked.due().is_some_and(|due| due <= reading));
        for session in due.map(|(session, _)| *session).collect::<Vec<_>>() {
            let delay = self.expiry_delay();
            if let Some(tracked) = self.server(s).table.get_mut(&session) {
                tracked.condemned = Some(reading + delay);
            }
        }
        self.no_lease_for_the_condemned();
    }

    /// How long the loop takes to come to a session of the bucket: it writes a line to its log for each.
    fn expiry_delay(&mut self) -> u64 {
        match (self.setting.latency.1, self.setting.expiry_delay) {
            (_, 0) => 0,
            (0, most) => most,
            (_, most) => self.random.below(2) * self.random.below(most),
        }
    }

    /// The second step: one after the other they are closed, by a transaction.
    pub(crate) fn expire(&mut self, s: ServerId) {
        let reading = self.servers[s].clock.read(self.now);
        let next = self.servers[s]
            .table
            .iter()
            .filter(|(_, tracked)| tracked.ends().is_some_and(|at| at <= reading));
        for session in next.map(|(session, _)| *session).collect::<Vec<_>>() {
            if let Some(tracked) = self.server(s).table.get_mut(&session) {
                tracked.closing = true;
            }
            self.propose(s, session, Write::CloseSession, None);
        }
    }

    /// A request reaches the leader: `PrepRequestProcessor` checks that its session lives, and lives there.
    pub(crate) fn request(&mut self, s: ServerId, via: ServerId, origin: Origin, session: i64, write: Write) {
        if let Write::OpenSession(timeout) = write {
            let expiry = bucket(self.servers[s].clock.read(self.now) + timeout, self.setting.tick);
            self.server(s).table.insert(session, Tracked::new(expiry, timeout, Some(origin.server)));
        }
        let tracked = self.server(s).table.get_mut(&session).filter(|tracked| !tracked.closing);
        if let Some(tracked) =
            tracked.filter(|tracked| tracked.owner.is_none_or(|owner| owner == origin.server))
        {
            tracked.owner = Some(origin.server);
            tracked.closing = write == Write::CloseSession;
            self.propose(s, session, write, Some(origin));
        } else if origin.server == s {
            self.drop_wire(s, origin.wire);
        } else {
            self.send(s, via, Packet::Refused(origin));
        }
    }

    pub(crate) fn propose(&mut self, s: ServerId, session: i64, write: Write, origin: Option<Origin>) {
        let server = self.server(s);
        server.last_proposed += 1;
        let zxid = server.last_proposed;
        let transaction = Transaction { zxid, session, write, origin };
        server.log.push_back(transaction.clone());
        server.acks.insert(zxid, BTreeSet::from([s]));
        for learner in server.learners.keys().copied().collect::<Vec<_>>() {
            if learner < self.setting.voters {
                self.send(s, learner, Packet::Proposal(transaction.clone()));
            }
        }
        self.commit(s);
    }

    /// `Leader.tryToCommit`: in order, as soon as a quorum has it on disk.
    fn commit(&mut self, s: ServerId) {
        while let Some(first) = self.servers[s].log.front().map(|transaction| transaction.zxid) {
            let acks = self.servers[s].acks.get(&first).map_or(0, BTreeSet::len);
            if acks < self.quorum() || !self.servers[s].established {
                return;
            }
            self.commit_first(s, first);
        }
    }

    fn commit_first(&mut self, s: ServerId, first: i64) {
        self.server(s).acks.remove(&first);
        for learner in self.servers[s].learners.keys().copied().collect::<Vec<_>>() {
            self.send(s, learner, Packet::Commit(first));
        }
        self.apply_first(s);
    }

    fn apply_first(&mut self, s: ServerId) {
        if let Some(transaction) = self.server(s).log.pop_front() {
            self.apply(s, transaction);
        }
    }

    /// `FinalRequestProcessor`, on every server: events go out before the reply, and before the observers hear.
    pub(crate) fn apply(&mut self, s: ServerId, transaction: Transaction) {
        let Transaction { zxid, session, ref write, origin } = transaction;
        if self.servers[s].mode == Mode::Leading {
            self.judge_transaction(s, session, write);
        }
        let (reply, changes) = self.server(s).tree.apply(zxid, session, write);
        if *write == Write::CloseSession {
            self.server(s).table.remove(&session);
            self.server(s).touches.remove(&session);
            if let Some(origin) = origin.filter(|origin| origin.server == s) {
                self.tell_client(origin.wire, ToClient::Expired);
            }
            self.drop_session(s, session);
        }
        if self.servers[s].mode == Mode::Leading {
            let head = self.servers[s].tree.head();
            self.judge.heads.extend(head.map(|head| head.czxid));
        }
        for (what, event) in changes {
            self.fire(s, &what, event);
        }
        if let Some(origin) = origin.filter(|origin| origin.server == s) {
            self.answer(s, origin.wire, session, write, reply);
        }
        if let Mode::Following { .. } = self.servers[s].mode {
            for observer in self.servers[s].learners.keys().copied().collect::<Vec<_>>() {
                self.send(s, observer, Packet::Inform(transaction.clone()));
            }
        }
    }

    /// What the present leader does is what counts.
    fn judge_transaction(&mut self, s: ServerId, session: i64, write: &Write) {
        use actix_election_core::Operation;
        match write {
            Write::CloseSession if self.judge.closed_by_hand.contains(&session) => {
                let head = self.servers[s].tree.head().filter(|head| head.ephemeral_owner == session);
                head.into_iter().for_each(|head| self.rob(head.czxid));
            }
            Write::CloseSession => self.judge_end_of_session(s, session),
            Write::ByHand(Hand::Delete(path)) => self.deleted_by_hand(s, path),
            Write::Operation(Operation::Delete { path }) => self.judge_delete(s, session, path),
            _ => {}
        }
    }

    /// Robbed is only who was first: whose znode goes from further back must never lead.
    fn deleted_by_hand(&mut self, s: ServerId, path: &str) {
        let standing = self.servers[s].tree.standing();
        match standing.iter().position(|(standing, _)| standing == path) {
            Some(0) => self.rob(standing[0].1.czxid),
            Some(place) if place + 1 < standing.len() => {
                self.judge.seen.note("a candidate in the middle deleted by hand");
            }
            _ => {}
        }
    }

    fn judge_delete(&mut self, s: ServerId, session: i64, path: &str) {
        let znode = self.servers[s].tree.znodes.get(path).map(|znode| znode.stat);
        let Some(other) = znode.filter(|znode| znode.ephemeral_owner != session) else { return };
        // What is left in a queue of a session that the same process has given up.
        let candidate = |session| self.judge.candidates.get(&session);
        if path != PATH
            && candidate(session).is_some()
            && candidate(session) == candidate(other.ephemeral_owner)
        {
            return self.judge.seen.note("the znode of an earlier session is cleared away");
        }
        // Between the look and the delete somebody deleted the lock by hand: no request could prevent that.
        if path != PATH || self.judge.robbed.is_empty() {
            let what = format!("session {session} deletes {path} of {}", other.ephemeral_owner);
            self.judge.is_broken(Property::OnlyOnesOwn, self.now, what);
        }
        self.rob(other.czxid);
    }

    pub(crate) fn packet(&mut self, from: ServerId, to: ServerId, packet: Packet) {
        let reading = self.servers[to].clock.read(self.now);
        if let Some(heard) = self.server(to).learners.get_mut(&from) {
            *heard = reading;
            return self.leader_hears(from, to, packet);
        }
        if matches!(self.servers[to].mode, Mode::Following { to: leader, .. } if leader == from) {
            self.server(to).heard = reading;
            self.follower_hears(from, to, packet);
        }
    }

    /// `LearnerHandler.run`. An observer master passes on what only the leader can do.
    fn leader_hears(&mut self, from: ServerId, to: ServerId, packet: Packet) {
        let above = match self.servers[to].mode {
            Mode::Following { to, .. } => Some(to),
            _ => None,
        };
        match (packet, above) {
            (Packet::Touches(touches), None) => {
                let (now, tick) = (self.now, self.setting.tick);
                for (session, timeout) in touches {
                    self.server(to).touch_table(now, session, timeout, tick);
                }
            }
            (Packet::Touches(touches), Some(_)) => self.server(to).touches.extend(touches),
            (packet @ (Packet::Request(..) | Packet::Revalidate(..)), Some(leader)) => {
                self.send(to, leader, packet);
            }
            (Packet::Request(origin, session, write), None) => self.request(to, from, origin, session, write),
            (Packet::Revalidate(origin, session, timeout), None) => {
                let valid = self.revalidate(to, origin.server, session, timeout);
                self.send(to, from, Packet::Revalidated(origin, session, valid));
            }
            (Packet::Bye, _) => drop(self.server(to).learners.remove(&from)),
            (Packet::Ack(zxid), None) => self.acknowledged(to, from, zxid),
            (Packet::Ack(NEW_LEADER), Some(_)) => self.send(to, from, Packet::UpToDate),
            _ => {}
        }
    }

    /// `Leader.revalidateSession`: an attach touches the session at the leader itself.
    pub(crate) fn revalidate(&mut self, s: ServerId, owner: ServerId, session: i64, timeout: u64) -> bool {
        let (now, tick) = (self.now, self.setting.tick);
        let valid = self.server(s).touch_table(now, session, timeout, tick);
        if let Some(tracked) = self.server(s).table.get_mut(&session).filter(|_| valid) {
            tracked.owner = Some(owner);
        }
        valid
    }

    /// `Follower.processPacket`.
    fn follower_hears(&mut self, from: ServerId, to: ServerId, packet: Packet) {
        match packet {
            Packet::Ping => {
                let touches = std::mem::take(&mut self.server(to).touches);
                self.send(to, from, Packet::Touches(touches));
            }
            Packet::Proposal(transaction) => {
                let zxid = transaction.zxid;
                self.server(to).log.push_back(transaction);
                self.send(to, from, Packet::Ack(zxid));
            }
            Packet::Commit(zxid) if self.servers[to].log.front().is_some_and(|first| first.zxid == zxid) => {
                self.apply_first(to);
            }
            Packet::Inform(transaction) => self.apply(to, transaction),
            Packet::Snapshot(tree, log, epoch) => self.take_over(to, from, *tree, log, epoch),
            Packet::UpToDate => self.server(to).mode = Mode::Following { to: from, synced: true },
            Packet::Refused(origin) if origin.server == to => self.drop_wire(to, origin.wire),
            Packet::Revalidated(origin, session, valid) if origin.server == to => {
                self.revalidated(to, origin.wire, session, valid);
            }
            Packet::Refused(origin) | Packet::Revalidated(origin, ..) => self.send(to, origin.server, packet),
            Packet::Bye => self.look(to),
            _ => {}
        }
    }

    /// Sends a client's request on its way to the leader.
    pub(crate) fn submit(&mut self, s: ServerId, origin: Origin, session: i64, write: Write) {
        match self.servers[s].mode {
            Mode::Leading => self.request(s, s, origin, session, write),
            Mode::Following { to, .. } => self.send(s, to, Packet::Request(origin, session, write)),
            _ => {}
        }
    }

    pub(crate) fn submit_revalidation(&mut self, s: ServerId, origin: Origin, session: i64, timeout: u64) {
        match self.servers[s].mode {
            Mode::Leading => {
                let valid = self.revalidate(s, s, session, timeout);
                self.revalidated(s, origin.wire, session, valid);
            }
            Mode::Following { to, .. } => self.send(s, to, Packet::Revalidate(origin, session, timeout)),
            _ => {}
        }
    }

    /// Gives up its leader, or the lead: clients are dropped, and so are those who follow it.
    pub(crate) fn look(&mut self, s: ServerId) {
        for learner in std::mem::take(&mut self.server(s).learners).into_keys() {
            self.send(s, learner, Packet::Bye);
        }
        if let Mode::Following { to, .. } = self.servers[s].mode {
            self.send(s, to, Packet::Bye);
        }
        let join_at = self.now + self.setting.tick / 10 + self.latency();
        let server = self.server(s);
        server.mode = Mode::Looking;
        server.established = false;
        server.table = BTreeMap::new();
        server.touches = BTreeMap::new();
        server.acks = BTreeMap::new();
        server.join_at = join_at;
        self.drop_wires(s);
    }

    /// A server that looks finds a leader to follow, or a quorum elects one.
    pub(crate) fn join(&mut self, s: ServerId) {
        self.server(s).join_at = self.now + self.setting.tick / 10;
        let group = self.servers[s].group;
        let now = self.now;
        let here = |server: &Server| server.group == group && server.paused_until <= now;
        if s >= self.setting.voters {
            let master = (0..self.setting.voters).find(|f| {
                here(&self.servers[*f])
                    && matches!(self.servers[*f].mode, Mode::Following { synced: true, .. })
            });
            return master.into_iter().for_each(|master| self.follow(s, master));
        }
        let voters = 0..self.setting.voters;
        // `Learner.registerWithLeader` refuses a leader of an older epoch.
        let fit = |server: &Server| server.mode == Mode::Leading && server.epoch >= self.servers[s].epoch;
        let leading = voters.clone().filter(|l| here(&self.servers[*l]) && fit(&self.servers[*l]));
        if let Some(leader) = leading.max_by_key(|l| self.servers[*l].last_proposed) {
            return self.follow(s, leader);
        }
        let looking: Vec<ServerId> =
            voters.filter(|l| here(&self.servers[*l]) && self.servers[*l].mode == Mode::Looking).collect();
        if looking.len() >= self.quorum()
            && let Some(elected) =
                looking.iter().max_by_key(|l| (self.servers[**l].epoch, self.servers[**l].last_logged()))
        {
            self.lead(*elected);
            for follower in looking.iter().filter(|follower| *follower != elected) {
                self.follow(*follower, *elected);
            }
        }
    }

    fn lead(&mut self, s: ServerId) {
        self.judge.seen.note("an election");
        self.epoch += 1;
        let (now, epoch, tick) = (self.now, self.epoch, self.setting.tick);
        let server = self.server(s);
        server.mode = Mode::Leading;
        server.epoch = epoch;
        server.last_proposed = epoch * EPOCH;
        server.next_ping = server.clock.read(now) + tick / 2;
        server.acks.insert(NEW_LEADER, BTreeSet::from([s]));
    }

    /// `Leader.waitForNewLeaderAck` is over. What the leader has on disk is committed by that, and
    /// `LeaderZooKeeperServer.createSessionTracker` gives every session a whole T, by the timeout of its creation.
    fn establish(&mut self, s: ServerId) {
        self.server(s).established = true;
        while let Some(first) = self.servers[s].log.front().map(|transaction| transaction.zxid) {
            self.commit_first(s, first);
        }
        let (now, tick) = (self.now, self.setting.tick);
        let server = self.server(s);
        let reading = server.clock.read(now);
        let track = |timeout: &u64| Tracked::new(bucket(reading + timeout, tick), *timeout, None);
        server.table = server.tree.sessions.iter().map(|(id, timeout)| (*id, track(timeout))).collect();
    }

    fn follow(&mut self, s: ServerId, to: ServerId) {
        for pair in [(s, to), (to, s)] {
            self.links.entry(pair).or_default().clear();
        }
        let now = self.now;
        let reading = self.servers[to].clock.read(now);
        let server = self.server(s);
        server.mode = Mode::Following { to, synced: false };
        server.heard = server.clock.read(now);
        let tick = self.setting.tick;
        let leader = self.server(to);
        leader.learners.insert(s, reading);
        if leader.mode != Mode::Leading && leader.learners.len() == 1 {
            leader.next_ping = reading + tick / 2;
        }
        let log = if s < self.setting.voters { self.servers[to].log.clone() } else { VecDeque::new() };
        let leader = &self.servers[to];
        let snapshot = Packet::Snapshot(Box::new(leader.tree.clone()), log, leader.epoch);
        self.send(to, s, snapshot);
    }

    fn acknowledged(&mut self, s: ServerId, from: ServerId, zxid: i64) {
        if let Some(acks) = self.server(s).acks.get_mut(&zxid) {
            acks.insert(from);
        }
        if zxid != NEW_LEADER {
            return self.commit(s);
        }
        let acks = self.servers[s].acks.get(&NEW_LEADER).cloned().unwrap_or_default();
        if self.servers[s].established {
            self.send(s, from, Packet::UpToDate);
        } else if acks.len() >= self.quorum() {
            self.establish(s);
            for learner in acks.into_iter().filter(|learner| *learner != s) {
                self.send(s, learner, Packet::UpToDate);
            }
        }
    }

    fn take_over(&mut self, s: ServerId, from: ServerId, tree: Tree, log: VecDeque<Transaction>, epoch: i64) {
        let server = self.server(s);
        server.tree = tree;
        server.epoch = epoch;
        server.log = log;
        let logged: Vec<i64> = server.log.iter().map(|transaction| transaction.zxid).collect();
        self.send(s, from, Packet::Ack(NEW_LEADER));
        for zxid in logged {
            self.send(s, from, Packet::Ack(zxid));
        }
    }

    /// `Learner` reads with a timeout: a leader that is silent for syncLimit ticks is given up.
    pub(crate) fn gives_up_leader_at(&self, s: ServerId) -> Moment {
        let server = &self.servers[s];
        server.clock.when(server.heard + self.setting.sync_limit * self.setting.tick)
    }

    /// Somebody outside does something to the znodes, if there is a leader to do it.
    pub(crate) fn by_hand(&mut self, hand: Hand) {
        if let Some(leader) = self.leader() {
            self.propose(leader, 0, Write::ByHand(hand), None);
        }
    }

    pub(crate) fn leader(&self) -> Option<ServerId> {
        let leading = (0..self.setting.voters).filter(|s| self.servers[*s].established);
        leading.max_by_key(|s| self.servers[*s].last_proposed)
    }

    /// Answers a write whose transaction was applied here.
    fn answer(&mut self, s: ServerId, wire: u32, session: i64, write: &Write, reply: Reply) {
        match write {
            Write::OpenSession(timeout) => self.attached(s, wire, session, *timeout),
            _ => self.written(wire, reply),
        }
    }
}

/// Stands for the acknowledgement of a new leader.
const NEW_LEADER: i64 = 0;

/// The transactions that an epoch has room for.
const EPOCH: i64 = 1_000_000;
