//! The small worlds that are explored, and that they keep every promise.

use crate::explore::{FOLLOWER, LEADER, NEXT, Small};
use crate::fault::Fault;
use crate::judge::Seen;
use crate::random::number;
use crate::setting::Setting;

/// For good, as far as a world goes.
const EVER: u64 = 3_600_000_000_000;

/// One session: it is stopped for a little more than the rule's gap, the way between the leader and its follower stalls in
/// one direction and then in the other, and the client goes away.
pub(crate) fn starved() -> Small {
    let setting = Setting::small();
    let span = setting.tick * 11 / 20;
    Small {
        name: "starved",
        faults: vec![
            Fault::PauseProcess { process: 0, span },
            Fault::PauseProcess { process: 0, span: EVER },
            Fault::StallLink { from: LEADER, to: FOLLOWER, span },
            Fault::StallLink { from: FOLLOWER, to: LEADER, span: EVER },
        ],
        budget: 4,
        points: 7,
        grid: 8,
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
            Fault::Isolate { server: LEADER, with: LEADER },
            Fault::Isolate { server: FOLLOWER, with: FOLLOWER },
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

/// One session and a rival: it is cut off for nearly T, or a little longer, and is back while the leader's loop has yet to
/// come to it.
pub(crate) fn condemned() -> Small {
    let setting = Setting::small();
    let (tick, timeout) = (setting.tick, setting.timeout());
    let unplugged = |eighths: u64| Fault::Unplug { process: 0, span: timeout + eighths * tick / 8 };
    Small {
        name: "condemned",
        faults: vec![
            unplugged(0),
            unplugged(5),
            Fault::Cut { process: 0, lost: true },
            Fault::Cut { process: 0, lost: false },
            Fault::PauseProcess { process: 0, span: EVER },
        ],
        budget: 3,
        points: 24,
        grid: 8,
        setting: Setting { processes: 2, expiry_delay: 2 * timeout, ..setting },
    }
}

/// One session: the leader's ping is held up while a probe goes the other way, and then the follower's reply to it, with a
/// later probe behind it, until the leader has taken the session's bucket out. That probe was sent in time, and answered too
/// late; and the client is stopped, so that it finds the answer first. Nobody leaves a server for its silence here.
pub(crate) fn answered_late() -> Small {
    let setting = Setting::small();
    let tick = setting.tick;
    let report = |eighths: u64| Fault::StallLink { from: FOLLOWER, to: LEADER, span: eighths * tick / 8 };
    let stop = |eighths: u64| Fault::PauseProcess { process: 0, span: eighths * tick / 8 };
    Small {
        name: "answered late",
        faults: vec![
            Fault::StallLink { from: LEADER, to: FOLLOWER, span: tick / 2 },
            report(10),
            report(11),
            stop(8),
            stop(9),
        ],
        budget: 3,
        points: 18,
        grid: 16,
        setting: Setting { expiry_delay: 2 * setting.timeout(), leaves_silent: false, ..setting },
    }
}

/// One session: it is attached again, or a new one is made, while the way back from the leader is held up, so that the answer
/// comes long after the leader has taken note of it. A probe comes back at once, and before the follower has told the leader
/// of that one, the way to the leader is closed. Nobody leaves a server for its silence here.
pub(crate) fn attached_late() -> Small {
    let setting = Setting::small();
    let tick = setting.tick;
    Small {
        name: "attached late",
        faults: vec![
            Fault::Cut { process: 0, lost: true },
            // Not for as long as the client waits for an answer, which is T/5.
            Fault::StallLink { from: LEADER, to: NEXT, span: tick * 3 / 8 },
            Fault::StallLink { from: NEXT, to: LEADER, span: EVER },
            Fault::Restart { process: 0 },
        ],
        budget: 3,
        points: 13,
        grid: 16,
        setting: Setting { leaves_silent: false, ..setting },
    }
}

/// One session that is made anew: the answer comes late, the way to the leader is closed before the first probe takes it,
/// and then no server is reached for a little more than T. So nothing was ever proven when it is attached again, while the
/// leader's loop has yet to come to it.
pub(crate) fn unproven() -> Small {
    let setting = Setting::small();
    let (tick, timeout) = (setting.tick, setting.timeout());
    Small {
        name: "unproven",
        faults: vec![
            Fault::Unplug { process: 0, span: timeout + tick * 3 / 8 },
            Fault::StallLink { from: LEADER, to: NEXT, span: tick * 3 / 8 },
            Fault::StallLink { from: NEXT, to: LEADER, span: EVER },
            Fault::Restart { process: 0 },
        ],
        budget: 4,
        points: 8,
        grid: 16,
        setting: Setting { expiry_delay: 2 * timeout, ..setting },
    }
}

/// Three in a queue: what is in it goes by hand, by resignation, with its session, and beside cuts and followers that are
/// behind.
pub(crate) fn queued() -> Small {
    let setting = Setting { processes: 3, queue: true, ..Setting::small() };
    Small {
        name: "queued",
        faults: vec![
            Fault::Cut { process: 0, lost: true },
            Fault::Isolate { server: FOLLOWER, with: FOLLOWER },
            Fault::Rejoin,
            Fault::PauseProcess { process: 0, span: EVER },
            Fault::Resign { process: 0 },
            Fault::DeleteQueued { place: 0 },
            Fault::DeleteQueued { place: 1 },
            Fault::OverwriteQueued { place: 1 },
        ],
        budget: 3,
        points: 5,
        grid: 4,
        setting,
    }
}

/// The positions of the leader's pings and ticks that are explored: all of them with `MODEL_PHASES=16`.
fn phases() -> impl Iterator<Item = u64> {
    let count = number("MODEL_PHASES").unwrap_or(2).clamp(1, 16);
    // With the first of them expiry comes shortly after a ping of T before.
    (0..count).map(move |phase| (phase * 16 / count + 7) % 16)
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
    explore_all(&starved(), &["master", "standby: lease_ending", "a lease runs out beside a living session"]);
}

#[test]
fn worlds_with_rivals_keep_every_promise() {
    explore_all(&rivals(), &["master", "standby", "standby: resigned", "an election"]);
}

#[test]
fn condemned_worlds_keep_every_promise() {
    let wanted = ["master", "standby: lease_ending", "a session that was given up is closed"];
    explore_all(&condemned(), &wanted);
}

#[test]
fn worlds_that_answer_late_keep_every_promise() {
    explore_all(&answered_late(), &["master", "standby: lease_ending"]);
}

#[test]
fn worlds_that_attach_late_keep_every_promise() {
    explore_all(&attached_late(), &["master", "standby: lease_ending"]);
}

#[test]
fn unproven_worlds_keep_every_promise() {
    explore_all(&unproven(), &["master", "standby: lease_ending", "a session that was given up is closed"]);
}

#[test]
fn queued_worlds_keep_every_promise() {
    let wanted = [
        "master",
        "standby",
        "standby: resigned",
        "standby: node_lost",
        "a promotion with nothing read",
        "a candidate in the middle deleted by hand",
        "an election",
    ];
    explore_all(&queued(), &wanted);
}
