//! Every order in which things can happen in a small world, breadth first: a broken promise comes with a shortest
//! way to it.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::action::Action;
use crate::seen::{Seen, everything, everything_of_queues};
use crate::world::{Allowed, World};

/// One world in so many is let run on to its end.
const RUN_ON_ONE_IN: u64 = 23;

/// Looks at every world that can come of this one.
fn explore(name: &str, start: World, allowed: Allowed) -> Seen {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut seen = Seen::default();
    let mut known = HashSet::from([hasher.hash_one(&start)]);
    // How each world was come by: from which, and by what.
    let mut ways: Vec<(usize, Action)> = Vec::new();
    let mut frontier = VecDeque::from([(start, usize::MAX)]);
    while let Some((world, way)) = frontier.pop_front() {
        for action in world.actions(allowed) {
            let mut next = world.clone();
            ways.push((way, action));
            let here = ways.len() - 1;
            if let Err(broken) = next.happen(action, &mut seen) {
                panic!("{name}: {broken}, after\n{:?}", path(&ways, here));
            }
            let hash = hasher.hash_one(&next);
            if !known.insert(hash) {
                ways.pop();
                continue;
            }
            if hash % RUN_ON_ONE_IN == 0
                && let Err(broken) = next.clone().run_on()
            {
                panic!("{name}: {broken}, run on after\n{:?}", path(&ways, here));
            }
            frontier.push_back((next, here));
        }
    }
    println!("{name}: {} worlds", known.len());
    seen
}

fn path(ways: &[(usize, Action)], mut way: usize) -> Vec<Action> {
    let mut actions = Vec::new();
    while way != usize::MAX {
        actions.push(ways[way].1);
        way = ways[way].0;
    }
    actions.reverse();
    actions
}

fn cuts(action: Action) -> bool {
    matches!(action, Action::Cut(_))
}

fn hands(action: Action) -> bool {
    matches!(action, Action::Delete(_) | Action::Overwrite | Action::Squat)
}

fn wills(action: Action) -> bool {
    use Action::{AskToResign, Campaign, Resign, Withdraw};
    matches!(action, Resign(_) | Withdraw(_) | Campaign(_) | AskToResign(_))
}

fn own_will(action: Action) -> bool {
    matches!(action, Action::Resign(0) | Action::Withdraw(0) | Action::Campaign(0))
}

fn roles(action: Action) -> bool {
    matches!(action, Action::RoleFails(_) | Action::RoleRestarts(_))
}

fn one_role(action: Action) -> bool {
    matches!(action, Action::Resign(0) | Action::RoleFails(0) | Action::RoleRestarts(0))
}

fn denials(action: Action) -> bool {
    matches!(action, Action::Deny)
}

#[test]
fn small_worlds() {
    let begin = World::new;
    let settled = World::settled;
    let worlds: &[(&str, World, Allowed)] = &[
        ("nothing goes wrong", begin(2, 2, 0).lagging(1), |_| false),
        ("cuts from the start", begin(2, 1, 1), cuts),
        ("a master is cut off", settled(2, 11, 1), |action| action == Action::Cut(0)),
        ("a standby is cut off", settled(2, 5, 3).lagging(1), |action| action == Action::Cut(1)),
        ("by hand", settled(2, 1, 2), hands),
        ("changes of mind", settled(2, 2, 1).lagging(1), wills),
        ("a change of mind from the start", begin(2, 0, 1), own_will),
        ("a wiped ensemble", settled(2, 1, 1), |action| action == Action::Wipe),
        ("roles fail", settled(2, 2, 1).lagging(1), roles),
        ("a role fails again and again", settled(2, 2, 3), one_role),
        ("an ACL", begin(1, 3, 1).lagging(2), denials),
        ("no parent", begin(1, 2, 1).lagging(1).without_parent(), |_| true),
    ];
    every_order(worlds).require(everything());
}

#[test]
fn small_queues() {
    let begin = World::queue;
    let settled = World::settled_queue;
    let worlds: &[(&str, World, Allowed)] = &[
        ("nothing goes wrong", begin(2, 1, 0), |_| false),
        ("cuts from the start", begin(2, 0, 1), cuts),
        ("a master is cut off", settled(2, 11, 1), |action| action == Action::Cut(0)),
        ("a lone master is cut off", settled(1, 11, 1), cuts),
        ("a standby is cut off", settled(2, 5, 2).lagging(1), |action| action == Action::Cut(1)),
        ("by hand", settled(2, 1, 2), hands),
        ("by hand, among three", settled(3, 1, 1), hands),
        ("changes of mind", settled(2, 2, 1).lagging(1), wills),
        ("a change of mind from the start", begin(2, 0, 1), own_will),
        ("a wiped ensemble", settled(2, 1, 1), |action| action == Action::Wipe),
        ("roles fail", settled(2, 2, 1), roles),
        ("a role fails again and again", settled(2, 1, 3), one_role),
        ("an ACL", begin(1, 3, 1).lagging(1), denials),
        ("no parent", begin(1, 2, 1).lagging(1).without_parent(), |_| true),
    ];
    every_order(worlds).require(everything_of_queues());
}

fn every_order(worlds: &[(&str, World, Allowed)]) -> Seen {
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let explorations = worlds.iter().map(|(name, world, allowed)| {
            let start = world.clone();
            (name, scope.spawn(move || explore(name, start, *allowed)))
        });
        for (name, exploration) in explorations.collect::<Vec<_>>() {
            seen.add(exploration.join().unwrap_or_else(|_| panic!("{name}: see above")));
        }
    });
    seen
}
