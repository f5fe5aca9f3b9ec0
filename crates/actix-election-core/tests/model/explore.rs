//! Every way in which a few faults can strike a small world, on a grid of a part of a tick.
//!
//! Between two points of the grid everything happens at its own time: probes, pings and expiry keep their rhythm. What
//! is explored is what goes wrong at each point, from a world that has settled, for different positions of the
//! leader's pings and of the ticks that expiry is rounded up to.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::clock::MILLI;
use crate::fault::Fault;
use crate::judge::{Broken, Seen};
use crate::nemesis::Plan;
use crate::process::Link;
use crate::runner::in_the_end;
use crate::server::ServerId;
use crate::setting::Setting;
use crate::world::World;

/// Where the leader and the server of the first process are in every small world.
pub(crate) const LEADER: ServerId = 2;
pub(crate) const FOLLOWER: ServerId = 0;
/// And where that process goes when it is cut off.
pub(crate) const NEXT: ServerId = 1;

/// A small world, what may go wrong in it, how often, and at how many points.
pub(crate) struct Small {
    pub(crate) name: &'static str,
    pub(crate) setting: Setting,
    pub(crate) faults: Vec<Fault>,
    pub(crate) budget: usize,
    pub(crate) points: u64,
    /// How often a point lies in a tick.
    pub(crate) grid: u64,
}

/// A way to break a promise.
pub(crate) struct Counterexample {
    pub(crate) broken: Broken,
    pub(crate) plan: Plan,
}

#[derive(Default)]
pub(crate) struct Explored {
    pub(crate) worlds: u64,
    pub(crate) seen: Seen,
    pub(crate) found: Option<Counterexample>,
}

impl Small {
    /// A settled world, in which bucket and ping lie `phase` sixteenths of a tick further on.
    fn start(&self, phase: u64) -> World {
        let mut world = World::new(self.setting.clone(), 1);
        for server in &mut world.servers {
            server.clock.origin += phase * self.setting.tick / 16 + phase * MILLI;
        }
        // Once there is a leader every process finds the server of its own number at once.
        for process in &mut world.processes {
            process.link = Link::None { redial_at: world.now + self.setting.tick };
        }
        // Between a ping and the next, with a probe since the last.
        let settled = world.now + 2 * self.setting.timeout() + self.setting.tick / 4;
        world.run(settled).unwrap_or_else(|broken| panic!("{}: {broken:?} while it settles", self.name));
        let server = world.processes[0].wire().map(|wire| world.wires[&wire].server);
        assert_eq!((server, world.leader()), (Some(FOLLOWER), Some(LEADER)), "{}", self.name);
        world
    }

    /// Looks at every world that can come of the start, depth first.
    pub(crate) fn explore(&self, phase: u64) -> Explored {
        let mut explored = Explored::default();
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let mut known = HashSet::new();
        let mut stack = vec![(self.start(phase), Plan::new(), 0)];
        while let Some((world, plan, point)) = stack.pop() {
            explored.worlds += 1;
            let over = point == self.points || plan.len() == self.budget;
            if let Some(found) = if over { self.finish(world.clone(), &plan, &mut explored) } else { None } {
                explored.found = Some(found);
                return explored;
            }
            if over {
                continue;
            }
            for fault in std::iter::once(None).chain(self.faults.iter().copied().map(Some)) {
                let mut next = world.clone();
                let mut plan = plan.clone();
                // More than one thing can go wrong at one point, each but once.
                let mut point = point;
                match fault {
                    Some(fault) => {
                        let at = next.now;
                        if plan.iter().any(|(before, struck)| *before == at && *struck >= fault) {
                            continue;
                        }
                        plan.push((at, fault));
                        next.fault(fault);
                    }
                    None => {
                        point += 1;
                        let until = next.now + self.setting.tick / self.grid;
                        // What is broken is noted, and shown at the end.
                        let _ = next.run(until);
                    }
                }
                if let Some(broken) = next.judge.broken.clone() {
                    explored.found = Some(Counterexample { broken, plan });
                    return explored;
                }
                if known.insert(hasher.hash_one((&next, plan.len()))) {
                    stack.push((next, plan, point));
                }
            }
        }
        explored
    }

    /// Nothing more goes wrong, but nothing is put right either until every session has ended that will; then it is.
    fn finish(&self, mut world: World, plan: &Plan, explored: &mut Explored) -> Option<Counterexample> {
        let outcome = (|| {
            world.run(world.now + self.setting.timeout() + 2 * self.setting.tick)?;
            in_the_end(&mut world)
        })();
        explored.seen.add(&world.judge.seen);
        outcome.err().map(|broken| Counterexample { broken, plan: plan.clone() })
    }
}
