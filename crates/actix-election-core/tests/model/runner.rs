//! One run of a world: a while of faults, then healing, and what has to be true in the end. A run that breaks a
//! promise is made shorter, as far as the promise stays broken, before it is shown.

use std::collections::BTreeSet;

use actix_election_core::FencingToken;

use crate::clock::{MILLI, Moment, SECOND};
use crate::fault::Fault;
use crate::judge::{Broken, Property};
use crate::nemesis::{Nemesis, Plan};
use crate::process::Process;
use crate::random::number;
use crate::setting::Setting;
use crate::world::World;

/// A run that broke a promise.
pub(crate) struct Failure {
    pub(crate) broken: Broken,
    pub(crate) plan: Plan,
}

/// How many T the faults go on.
const LENGTH: u64 = 12;

pub(crate) fn run(setting: &Setting, seed: u64) -> (World, Option<Failure>) {
    let mut world = World::new(setting.clone(), seed);
    let mut nemesis = Nemesis::new(seed);
    let mut plan = Vec::new();
    let outcome = (|| {
        settle(&mut world)?;
        let end = world.now + LENGTH * setting.timeout();
        while world.now < end {
            if let Some(until) = nemesis.rest(&world) {
                world.run(until)?;
            }
            let (at, fault) = nemesis.next(&world);
            plan.push((at, fault));
            strike(&mut world, at, fault)?;
        }
        in_the_end(&mut world)
    })();
    let failure = outcome.err().map(|broken| Failure { broken, plan });
    (world, failure)
}

/// The same world with these faults alone.
pub(crate) fn replay(setting: &Setting, seed: u64, plan: &Plan) -> (World, Result<(), Broken>) {
    let mut world = World::new(setting.clone(), seed);
    let outcome = (|| {
        settle(&mut world)?;
        for (at, fault) in plan {
            strike(&mut world, *at, *fault)?;
        }
        in_the_end(&mut world)
    })();
    (world, outcome)
}

fn settle(world: &mut World) -> Result<(), Broken> {
    world.run(world.now + 2 * world.setting.timeout())
}

fn strike(world: &mut World, at: Moment, fault: Fault) -> Result<(), Broken> {
    world.run(at)?;
    world.fault(fault);
    match &world.judge.broken {
        Some(broken) => Err(broken.clone()),
        None => Ok(()),
    }
}

/// Faults healed, there has to be one master if anybody competes, and every role has to know what it is.
pub(crate) fn in_the_end(world: &mut World) -> Result<(), Broken> {
    world.heal();
    let t = world.setting.timeout();
    let limit = world.now + 8 * t + 4 * world.setting.sync_limit * world.setting.tick + 10 * SECOND;
    let mut why = None;
    while world.now < limit {
        world.run(world.now + t / 4)?;
        world.clear_by_hand();
        why = out_of_order(world);
        if why.is_none() {
            return Ok(());
        }
    }
    let what = format!("in the end {}", why.unwrap_or_default());
    Err(Broken { property: Property::OneMasterInTheEnd, at: world.now, what })
}

fn out_of_order(world: &World) -> Option<String> {
    let masters: Vec<bool> =
        world.processes.iter().map(|process| process.valid(world.now).is_some()).collect();
    let competing = world.processes.iter().filter(|process| process.campaigning).count();
    if masters.iter().filter(|master| **master).count() != competing.min(1) {
        return Some(format!("the masters are {masters:?}, and {competing} compete"));
    }
    let head = world.standing().first().map(|(_, head)| FencingToken::new(head.czxid));
    let token = world.processes.iter().find_map(|process| process.valid(world.now)).map(|held| held.token);
    if token != head {
        return Some(format!("the master's token is {token:?}, and that of the first {head:?}"));
    }
    let owner =
        |process: &Process| process.session.filter(|_| process.campaigning).map(|(session, _)| session);
    let owners: BTreeSet<i64> = world.processes.iter().filter_map(owner).collect();
    let standing: Vec<i64> = world.standing().iter().map(|(_, stat)| stat.ephemeral_owner).collect();
    let expected = if world.setting.queue { competing } else { competing.min(1) };
    if standing.len() != expected || !standing.iter().all(|owner| owners.contains(owner)) {
        return Some(format!("{standing:?} stand, and {expected} of {owners:?} should"));
    }
    for (process, master) in world.processes.iter().zip(masters) {
        let told = process.role.as_ref().and_then(|role| role.master);
        if process.campaigning && told != Some(master) {
            return Some(format!("process {} was told {told:?}, and master is {master}", process.number));
        }
    }
    None
}

/// Leaves out faults that are not needed, in pieces that get smaller.
pub(crate) fn shorten(setting: &Setting, seed: u64, mut plan: Plan, property: Property) -> Plan {
    let mut piece = plan.len().div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < plan.len() {
            let mut fewer = plan.clone();
            fewer.drain(from..(from + piece).min(plan.len()));
            if replay(setting, seed, &fewer).1.is_err_and(|broken| broken.property == property) {
                plan = fewer;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    plan
}

/// The account of a failure: what was broken, and the shortest way to it that was found.
pub(crate) fn account(name: &str, setting: &Setting, seed: u64, failure: Failure) -> String {
    let plan = match number("MODEL_HASTE") {
        None => shorten(setting, seed, failure.plan, failure.broken.property),
        Some(_) => failure.plan,
    };
    let (_, outcome) = replay(setting, seed, &plan);
    let broken = outcome.err().unwrap_or(failure.broken);
    let faults: Vec<String> =
        plan.iter().map(|(at, fault)| format!("  {:>8.3} s  {fault:?}", seconds(*at))).collect();
    format!(
        "BROKEN {:?}, {name} at {:.3} s: {}\nafter\n{}\nin {setting:?}",
        broken.property,
        seconds(broken.at),
        broken.what,
        faults.join("\n")
    )
}

#[expect(clippy::cast_precision_loss)]
fn seconds(at: Moment) -> f64 {
    (at / MILLI) as f64 / 1_000.0
}
