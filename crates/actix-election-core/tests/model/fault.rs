//! What goes wrong in a world, and what people do to it.

use actix_election_core::*;

use crate::clock::Moment;
use crate::process::{Link, Process};
use crate::server::{Mode, ServerId};
use crate::tree::{Hand, PATH, Tree, Write};
use crate::world::World;

/// One thing that goes wrong. Spans and moments are of true time. In the form that `Debug` prints, a list of these can
/// be read as an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Fault {
    // ---- between clients and servers
    /// The connection breaks; whether what is on its way to the server is lost.
    Cut {
        process: usize,
        lost: bool,
    },
    /// Nothing arrives at the server, or at the client, for so long.
    StallUp {
        process: usize,
        span: u64,
    },
    StallDown {
        process: usize,
        span: u64,
    },
    /// The process reaches no server for so long.
    Unplug {
        process: usize,
        span: u64,
    },
    // ---- between servers
    StallLink {
        from: ServerId,
        to: ServerId,
        span: u64,
    },
    /// The server reaches none of the others, until it is back. With another, if there is one.
    Isolate {
        server: ServerId,
        with: ServerId,
    },
    Rejoin,
    // ---- machines
    PauseProcess {
        process: usize,
        span: u64,
    },
    PauseServer {
        server: ServerId,
        span: u64,
    },
    Crash {
        server: ServerId,
    },
    Boot {
        server: ServerId,
    },
    /// The process is killed, and started again under the same address.
    Restart {
        process: usize,
    },
    // ---- the application
    SlowRole {
        process: usize,
        span: u64,
    },
    RoleFails {
        process: usize,
    },
    Resign {
        process: usize,
    },
    AskToResign,
    Withdraw {
        process: usize,
    },
    Campaign {
        process: usize,
    },
    // ---- by hand
    /// The election path and everything below it, one after the other.
    DeleteLock,
    OverwriteLock,
    /// What stands at this place of the queue.
    DeleteQueued {
        place: usize,
    },
    OverwriteQueued {
        place: usize,
    },
    /// Puts at the election path what the strategy cannot do with.
    Squat,
    Deny(bool),
    /// The session is closed over its owner's head.
    CloseSession {
        process: usize,
    },
    /// From now on the servers grant three times as much: they were restarted with a greater least T.
    Raise,
    /// The ensemble loses its data, and counts from the start.
    Wipe,
}

impl World {
    pub(crate) fn fault(&mut self, fault: Fault) {
        let now = self.now;
        match fault {
            Fault::Cut { process, lost } => {
                if let Link::Up { .. } | Link::Dialing { .. } = self.processes[process].link {
                    self.detached(process, lost);
                }
            }
            Fault::StallUp { process, span } => self.stall_wire(process, Some(now + span), None),
            Fault::StallDown { process, span } => self.stall_wire(process, None, Some(now + span)),
            Fault::Unplug { process, span } => self.processes[process].unplugged_until = now + span,
            Fault::Raise => self.raised = 3,
            Fault::StallLink { from, to, span } => {
                self.links.entry((from, to)).or_default().stall(now + span);
            }
            Fault::Isolate { server, with } => {
                self.server(server).group = 1;
                self.server(with).group = 1;
            }
            Fault::Rejoin => self.servers.iter_mut().for_each(|server| server.group = 0),
            Fault::PauseProcess { process, span } => self.processes[process].paused_until = now + span,
            Fault::PauseServer { server, span } => self.server(server).paused_until = now + span,
            Fault::Crash { server } => {
                self.look(server);
                self.server(server).mode = Mode::Down;
            }
            Fault::Boot { server } => {
                if self.servers[server].mode == Mode::Down {
                    self.look(server);
                }
            }
            Fault::Restart { process } => self.restart(process),
            Fault::SlowRole { process, span } => self.processes[process].handling = span,
            Fault::RoleFails { process } => self.role_fails(process),
            Fault::Resign { process } => self.give(process, Input::Resign { token: None }),
            Fault::AskToResign => self.ask_to_resign(),
            Fault::Withdraw { process } => {
                self.processes[process].campaigning = false;
                self.give(process, Input::Withdraw);
            }
            Fault::Campaign { process } => {
                self.processes[process].campaigning = true;
                self.give(process, Input::Campaign);
            }
            Fault::DeleteLock => {
                for (path, _) in self.standing().into_iter().filter(|(path, _)| path != PATH) {
                    self.by_hand(Hand::Delete(path));
                }
                self.by_hand(Hand::Delete(PATH.into()));
            }
            Fault::OverwriteLock => self.by_hand(Hand::Overwrite(PATH.into())),
            Fault::DeleteQueued { place } => {
                let queued = self.standing().into_iter().nth(place);
                queued.into_iter().for_each(|(path, _)| self.by_hand(Hand::Delete(path)));
            }
            Fault::OverwriteQueued { place } => {
                let queued = self.standing().into_iter().nth(place);
                queued.into_iter().for_each(|(path, _)| self.by_hand(Hand::Overwrite(path)));
            }
            Fault::Squat => {
                let owner = self.squatter();
                self.by_hand(Hand::Create { path: PATH.into(), data: b"mine".into(), owner });
            }
            Fault::Deny(denied) => self.by_hand(Hand::Deny(denied)),
            Fault::Wipe => self.wipe(),
            Fault::CloseSession { process } => self.close_by_hand(process),
        }
        self.at_most_one_master();
    }

