//! The small worlds that are explored, and that they keep every promise.

use crate::explore::Small;
use crate::fault::Fault;
use crate::judge::Seen;
use crate::random::number;
use crate::setting::Setting;

/// For good, as far as a world goes.
const EVER: u64 = 3_600_000_000_000;

/// One session: the way between the leader and its follower stalls and opens, and the client goes away.
pub(crate) fn starved() -> Small {
    let setting = Setting::small();
    let (leader, follower) = (2, 0);
    let half = setting.tick / 2;
    Small {
        name: "starved",
        faults: vec![
            Fault::StallUp { process: 0, span: EVER },
            Fault::StallLink { from: leader, to: follower, span: half / 2 },
            Fault::StallLink { from: leader, to: follower, span: half },
            Fault::StallLink { from: follower, to: leader, span: EVER },
            Fault::PauseProcess { process: 0, span: half },
            Fault::PauseProcess { process: 0, span: EVER },
        ],
        budget: 4,
        points: 5,
        grid: 4,
        setting,
    }
}

/// One session and a rival: cuts, re-attaches, an isolated leader, an isolated follower.
pub(crate) fn rivals() -> Small {
    let setting = Setting { processes: 2, ..Setting::small() };
    Small {
        name: "rivals",
        faults: vec![
            Fault::Cut { process: 0, lost: true },
            Fault::Cut { process: 0, lost: false },
            Fault::Isolate { server: 2, with: 2 },
            Fault::Isolate { server: 0, with: 0 },
            Fault::Rejoin,
            Fault::PauseProcess { process: 0, span: EVER },
            Fault::Resign { process: 0 },
        ],
        budget: 3,
        points: 6,
        grid: 4,
        setting,
    }
}

/// The positions of the leader's pings and ticks that are explored: all of them with `MODEL_PHASES=16`.
fn phases() -> impl Iterator<Item = u64> {
    let count = number("MODEL_PHASES").unwrap_or(2).clamp(1, 16);
    (0..count).map(move |phase| phase * 16 / count)
}

fn explore_all(small: &Small, wanted: &[&'static str]) {
    let (mut seen, mut worlds) = (Seen::default(), 0);
    for phase in phases() {
        let explored = small.explore(phase);
        if let Some(found) = explored.found {
            let (name, broken) = (small.name, found.broken);
            panic!(
                "BROKEN {:?}, {name}, phase {phase}: {}\nafter {:#?}",
                broken.property, broken.what, found.plan
            );
        }
        worlds += explored.worlds;
        seen.add(&explored.seen);
    }
    println!("{}: {worlds} worlds", small.name);
    seen.require(wanted.iter().copied());
}

#[test]
fn starved_worlds_keep_every_promise() {
    explore_all(&starved(), &["master", "standby: lease_ending", "a silent server is left"]);
}

#[test]
fn worlds_with_rivals_keep_every_promise() {
    explore_all(&rivals(), &["master", "standby: outranked", "standby: resigned", "an election"]);
}
