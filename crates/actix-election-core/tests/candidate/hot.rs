//! No server, whatever it answers, has a candidate ask it round and round at once.

use std::collections::VecDeque;
use std::time::Duration;

use actix_election_core::*;

use crate::bench::{ADDRESS, OURS, PATH, ROLE, T, THEIRS};
use crate::random::Random;

const ID: QueueId = QueueId::from_random(1);

/// The most that is asked within a second: what it takes to find out everything once, and a few attempts more.
const MOST: usize = 100;

/// The kinds of requests that a server may treat each in its own way.
const KINDS: usize = 8;

fn kind(operation: &Operation) -> usize {
    let below = |path: &str| path != PATH;
    match operation {
        Operation::Create { .. } | Operation::CreateSequential { .. } => 0,
        Operation::CreateParents { .. } => 1,
        Operation::Read { path, .. } if below(path) => 2,
        Operation::Read { .. } => 3,
        Operation::Exists { .. } => 4,
        Operation::Children { .. } => 5,
        Operation::Confirm { .. } => 6,
        Operation::Delete { .. } => 7,
    }
}

/// How many answers there are.
const ANSWERS: usize = 21;

/// An answer, be it fit for the request or not. `fresh` is greater each time.
fn answer(number: usize, fresh: i64) -> Reply {
    let found = |session: i64, czxid| {
        Reply::Found(Znode { data: ADDRESS.into(), stat: Stat { czxid, ephemeral_owner: session } })
    };
    let created = |session: i64| {
        let stat = Stat { czxid: fresh, ephemeral_owner: session };
        let name = format!("_c_{ID}-latch-{:010}", 5);
        Reply::CreatedSequential { name, stat }
    };
    let ours = || format!("_c_{ID}-latch-{:010}", 5);
    let other = |place: i64| format!("_c_{}-latch-{place:010}", QueueId::from_random(2));
    match number {
        0 => Reply::Created(Stat { czxid: fresh, ephemeral_owner: OURS.0 }),
        1 => Reply::Created(Stat { czxid: fresh, ephemeral_owner: THEIRS.0 }),
        2 => created(OURS.0),
        3 => created(THEIRS.0),
        4 => Reply::Children(vec![]),
        5 => Reply::Children(vec![ours()]),
        6 => Reply::Children(vec![other(fresh % 5), ours()]),
        7 => Reply::Children(vec![other(fresh % 7)]),
        8 => Reply::Children(vec![format!("_c_{ID}-latch-{:010}", fresh % 9), other(1), other(2), ours()]),
        9 => Reply::Done,
        10 => found(OURS.0, fresh),
        11 => found(OURS.0, 7),
        12 => found(THEIRS.0, fresh),
        13 => found(0, 7),
        14 => Reply::Missing,
        15 => Reply::Refused(Refusal::NodeExists),
        16 => Reply::Refused(Refusal::NoParent),
        17 => Reply::Refused(Refusal::NoAuth),
        18 => Reply::Refused(Refusal::EphemeralParent),
        19 => Reply::Refused(Refusal::Other { code: -6, meaning: "unimplemented" }),
        _ => Reply::Unknown,
    }
}

/// What a candidate asks within so many seconds of a server that answers at once.
struct World {
    candidate: Candidate,
    now: Timestamp,
    end: Timestamp,
    inputs: VecDeque<Input>,
    asked: Vec<(Timestamp, Operation)>,
    reported: Vec<Problem>,
}

impl World {
    fn new(strategy: Option<Strategy>, seconds: u64) -> Self {
        let now = Timestamp::from_nanos(100_000_000_000);
        let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
        config.strategy = strategy.unwrap_or_default();
        config.address = Some(Address::new(ADDRESS).unwrap());
        let timeout = SessionTimeout::new(Duration::from_secs_f64(T));
        let mut inputs = VecDeque::from([
            Input::Observed,
            Input::Lease(now + timeout.span()),
            Input::Connected { session: OURS, timeout },
        ]);
        if strategy.is_some() {
            inputs.extend([Input::RoleJoined(ROLE), Input::Campaign]);
        }
        World {
            candidate: Candidate::new(config, now).unwrap(),
            now,
            end: now + Duration::from_secs(seconds),
            inputs,
            asked: Vec::new(),
            reported: Vec::new(),
        }
    }

