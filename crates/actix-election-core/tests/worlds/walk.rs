//! Larger worlds, walked at random. A seed decides everything; a walk that breaks a promise is made shorter, as
//! far as the promise stays broken, before it is shown.

use crate::action::Action;
use crate::random::{Random, number};
use crate::seen::{Notable, Seen};
use crate::world::{Broken, World};

const PROCESSES: usize = 4;
const STEPS: usize = 900;
const WALKS: u64 = 200;

fn start(queue: bool) -> World {
    let world = if queue { World::queue } else { World::new };
    world(PROCESSES, u32::MAX, u32::MAX).lagging(u32::MAX)
}

/// Walks by a seed; returns what was done, and what that broke.
fn walk(queue: bool, seed: u64, seen: &mut Seen) -> Result<(), (Vec<Action>, Broken)> {
    let random = &mut Random(seed);
    let mut world = start(queue);
    let mut done = Vec::new();
    // Some walks are calm and some are wild, so that terms last long in one and are short in the other.
    let calm = 1 + random.index(12);
    for _ in 0..STEPS {
        let mut actions = world.actions(|_| true);
        if random.index(calm + 1) > 0 {
            actions.retain(|action| !action.is_fault());
        }
        let action = actions[random.index(actions.len())];
        done.push(action);
        if let Err(broken) = world.happen(action, seen) {
            return Err((done, broken));
        }
    }
    world.run_on().map_err(|broken| (done, format!("{broken}, run on")))
}

/// Whether these, as far as they can happen, break a promise.
fn replay(queue: bool, actions: &[Action]) -> Option<Broken> {
    let mut world = start(queue);
    for action in actions {
        if world.actions(|_| true).contains(action)
            && let Err(broken) = world.happen(*action, &mut Seen::default())
        {
            return Some(broken);
        }
    }
    world.run_on().err()
}

/// Leaves out what is not needed, in pieces that get smaller.
fn shorten(queue: bool, mut actions: Vec<Action>) -> Vec<Action> {
    let mut piece = actions.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < actions.len() {
            let mut fewer = actions.clone();
            fewer.drain(from..(from + piece).min(actions.len()));
            if replay(queue, &fewer).is_some() {
                actions = fewer;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    actions
}

fn walks(queue: bool) -> Seen {
    let seeds = match number("WORLDS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("WORLDS_WALKS").unwrap_or(WALKS) + 1,
    };
    let mut seen = Seen::default();
    for seed in seeds {
        if let Err((actions, broken)) = walk(queue, seed, &mut seen) {
            let short = shorten(queue, actions);
            let shown = replay(queue, &short);
            panic!("WORLDS_SEED={seed}: {broken}\nshortened: {shown:?}, after\n{short:?}");
        }
    }
    seen
}

fn enough() -> bool {
    number("WORLDS_SEED").is_none() && number("WORLDS_WALKS").is_none_or(|walks| walks >= WALKS)
}

#[test]
fn random_walks() {
    let seen = walks(false);
    if enough() {
        let wanted =
            [Notable::RecoveredCreate, Notable::LostRace, Notable::OverlapByHand, Notable::LostDelete];
        seen.require(wanted.map(|it| format!("{it:?}")));
    }
}

#[test]
fn random_walks_in_queues() {
    let seen = walks(true);
    if enough() {
        let wanted =
            [Notable::RecoveredCreate, Notable::PromotedUnread, Notable::OverlapByHand, Notable::LostDelete];
        seen.require(wanted.map(|it| format!("{it:?}")));
    }
}
