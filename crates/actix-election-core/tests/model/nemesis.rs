//! Chooses what goes wrong, by chance, but with an eye to what hurts.

use crate::clock::Moment;
use crate::fault::Fault;
use crate::random::Random;
use crate::server::{Mode, ServerId};
use crate::world::World;

/// Faults, and when each strikes.
pub(crate) type Plan = Vec<(Moment, Fault)>;

pub(crate) struct Nemesis {
    random: Random,
    /// The mean time between two moves, in eighths of T.
    pace: u64,
    /// What was begun and has its moment yet to come.
    later: Plan,
}

impl Nemesis {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed ^ 0x5eed);
        let pace = 2 + random.below(12);
        Nemesis { random, pace, later: Vec::new() }
    }

    /// How long to leave the world alone before the next move is chosen, by what the world is then.
    pub(crate) fn rest(&mut self, world: &World) -> Option<Moment> {
        let t = world.setting.timeout();
        self.later.is_empty().then(|| world.now + self.random.below(2 * self.pace * t / 8))
    }

    /// The next fault and when it strikes.
    pub(crate) fn next(&mut self, world: &World) -> (Moment, Fault) {
        while self.later.is_empty() {
            self.choose(world, world.now);
            self.later.sort_by_key(|(at, _)| *at);
        }
        let (at, fault) = self.later.remove(0);
        (at.max(world.now), fault)
    }

    fn span(&mut self, world: &World) -> u64 {
        let t = world.setting.timeout();
        match self.random.below(4) {
            0 => self.random.below(t / 10),
            1 => self.random.below(2 * t),
            _ => self.random.below(t / 2),
        }
    }

    fn choose(&mut self, world: &World, at: Moment) {
        // Whoever has a lease is the one to hurt.
        let masters: Vec<usize> =
            (0..world.processes.len()).filter(|p| world.processes[*p].valid(world.now).is_some()).collect();
        let process = match masters.first() {
            Some(master) if self.random.below(4) > 0 => *master,
            _ => self.random.index(world.processes.len()),
        };
        let span = self.span(world);
        let server = self.random.index(world.servers.len());
        let mut then = |at: Moment, fault| self.later.push((at, fault));
        match self.random.below(40) {
            0..=1 => then(at, Fault::Cut { process, lost: true }),
            2..=3 => then(at, Fault::Cut { process, lost: false }),
            4 => then(at, Fault::StallUp { process, span }),
            5 => then(at, Fault::StallDown { process, span }),
            6..=7 => then(at, Fault::PauseProcess { process, span }),
            8 => then(at, Fault::PauseServer { server, span }),
            9 => {
                then(at, Fault::Crash { server });
                then(at + span, Fault::Boot { server });
            }
            10..=11 => then(at, Fault::Restart { process }),
            12 => then(at, Fault::SlowRole { process, span }),
            13 => then(at, Fault::RoleFails { process }),
            14..=15 => then(at, Fault::Resign { process }),
            16 => then(at, Fault::AskToResign),
            17 => {
                then(at, Fault::Withdraw { process });
                then(at + span, Fault::Campaign { process });
            }
            18 if world.setting.wipes => then(at, Fault::Wipe),
            18 if world.setting.raises && world.raised == 1 => self.raise(world, at, process, span),
            18..=20 if world.setting.hands => self.lay_hands(world, at, process, span),
            18..=24 => self.starve(world, at, process),
            25..=26 => self.black_out(world, at, process),
            27..=29 => self.isolate(world, at, process),
            30..=32 => self.relapse(world, at, process),
            _ => self.vanish(at, process, span),
        }
    }

    /// The leader's next ping is held up on its way to the master's follower, together with what the master waits
    /// for. Just before both arrive the way back closes, and right after it the master is gone: it has its answers,
    /// and the leader has not heard of its touches. A short pause of the master before that spreads its probes.
    fn starve(&mut self, world: &World, at: Moment, process: usize) {
        let t = world.setting.timeout();
        let Some((leader, follower)) = upstream(world, process) else { return };
        let mut at = at;
        let mut stalls = self.before_a_ping(world, at, leader);
        if self.random.below(2) == 0 {
            // From right behind one ping to right before the next.
            at = stalls + self.random.below(t / 20);
            stalls += world.setting.tick / 2;
        }
        let mut awake = stalls;
        if self.random.below(3) > 0 {
            let span = match self.random.below(2) {
                0 => stalls.saturating_sub(at + self.random.below(t / 50)),
                _ => t / 5 + self.random.below(t / 10),
            };
            self.later.push((at, Fault::PauseProcess { process, span }));
            awake = stalls.max(at + span);
        }
        let longest = [t / 50, t / 5][self.random.index(2)];
        let opens = awake + self.random.below(longest);
        let closes = opens.saturating_sub(self.random.below(t / 25)).max(stalls);
        let gone = opens + self.random.below(t / 25);
        self.later.push((stalls, Fault::StallLink { from: leader, to: follower, span: opens - stalls }));
        self.later.push((closes, Fault::StallLink { from: follower, to: leader, span: 3 * t }));
        self.vanish(gone, process, 3 * t);
    }

    /// Right before a ping that would have brought the leader the master's touches, both ways close.
    fn black_out(&mut self, world: &World, at: Moment, process: usize) {
        let t = world.setting.timeout();
        let Some((leader, follower)) = upstream(world, process) else { return };
        let at = self.before_a_ping(world, at, leader);
        self.later.push((at, Fault::StallLink { from: follower, to: leader, span: 3 * t }));
        self.vanish(at, process, 3 * t);
    }

    /// A moment not long after `at` and shortly before the leader pings.
    fn before_a_ping(&mut self, world: &World, at: Moment, leader: ServerId) -> Moment {
        let server = &world.servers[leader];
        let half = world.setting.tick / 2;
        let next = server.clock.when(server.next_ping);
        let pings = at.saturating_sub(next).div_ceil(half);
        (next + pings * half).saturating_sub(self.random.below(world.setting.timeout() / 50)).max(world.now)
    }

    /// Nobody hears of the process for about as long as its session lives, then it is back for a moment, and gone again:
    /// in that moment it may be served in a session that is to end.
    fn relapse(&mut self, world: &World, at: Moment, process: usize) {
        let t = world.setting.timeout();
        let span = 3 * t / 4 + self.random.below(t);
        let again = at + span + self.random.below(t / 4);
        match self.random.below(3) {
            0 => self.later.push((at, Fault::PauseProcess { process, span })),
            _ => self.later.push((at, Fault::Unplug { process, span })),
        }
        self.vanish(again, process, 2 * t);
    }

    /// The servers grant more, and each session is attached again; then another leader counts by the first grant.
    fn raise(&mut self, world: &World, at: Moment, process: usize, span: u64) {
        let t = world.setting.timeout();
        self.later.push((at, Fault::Raise));
        self.later.push((at + 1, Fault::Cut { process, lost: false }));
        if let Some(server) = world.leader() {
            let crash = at + t / 4 + self.random.below(t);
            self.later.push((crash, Fault::Crash { server }));
            self.later.push((crash + span, Fault::Boot { server }));
            let gone = crash + self.random.below(t);
            self.vanish(gone, process, 5 * t);
        }
    }

    /// Nobody hears of the process any more for a while, be it that it is stopped or that no server is reached.
    fn vanish(&mut self, at: Moment, process: usize, span: u64) {
        match self.random.below(4) {
            0 => self.later.push((at, Fault::PauseProcess { process, span })),
            1 => self.later.push((at, Fault::Unplug { process, span })),
            2 => {
                self.later.push((at, Fault::StallUp { process, span }));
                self.later.push((at, Fault::StallDown { process, span }));
            }
            _ => {
                self.later.push((at, Fault::Cut { process, lost: true }));
                self.later.push((at + 1, Fault::PauseProcess { process, span }));
            }
        }
    }

    /// Somebody does what nobody should.
    fn lay_hands(&mut self, world: &World, at: Moment, process: usize, span: u64) {
        if world.setting.queue && self.random.below(2) == 0 {
            return self.lay_hands_on_the_queue(world, at);
        }
        match self.random.below(5) {
            0 => self.later.push((at, Fault::DeleteLock)),
            1 => self.later.push((at, Fault::OverwriteLock)),
            2 => self.later.push((at, Fault::CloseSession { process })),
            3 => {
                // Whoever starts now finds something that is no lock.
                for fault in [Fault::DeleteLock, Fault::Squat, Fault::Restart { process }] {
                    self.later.push((at, fault));
                }
                self.later.push((at + span, Fault::DeleteLock));
            }
            _ => {
                self.later.push((at, Fault::Deny(true)));
                self.later.push((at + span / 2, Fault::RoleFails { process }));
                self.later.push((at + span, Fault::Deny(false)));
            }
        }
    }

    /// Anything that stands in the queue goes; be it at once, or while its owner is about to look at it again, since
    /// somebody has overwritten it, and those before it go as well.
    fn lay_hands_on_the_queue(&mut self, world: &World, at: Moment) {
        let place = self.random.index(world.processes.len() + 1);
        if self.random.below(2) == 0 {
            return self.later.push((at, Fault::DeleteQueued { place }));
        }
        let span = self.random.below(2 * world.setting.latency.0 + 2 * world.setting.latency.1);
        self.later.push((at, Fault::OverwriteQueued { place }));
        self.later.push((at + span, Fault::DeleteQueued { place }));
        for _ in 0..place {
            self.later.push((at + span, Fault::DeleteQueued { place: 0 }));
        }
    }

    /// The master's server, or the leader, reaches nobody for a while, and the master may stay with it.
    fn isolate(&mut self, world: &World, at: Moment, process: usize) {
        let t = world.setting.timeout();
        let span = t / 4 + self.random.below(3 * t);
        let leader = world.leader().unwrap_or(0);
        let own = world.processes[process].wire().and_then(|id| world.wires.get(&id)).map(|wire| wire.server);
        let server = match self.random.below(3) {
            0 => leader,
            1 => own.unwrap_or(leader),
            _ => self.random.index(world.servers.len()),
        };
        let with = if self.random.below(3) == 0 { self.random.index(world.servers.len()) } else { server };
        self.later.push((at, Fault::Isolate { server, with }));
        self.later.push((at + span, Fault::Rejoin));
        if self.random.below(2) == 0 {
            let lost = self.random.below(2) == 0;
            let cut = at + self.random.below(span);
            self.later.push((cut, Fault::Cut { process, lost }));
        }
    }
}

/// The server of a process and the one that it follows.
fn upstream(world: &World, process: usize) -> Option<(ServerId, ServerId)> {
    let wire = world.processes[process].wire().and_then(|id| world.wires.get(&id))?;
    match world.servers[wire.server].mode {
        Mode::Following { to, .. } => Some((to, wire.server)),
        _ => None,
    }
}
