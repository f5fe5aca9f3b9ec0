//! A candidate behind a znode that it may not read, in a queue that is observed as well: both ask again in the same rhythm,
//! and that must never slow down its turn.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::{
    Candidate, CandidateConfig, ElectionPath, Input, Message, OpId, Operation, Output, QueueId, Refusal,
    Reply, RoleId, SessionId, SessionTimeout, Stat, Strategy, Timestamp, WatchEvent, Znode,
};

const SESSION: SessionId = SessionId(7);
const PREDECESSOR: &str = "_c_00000000-0000-4000-8000-000000000001-latch-0000000000";

fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

fn found(czxid: i64, ephemeral_owner: i64) -> Reply {
    Reply::Found(Znode { data: Vec::new(), stat: Stat { czxid, ephemeral_owner } })
}

/// The ensemble: answers after 2 ms, and has the predecessor until it dies.
struct World {
    now: u64,
    candidate: Candidate,
    arriving: VecDeque<(u64, Input)>,
    own: Option<String>,
    /// The watches that stand on the predecessor.
    watches: Vec<OpId>,
    predecessor_lives: bool,
    is_master: bool,
}

impl World {
    fn start() -> Self {
        let mut config = CandidateConfig::new(ElectionPath::new("/q").unwrap());
        config.strategy = Strategy::Queue(QueueId::from_random(5));
        let candidate = Candidate::new(config, at(1_000)).unwrap();
        let mut world = World {
            now: 1_000,
            candidate,
            arriving: VecDeque::new(),
            own: None,
            watches: Vec::new(),
            predecessor_lives: true,
            is_master: false,
        };
        let timeout = SessionTimeout::new(Duration::from_secs(10));
        for input in [
            Input::RoleJoined(RoleId(1)),
            Input::Campaign,
            Input::Lease(at(11_000)),
            Input::Connected { session: SESSION, timeout },
        ] {
            world.give(input);
        }
        world
    }

    fn give(&mut self, input: Input) {
        self.candidate.handle(at(self.now), input);
        while let Some(output) = self.candidate.next_output() {
            match output {
                Output::Request(op, operation) | Output::RequestWhenQuiet(op, operation) => {
                    let reply = self.answer(op, operation);
                    self.arriving.push_back((self.now + 2, Input::Answered(op, reply)));
                }
                Output::Notify(_, _, Message::BecameMaster { .. }) => self.is_master = true,
                Output::Notify(role, message, Message::BecameStandby { .. }) => {
                    self.arriving.push_front((self.now, Input::RoleAcknowledged(role, message)));
                }
                _ => {}
            }
        }
    }

    fn answer(&mut self, op: OpId, operation: Operation) -> Reply {
        let predecessor = format!("/q/{PREDECESSOR}");
        match operation {
            Operation::CreateSequential { path, .. } => {
                let name = format!("{}0000000001", path.trim_start_matches("/q/"));
                self.own = Some(name.clone());
                Reply::CreatedSequential { name, stat: Stat { czxid: 42, ephemeral_owner: SESSION.0 } }
            }
            Operation::Children { .. } => {
                let there = self.predecessor_lives.then(|| PREDECESSOR.to_owned());
                Reply::Children(there.into_iter().chain(self.own.clone()).collect())
            }
            Operation::Read { path, .. } if path == "/q" => found(1, 0),
            Operation::Read { path, .. } | Operation::Exists { path }
                if path == predecessor && !self.predecessor_lives =>
            {
                Reply::Missing
            }
            Operation::Read { path, .. } if path == predecessor => Reply::Refused(Refusal::NoAuth),
            Operation::Exists { path } if path == predecessor => {
                self.watches.push(op);
                found(30, 9)
            }
            Operation::Read { path, .. } if path.starts_with("/q/") => found(42, SESSION.0),
            _ => Reply::Missing,
        }
    }

    /// What comes next, until that time.
    fn run_until(&mut self, end: u64) {
        while !self.is_master {
            let arrives = self.arriving.front().map_or(u64::MAX, |(at, _)| *at);
            let timer = self.candidate.next_timer();
            let timer = timer.map_or(u64::MAX, |(at, _)| at.as_nanos().div_ceil(1_000_000));
            let next = arrives.min(timer.max(self.now + 1));
            if next > end {
                break;
            }
            self.now = next.max(self.now);
            let input =
                if arrives <= next { self.arriving.pop_front().map(|(_, input)| input) } else { None };
            self.give(input.unwrap_or(Input::Timer));
        }
        if !self.is_master {
            self.now = end;
        }
    }
}

#[test]
fn its_turn_comes_at_once() {
    for dies in (100..115).map(|second| second * 1_000) {
        let mut world = World::start();
        world.run_until(3_300);
        world.give(Input::Observed);
        for second in 4..=dies / 1_000 {
            world.run_until(second * 1_000);
            world.give(Input::Lease(at(world.now + 9_000)));
        }
        assert!(!world.is_master);
        world.predecessor_lives = false;
        for watch in std::mem::take(&mut world.watches) {
            world.give(Input::WatchFired(watch, WatchEvent::Deleted));
        }
        world.run_until(dies + 1_000);
        assert!(world.is_master, "its predecessor died after {dies} ms");
    }
}