    fn stall_wire(&mut self, process: usize, up: Option<Moment>, down: Option<Moment>) {
        let wire = self.processes[process].wire().and_then(|id| self.wires.get_mut(&id));
        if let Some(wire) = wire {
            up.into_iter().for_each(|until| wire.up.stall(until));
            down.into_iter().for_each(|until| wire.down.stall(until));
        }
    }

    fn restart(&mut self, p: usize) {
        self.hang_up(p, false);
        let old = &self.processes[p];
        let dials = old.dials;
        self.processes[p] = Process { dials, ..Process::new(p, self.setting.queue, old.clock, self.now) };
        self.start_process(p);
    }

    fn role_fails(&mut self, p: usize) {
        let back_at = self.now + self.setting.tick / 4;
        let process = &mut self.processes[p];
        if let Some(role) = process.role.take() {
            process.role_back_at = back_at;
            self.give(p, Input::RoleFailed(role.id));
        }
    }

    fn ask_to_resign(&mut self) {
        let standing = self.standing();
        let Some((_, head)) = standing.first() else { return };
        let data = resign_request_data(FencingToken::new(head.czxid));
        let path = resign_request_path(&ElectionPath::new(PATH).unwrap(), SessionId(head.ephemeral_owner));
        // The session of whoever asks is none of this world's, so it lasts. An earlier request is taken back.
        self.by_hand(Hand::Delete(path.clone()));
        self.by_hand(Hand::Create { path, data, owner: 1 });
    }

    /// What stands in the election now, by the leader's copy.
    pub(crate) fn standing(&self) -> Vec<(String, Stat)> {
        self.leader().map(|leader| self.servers[leader].tree.standing()).unwrap_or_default()
    }

    /// Who owns what spoils the election path: nobody for a lock, and for a queue a session that lasts.
    fn squatter(&self) -> i64 {
        i64::from(self.setting.queue)
    }

    /// As test tools do that know a session's password.
    fn close_by_hand(&mut self, p: usize) {
        let (Some(leader), Some((session, _))) = (self.leader(), self.processes[p].session) else { return };
        if let Some(tracked) = self.server(leader).table.get_mut(&session) {
            tracked.closing = true;
            self.judge.closed_by_hand.insert(session);
            self.propose(leader, session, Write::CloseSession, None);
        }
    }

    fn wipe(&mut self) {
        self.epoch = 0;
        for s in 0..self.servers.len() {
            self.look(s);
            let server = self.server(s);
            server.tree = Tree::new(true);
            server.log.clear();
            server.epoch = 0;
        }
    }

    /// Puts everything right.
    pub(crate) fn heal(&mut self) {
        self.fault(Fault::Rejoin);
        let now = self.now;
        for link in self.links.values_mut() {
            link.stall(now);
        }
        for wire in self.wires.values_mut() {
            wire.up.stall(now);
            wire.down.stall(now);
        }
        for server in 0..self.servers.len() {
            self.servers[server].paused_until = now;
            self.fault(Fault::Boot { server });
        }
        for process in &mut self.processes {
            process.paused_until = now;
            process.unplugged_until = now;
            process.handling = 0;
        }
    }

    /// Takes away what stands in the way by hand. Needs a leader.
    pub(crate) fn clear_by_hand(&mut self) {
        self.fault(Fault::Deny(false));
        let squatted = self
            .leader()
            .and_then(|leader| self.servers[leader].tree.znodes.get(PATH))
            .is_some_and(|znode| znode.stat.ephemeral_owner == self.squatter());
        if squatted {
            self.fault(Fault::DeleteLock);
        }
    }
}