    fn run(mut self, mut server: impl FnMut(&Operation) -> Reply) -> Self {
        while self.asked.len() <= 100 * MOST {
            while let Some(input) = self.inputs.pop_front() {
                self.candidate.handle(self.now, input);
                self.carry_out(&mut server);
                if self.asked.len() > 100 * MOST {
                    return self;
                }
            }
            match self.candidate.next_timer() {
                Some((at, _)) if at < self.end => self.now = self.now.max(at),
                _ => return self,
            }
            self.inputs.push_back(Input::Timer);
            self.inputs.push_back(Input::Lease(self.now + Duration::from_secs_f64(T)));
        }
        self
    }

    fn carry_out(&mut self, server: &mut impl FnMut(&Operation) -> Reply) {
        while let Some(output) = self.candidate.next_output() {
            match output {
                Output::Request(op, operation) | Output::RequestWhenQuiet(op, operation) => {
                    self.inputs.push_back(Input::Answered(op, server(&operation)));
                    self.asked.push((self.now, operation));
                }
                Output::Notify(role, id, _) => self.inputs.push_back(Input::RoleAcknowledged(role, id)),
                Output::Report(problem) => self.reported.push(problem),
                _ => {}
            }
        }
    }

    fn check(&self, what: &str) {
        let asked = self.asked.len();
        assert!(
            asked <= MOST,
            "{what}: {asked} requests within a second, at last {:?}",
            &self.asked[asked - 6..]
        );
    }
}

fn strategies() -> [Option<Strategy>; 3] {
    [None, Some(Strategy::Lock), Some(Strategy::Queue(ID))]
}

/// A policy is an answer for each kind of request.
fn run(strategy: Option<Strategy>, policy: [usize; KINDS]) {
    let mut fresh = 1_000;
    let world = World::new(strategy, 1).run(|operation| {
        fresh += 1;
        answer(policy[kind(operation)], fresh)
    });
    world.check(&format!("{strategy:?} {policy:?}"));
}

/// Every answer to every request, where the rest is answered in some way that leads on.
#[test]
fn one_request_is_answered_strangely() {
    let usual = [
        [0, 9, 11, 14, 14, 4, 11, 9],
        [0, 9, 12, 12, 12, 6, 11, 9],
        [2, 9, 10, 13, 14, 5, 11, 9],
        [2, 9, 12, 13, 12, 6, 10, 14],
        [16, 9, 14, 14, 14, 6, 14, 14],
        [20, 20, 17, 17, 12, 7, 12, 17],
    ];
    for strategy in strategies() {
        for policy in usual {
            for (kind, answer) in (0..KINDS).flat_map(|kind| (0..ANSWERS).map(move |answer| (kind, answer))) {
                let mut policy = policy;
                policy[kind] = answer;
                run(strategy, policy);
            }
        }
    }
}

#[test]
fn each_kind_is_answered_in_its_own_way() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let policy = [(); KINDS].map(|()| random.index(ANSWERS));
        for strategy in strategies() {
            run(strategy, policy);
        }
    }
}

#[test]
fn no_two_answers_are_alike() {
    for seed in 0..5_000 {
        for strategy in strategies() {
            let mut random = Random(seed);
            let mut fresh = 1_000;
            let world = World::new(strategy, 1).run(|_| {
                fresh += 1;
                answer(random.index(ANSWERS), fresh)
            });
            world.check(&format!("{strategy:?}, seed {seed}"));
        }
    }
}

/// Ever more rarely, and somebody hears of it.
#[test]
fn nothing_but_unknown_answers() {
    for strategy in strategies() {
        let world = World::new(strategy, 600).run(|_| Reply::Unknown);
        assert!(world.asked.len() < 200, "{strategy:?}: {} requests in ten minutes", world.asked.len());
        assert!(world.asked.len() > 100, "{strategy:?}: it goes on asking");
        let last = world.asked.last().unwrap().0;
        assert!(world.end.since(last) < Duration::from_secs(6), "{strategy:?}: it goes on asking");
        let said: Vec<_> = world.reported.iter().map(|problem| problem.message.as_str()).collect();
        assert!((9..=11).contains(&said.len()), "once a minute: {said:?}");
        assert!(said.iter().all(|said| said.contains("inconclusive")), "{said:?}");
    }
}
