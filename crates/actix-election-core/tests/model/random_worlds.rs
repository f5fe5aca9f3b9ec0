//! Large worlds in continuous time. A seed decides everything.

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
    let (seen, rules) =
        in_threads(|share, threads, stop| some(seeds.clone().filter(|seed| seed % threads == share), stop));
    println!("{rules}");
    if seeds.end - seeds.start >= WORLDS {
        seen.require(EVERYTHING);
    }
}

/// Runs as many shares of the work as there are processors. The first that fails stops the others.
fn in_threads(work: impl Fn(u64, u64, &AtomicBool) -> (Seen, Rules) + Sync) -> (Seen, Rules) {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                let (work, stop) = (&work, &stop);
                scope.spawn(move || work(share, threads, stop))
            })
            .collect();
        let mut all = (Seen::default(), Rules::default());
        for share in shares {
            let (seen, rules) = share.join().unwrap_or_else(|_| panic!("see above"));
            all.0.add(&seen);
            all.1.add(&rules);
        }
        all
    })
}

fn some(seeds: impl Iterator<Item = u64>, stop: &AtomicBool) -> (Seen, Rules) {
    let (mut seen, mut rules) = (Seen::default(), Rules::default());
    for seed in seeds {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let setting = Setting::random(&mut Random(seed));
        // The other rules know nothing of a T that changes.
        let rules_apply = setting.grants.iter().all(|grant| *grant == setting.timeout());
        let setting = Setting { rules: rules_apply, ..setting };
        let (world, failure) = run(&setting, seed);
        if let Some(failure) = failure {
            stop.store(true, Ordering::Relaxed);
            let name = format!("MODEL_SEED={seed}");
            panic!("{}", account(&name, &setting, seed, failure));
        }
        seen.add(&world.judge.seen);
        rules.add(&world.rules);
    }
    (seen, rules)
}

/// What has to have happened in some world, lest all this check nothing.
const EVERYTHING: [&str; 31] = [
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
    "a recovered create",
    "a lease runs out beside a living session",
    "a session is given up that lives on",
    "a silent server is left",
    "an election",
    "a leader loses its quorum",
    "a trouble is reported",
    "a candidate leaves",
    "something stale is ignored",
    "an overlap after a deletion by hand",
];
