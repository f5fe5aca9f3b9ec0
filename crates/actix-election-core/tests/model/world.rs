//! A world: an ensemble, processes, what is on its way between them, and what happens next.
//!
//! Everything that happens by itself happens at a time that follows from the world as it is, so that a world is its
//! whole state: it can be copied, compared and run on. Chance is a part of it.

use std::collections::BTreeMap;

use actix_election_core::Input;

use crate::clock::{Clock, Moment, SECOND};
use crate::fifo::Fifo;
use crate::judge::{Broken, Judge};
use crate::process::{Link, Process};
use crate::random::Random;
use crate::rules::Rules;
use crate::server::{Mode, Packet, Server, ServerId, Tracked, WireId};
use crate::service::Wire;
use crate::setting::Setting;
use crate::tree::Tree;

#[derive(Clone, Hash, Debug)]
pub(crate) struct World {
    pub(crate) now: Moment,
    pub(crate) setting: Setting,
    pub(crate) random: Random,
    pub(crate) servers: Vec<Server>,
    pub(crate) links: BTreeMap<(ServerId, ServerId), Fifo<Packet>>,
    pub(crate) epoch: i64,
    pub(crate) last_session: i64,
    /// By how much more the servers grant than in the beginning.
    pub(crate) raised: u64,
    pub(crate) wires: BTreeMap<WireId, Wire>,
    pub(crate) next_wire: WireId,
    pub(crate) processes: Vec<Process>,
    pub(crate) judge: Judge,
    pub(crate) rules: Rules,
}

/// Something that happens by itself. The order is that in which things happen that fall together: what is worst for
/// a session comes first, but for a leader's ping, which does not wait behind what arrives.
#[derive(Clone, Copy, Debug)]
enum Event {
    Condemn(ServerId),
    Expire(ServerId),
    Ping(ServerId),
    GiveUpLeader(ServerId),
    Join(ServerId),
    Packet(ServerId, ServerId),
    Up(WireId),
    Down(WireId),
    Dial(usize),
    DialEnds(usize),
    Monitor(usize),
    Inbox(usize),
    Timer(usize),
    Role(usize),
    RoleBack(usize),
}

impl World {
    pub(crate) fn new(setting: Setting, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut clock = || {
            let width = u64::try_from(setting.ppm).unwrap();
            // Mostly at the edge of what is allowed.
            let ppm = match random.below(3) {
                _ if width == 0 => 0,
                0 => -setting.ppm,
                1 => setting.ppm,
                _ => i64::try_from(random.below(2 * width)).unwrap() - setting.ppm,
            };
            Clock { origin: 100 * SECOND + if width > 0 { random.below(3 * SECOND) } else { 0 }, ppm }
        };
        let now = SECOND;
        let tree = Tree::new(setting.parent);
        let servers = (0..setting.servers()).map(|_| Server::new(clock(), tree.clone())).collect();
        let process = |number| Process::new(number, setting.queue, clock(), now);
        let processes = (0..setting.processes).map(process).collect();
        let mut world = World {
            now,
            random,
            servers,
            links: BTreeMap::new(),
            epoch: 0,
            last_session: 0,
            raised: 1,
            wires: BTreeMap::new(),
            next_wire: 0,
            processes,
            judge: Judge { rules_alone: setting.rules, ..Judge::default() },
            rules: Rules::default(),
            setting,
        };
        for p in 0..world.processes.len() {
            world.start_process(p);
        }
        world
    }

    /// How long the next message takes.
    pub(crate) fn latency(&mut self) -> u64 {
        let (least, more) = self.setting.latency;
        least + if more > 0 { self.random.below(more) } else { 0 }
    }

    /// Lets time pass, and everything happen that comes of itself, up to `until` or the first broken promise.
    pub(crate) fn run(&mut self, until: Moment) -> Result<(), Broken> {
        while let Some((at, event)) = self.next().filter(|(at, _)| *at <= until) {
            self.now = at;
            self.happen(event);
            self.at_most_one_master();
            self.no_lease_for_the_condemned();
            if let Some(broken) = self.judge.broken.clone() {
                return Err(broken);
            }
        }
        self.now = until;
        Ok(())
    }

