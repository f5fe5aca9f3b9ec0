//! The tree on which the core's model and worlds are built, and a real ZooKeeper are asked the same, at random, and have to
//! answer the same: every reply, and every event that any client gets. (ACLs aside: the tree only knows whether all is denied.)
//!
//! `TESTKIT_SEED` replays a run, `TESTKIT_ROUNDS` makes it longer.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

#[path = "../../../crates/zookeeper-testkit/tests/common/mod.rs"]
mod common;
mod real;
#[path = "../../../crates/actix-election-core/tests/common/tree.rs"]
mod tree;

use std::collections::BTreeSet;

use actix_election_core::{Operation, Reply, Stat, WatchEvent, Znode};
use common::random::{Random, rounds, seed};
use real::{Event, Real};
use tree::{Hand, PATH, Tree, Watched, Write};
use zookeeper_testkit::Ensemble;

/// How many clients take part.
const CLIENTS: usize = 3;
const STEPS: usize = 60;

#[derive(Debug, Clone)]
enum Step {
    Ask(usize, Operation),
    ByHand(Hand),
    /// Its session ends, and another one begins.
    Renew(usize),
}

/// What somebody may ask now. Paths are few, so that requests meet.
fn step(random: &mut Random, tree: &Tree) -> Step {
    let standing: Vec<&String> = tree.znodes.keys().collect();
    let some = |random: &mut Random| match random.below(4) {
        0 => PATH.to_owned(),
        1 => format!("{PATH}/_c_gone-latch-0000000000"),
        _ if standing.is_empty() => PATH.to_owned(),
        _ => standing[random.below(standing.len())].clone(),
    };
    let client = random.below(CLIENTS);
    let below = format!("{PATH}/_c_{client}-latch-");
    let operation = match random.below(16) {
        0 => Operation::Create { path: PATH.to_owned(), data: format!("p{client}").into() },
        1..3 => Operation::CreateSequential { path: below, data: b"queued".into() },
        3 => Operation::CreateParents { path: PATH.to_owned() },
        4 => Operation::CreateParents { path: below },
        5..7 => Operation::Delete { path: some(random) },
        7..9 => Operation::Read { path: some(random), watch: random.below(3) > 0 },
        9..11 => Operation::Exists { path: some(random) },
        11..13 => Operation::Children { path: some(random), watch: random.below(3) > 0 },
        13 => return Step::Renew(client),
        _ => {
            return Step::ByHand(match random.below(3) {
                0 => Hand::Overwrite(some(random)),
                // Whoever has no parent to put it under gives up.
                1 if tree.znodes.contains_key(tree::PARENT) => {
                    Hand::Create { path: PATH.into(), data: b"mine".into(), owner: 0 }
                }
                _ => Hand::Delete(some(random)),
            });
        }
    };
    Step::Ask(client, operation)
}

/// The tree, with the watches that its clients have armed.
struct Modelled {
    tree: Tree,
    watches: BTreeSet<(Watched, usize)>,
}

impl Modelled {
    /// A transaction with this number: what is answered, and what each client hears.
    fn write(&mut self, zxid: i64, session: i64, write: &Write) -> (Reply, Vec<Vec<Event>>) {
        let (reply, changes) = self.tree.apply(zxid, session, write);
        let mut heard = vec![Vec::new(); CLIENTS];
        for (what, event) in changes {
            let (path, kind) = match (&what, event) {
                (Watched::Znode(path), WatchEvent::Created) => (path, 1),
                (Watched::Znode(path) | Watched::ChildrenOf(path), WatchEvent::Deleted) => (path, 2),
                (Watched::Znode(path), WatchEvent::Changed) => (path, 3),
                (Watched::ChildrenOf(path), _) => (path, 4),
            };
            for (client, heard) in heard.iter_mut().enumerate() {
                let event = (kind, path.clone());
                // A server sends one event to whoever watches a znode and its children.
                if self.watches.remove(&(what.clone(), client)) && heard.last() != Some(&event) {
                    heard.push(event);
                }
            }
        }
        (comparable(reply), heard)
    }

