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

    /// The next fault and when it strikes, given the world as it is now.
    pub(crate) fn next(&mut self, world: &World) -> (Moment, Fault) {
        while self.later.is_empty() {
            let t = world.setting.timeout();
            let at = world.now + self.random.below(2 * self.pace * t / 8);
            self.choose(world, at);
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
        let masters: Vec<usize> = (0..world.processes.len())
            .filter(|p| world.processes[*p].valid(world.now).is_some())
            .collect();
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
            18..=19 if world.setting.hands => {
                let faults =
                    [Fault::DeleteLock, Fault::DeleteLock, Fault::OverwriteLock, Fault::Squat, Fault::Deny(true)];
                then(at, faults[self.random.index(faults.len())]);
                if self.random.below(2) == 0 {
                    self.later.push((at + span, Fault::Deny(false)));
                    self.later.push((at + span, Fault::DeleteLock));
                }
            }
            18..=26 => self.starve(world, at, process),
            27..=32 => self.isolate(world, at, process),
            _ => self.vanish(at, process, span),
        }
    }

    /// The way between the leader and the master's follower stalls in one direction and then in the other, and
    /// in the end the master is cut off for good: what a lease must survive.
    fn starve(&mut self, world: &World, at: Moment, process: usize) {
        let t = world.setting.timeout();
        let Some((leader, follower)) = upstream(world, process) else { return };
        let first = self.random.below(t * 2 / 5);
        let back = at + first + self.random.below(t / 20);
        let gone = back + self.random.below(t / 2);
        self.later.push((at, Fault::StallLink { from: leader, to: follower, span: first }));
        if self.random.below(4) > 0 {
            self.later.push((back, Fault::StallLink { from: follower, to: leader, span: 3 * t }));
        } else {
            self.later.push((back, Fault::StallUp { process, span: 3 * t }));
        }
        self.vanish(gone, process, 3 * t);
    }

    /// Nobody hears of the process any more for a while, be it that it is stopped or that no server is reached.
    fn vanish(&mut self, at: Moment, process: usize, span: u64) {
        match self.random.below(3) {
            0 => self.later.push((at, Fault::PauseProcess { process, span })),
            1 => {
                self.later.push((at, Fault::StallUp { process, span }));
                self.later.push((at, Fault::StallDown { process, span }));
            }
            _ => {
                self.later.push((at, Fault::Cut { process, lost: true }));
                self.later.push((at + 1, Fault::PauseProcess { process, span }));
            }
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