    fn next(&self) -> Option<(Moment, Event)> {
        let mut first: Option<(Moment, Event)> = None;
        let mut offer = |at: Moment, event: Event| {
            let at = at.max(self.now);
            if first.is_none_or(|(earliest, _)| at < earliest) {
                first = Some((at, event));
            }
        };
        for (s, server) in self.servers.iter().enumerate() {
            self.server_events(s, server, &mut offer);
        }
        for ((from, to), link) in &self.links {
            let (from_server, to_server) = (&self.servers[*from], &self.servers[*to]);
            if let Some(at) = link.next_at().filter(|_| from_server.group == to_server.group) {
                offer(at.max(to_server.paused_until), Event::Packet(*from, *to));
            }
        }
        for (id, wire) in &self.wires {
            let process = &self.processes[wire.process];
            if let Some(at) = wire.up.next_at() {
                offer(
                    at.max(process.unplugged_until).max(self.servers[wire.server].paused_until),
                    Event::Up(*id),
                );
            }
            if let Some(at) = wire.down.next_at().filter(|_| wire.held) {
                offer(at.max(process.unplugged_until).max(process.paused_until), Event::Down(*id));
            }
        }
        for (p, process) in self.processes.iter().enumerate() {
            process_events(p, process, &mut |at, event| offer(at.max(process.paused_until), event));
        }
        first
    }

    fn server_events(&self, s: ServerId, server: &Server, offer: &mut impl FnMut(Moment, Event)) {
        let mut offer = |at: Moment, event| offer(at.max(server.paused_until), event);
        match server.mode {
            Mode::Down => return,
            Mode::Looking => offer(server.join_at, Event::Join(s)),
            Mode::Following { .. } => offer(self.gives_up_leader_at(s), Event::GiveUpLeader(s)),
            Mode::Leading => {
                let due = server.table.values().filter_map(Tracked::due).min();
                due.into_iter().for_each(|due| offer(server.clock.when(due), Event::Condemn(s)));
                let ends = server.table.values().filter_map(Tracked::ends).min();
                ends.into_iter().for_each(|ends| offer(server.clock.when(ends), Event::Expire(s)));
            }
        }
        if server.mode == Mode::Leading || !server.learners.is_empty() {
            offer(server.clock.when(server.next_ping), Event::Ping(s));
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Condemn(s) => self.condemn(s),
            Event::Expire(s) => self.expire(s),
            Event::Ping(s) => self.ping(s),
            Event::GiveUpLeader(s) => self.look(s),
            Event::Join(s) => self.join(s),
            Event::Packet(from, to) => {
                let packet = self.links.get_mut(&(from, to)).and_then(Fifo::receive);
                packet.into_iter().for_each(|packet| self.packet(from, to, packet));
            }
            Event::Up(id) => {
                let message = self.wires.get_mut(&id).and_then(|wire| wire.up.receive());
                message.into_iter().for_each(|message| self.server_hears(id, message));
                self.wires.retain(|_, wire| wire.held || wire.served.is_some());
            }
            Event::Down(id) => {
                let message = self.wires.get_mut(&id).and_then(|wire| wire.down.receive());
                message.into_iter().for_each(|message| self.client_hears(id, message));
            }
            Event::Dial(p) => self.dial(p),
            Event::DialEnds(p) => self.hang_up(p, false),
            Event::Monitor(p) => self.serve_monitor(p),
            Event::Inbox(p) => {
                if let Some((connection, input)) = self.processes[p].inbox.receive() {
                    if let Input::Connected { .. } = input {
                        self.processes[p].known_connection = Some(connection);
                    }
                    self.give(p, input);
                }
            }
            Event::Timer(p) => self.give(p, Input::Timer),
            Event::Role(p) => {
                let Some(role) = &mut self.processes[p].role else { return };
                let Some((message, _)) = role.mailbox.pop_front() else { return };
                role.standby_unhandled.take_if(|standby| *standby == message);
                let id = role.id;
                self.give(p, Input::RoleAcknowledged(id, message));
            }
            Event::RoleBack(p) => {
                let role = self.processes[p].new_role();
                self.give(p, Input::RoleJoined(role));
            }
        }
    }
}

fn process_events(p: usize, process: &Process, offer: &mut impl FnMut(Moment, Event)) {
    match &process.link {
        Link::None { redial_at } => offer(*redial_at, Event::Dial(p)),
        Link::Dialing { until, .. } => offer(*until, Event::DialEnds(p)),
        Link::Up { .. } => {}
    }
    if let Some((at, _)) = process.monitor.next_timer() {
        offer(process.clock.when_stamp(at), Event::Monitor(p));
    }
    if let Some(at) = process.inbox.next_at() {
        offer(at, Event::Inbox(p));
    }
    if let Some((at, _)) = process.candidate.next_timer() {
        offer(process.clock.when_stamp(at), Event::Timer(p));
    }
    match &process.role {
        Some(role) => {
            if let Some((_, at)) = role.mailbox.front() {
                offer(*at, Event::Role(p));
            }
        }
        None => offer(process.role_back_at, Event::RoleBack(p)),
    }
}