    fn read(&mut self, client: usize, operation: &Operation) -> Reply {
        let reply = self.tree.read(operation);
        self.watches.extend(Watched::armed_by(operation, &reply).map(|watched| (watched, client)));
        comparable(reply)
    }
}

/// Children come in no order, and nobody asks when something was created that lasts.
fn comparable(reply: Reply) -> Reply {
    let timeless = |stat: Stat| if stat.ephemeral_owner == 0 { Stat { czxid: 0, ..stat } } else { stat };
    match reply {
        Reply::Children(mut names) => {
            names.sort();
            Reply::Children(names)
        }
        Reply::Found(znode) => Reply::Found(Znode { stat: timeless(znode.stat), ..znode }),
        other => other,
    }
}

/// Does the same on both sides; returns what was seen of the tree, and of the server.
async fn perform(step: &Step, ours: &mut Modelled, theirs: &mut Real) -> (String, String) {
    let (reply, heard) = match step {
        Step::Ask(client, operation) => {
            let session = theirs.session(*client);
            let (zxid, real) = theirs.ask(*client, operation).await;
            let writes = matches!(operation, Operation::Create { .. } | Operation::CreateSequential { .. })
                || matches!(operation, Operation::CreateParents { .. } | Operation::Delete { .. });
            let (reply, heard) = if writes {
                ours.write(zxid, session, &Write::Operation(operation.clone()))
            } else {
                (ours.read(*client, operation), vec![Vec::new(); CLIENTS])
            };
            ((reply, comparable(real)), heard)
        }
        Step::ByHand(hand) => {
            let zxid = theirs.by_hand(hand).await;
            let (reply, heard) = ours.write(zxid, 0, &Write::ByHand(hand.clone()));
            ((reply.clone(), reply), heard)
        }
        Step::Renew(client) => {
            ours.watches.retain(|(_, watching)| watching != client);
            let session = theirs.session(*client);
            let zxid = theirs.renew(*client).await;
            let (reply, heard) = ours.write(zxid, session, &Write::CloseSession);
            ((reply.clone(), reply), heard)
        }
    };
    let mut both = [heard, theirs.heard().await];
    if matches!(step, Step::Renew(_)) {
        // The ephemeral znodes of a session go in no order.
        both.iter_mut().flatten().for_each(|heard| heard.sort());
    }
    let [ours, theirs] = both;
    (format!("{:?}, heard {ours:?}", reply.0), format!("{:?}, heard {theirs:?}", reply.1))
}

#[tokio::test]
async fn the_tree_answers_as_zookeeper_does() {
    let seed = seed();
    println!("TESTKIT_SEED={seed}");
    let ensemble = Ensemble::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap();
    let mut seen = BTreeSet::new();
    for round in 0..rounds(20) {
        let random = &mut Random(seed + round);
        let mut ours = Modelled { tree: Tree::new(false), watches: BTreeSet::new() };
        let mut theirs = Real::start(ensemble.server(0).address(), CLIENTS).await;
        let mut steps = Vec::new();
        for _ in 0..STEPS {
            let step = step(random, &ours.tree);
            steps.push(step.clone());
            let (tree, real) = perform(&step, &mut ours, &mut theirs).await;
            assert_eq!(tree, real, "TESTKIT_SEED={} TESTKIT_ROUNDS=1 after {steps:#?}", seed + round);
            seen.extend(tree.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        }
        theirs.end().await;
    }
    let all =
        ["Created", "CreatedSequential", "Children", "Found", "Missing", "Done", "NodeExists", "NoParent"];
    let missing: Vec<_> =
        all.iter().chain(&["EphemeralParent", "111"]).filter(|it| !seen.contains(**it)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
