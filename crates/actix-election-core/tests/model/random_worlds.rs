//! Large worlds in continuous time. A seed decides everything; each is run once with either strategy.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::judge::Seen;
use crate::random::{Random, number};
use crate::rules::Rules;
use crate::runner::{account, run};
use crate::setting::Setting;

/// How many worlds are run unless `MODEL_WORLDS` says otherwise.
const WORLDS: u64 = 1_000;

#[test]
fn random_worlds_keep_every_promise() {
    let seeds = match number("MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("MODEL_WORLDS").unwrap_or(WORLDS) + 1,
    };
    let all =
        in_threads(|share, threads, stop| some(seeds.clone().filter(|seed| seed % threads == share), stop));
    if seeds.end - seeds.start >= WORLDS {
        all.lock.require(EVERYTHING.into_iter().chain(WITH_A_LOCK));
        all.queue.require(EVERYTHING.into_iter().chain(WITH_A_QUEUE));
    }
}

/// On the same probes, sessions that are kept up until they end: the shipped rule never outlives one, others do.
#[test]
fn other_rules_are_judged() {
    let worlds = number("MODEL_RULES").unwrap_or(300);
    let all = in_threads(|share, threads, _| {
        let mut outcome = Outcome::default();
        for seed in (1..=worlds).filter(|seed| seed % threads == share) {
            let setting = Setting { rules: true, raises: false, ..Setting::random(&mut Random(seed)) };
            // They know nothing of a T that changes.
            let grants = vec![setting.timeout(); setting.voters];
            let (world, _) = run(&Setting { grants, ..setting }, seed);
            outcome.rules.add(&world.rules);
        }
        outcome
    });
    println!("{}", all.rules);
    assert_eq!(all.rules.outlived[0], 0, "the shipped rule\n{}", all.rules);
    assert!(all.rules.outlived[1] > 0, "a chain is not needed\n{}", all.rules);
}

/// What became of some worlds.
#[derive(Default)]
struct Outcome {
    lock: Seen,
    queue: Seen,
    rules: Rules,
}

/// Runs as many shares of the work as there are processors. The first that fails stops the others.
fn in_threads(work: impl Fn(u64, u64, &AtomicBool) -> Outcome + Sync) -> Outcome {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                let (work, stop) = (&work, &stop);
                scope.spawn(move || work(share, threads, stop))
            })
            .collect();
        let mut all = Outcome::default();
        for share in shares {
            let share = share.join().unwrap_or_else(|_| panic!("see above"));
            all.lock.add(&share.lock);
            all.queue.add(&share.queue);
            all.rules.add(&share.rules);
        }
        all
    })
}

fn some(seeds: impl Iterator<Item = u64>, stop: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    for (seed, queue) in seeds.flat_map(|seed| [(seed, false), (seed, true)]) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let setting = Setting::random(&mut Random(seed));
        let setting = Setting { queue, ..setting };
        let (world, failure) = run(&setting, seed);
        if let Some(failure) = failure {
            stop.store(true, Ordering::Relaxed);
            let name = format!("MODEL_SEED={seed}, {}", if queue { "queue" } else { "lock" });
            panic!("{}", account(&name, &setting, seed, failure));
        }
        if queue { &mut outcome.queue } else { &mut outcome.lock }.add(&world.judge.seen);
    }
    outcome
}

/// What has to have happened in some world with either strategy, lest all this check nothing.
const EVERYTHING: [&str; 30] = [
    "following",
    "waiting_for_role",
    "waiting_for_acknowledgement",
    "connecting",
    "pausing",
    "competing",
    "standby",
    "path_taken",
    "denied",
    "winning",
    "master",
    "stepping_down",
    "standby: connecting",
    "standby: outranked",
    "standby: resigned",
    "standby: lease_ending",
    "standby: session_lost",
    "standby: node_lost",
    "standby: path_taken",
    "standby: denied",
    "standby: role_failed",
    "a lease runs out beside a living session",
    "a session is given up that lives on",
    "a silent server is left",
    "an election",
    "a leader loses its quorum",
    "a problem is reported",
    "a candidate leaves",
    "something stale is ignored",
    "an overlap after a deletion by hand",
];

const WITH_A_LOCK: [&str; 1] = ["a recovered create"];

const WITH_A_QUEUE: [&str; 4] = [
    "a promotion with nothing read",
    "a recovered sequential create",
    "a candidate in the middle deleted by hand",
    "a stale list shows its reader at the head",
];
