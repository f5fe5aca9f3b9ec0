//! Tables: a machine, a transaction, and what comes of it.

use std::time::Duration;

use super::*;
use crate::wire::{Acl, ErrorCode, Stat};

const SESSION: i64 = 7;
const EPOCH: i64 = 1_000_000;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn machine() -> Machine {
    let mut machine = Machine::new(Timing::with_tick(at(1_000)), EPOCH);
    machine.apply(at(0), open(SESSION, 4_000));
    machine
}

fn open(id: i64, timeout: u64) -> Transaction {
    Transaction::OpenSession { id, password: vec![id as u8; 16], timeout: at(timeout) }
}

fn create(path: &str, flags: i32) -> Op {
    Op::Create { path: path.into(), data: Some(vec![]), acl: Acl::open(), flags, container: false }
}

fn container(path: &str) -> Op {
    Op::Create { path: path.into(), data: None, acl: Acl::open(), flags: 4, container: true }
}

fn delete(path: &str) -> Op {
    Op::Delete { path: path.into(), version: -1 }
}

fn set(path: &str) -> Op {
    Op::SetData { path: path.into(), data: Some(b"new".to_vec()), version: -1 }
}

fn write(op: Op) -> Transaction {
    Transaction::Write(Author::of(SESSION), op)
}

/// Of nodes that everybody may do everything with.
fn change(kind: ChangeKind, path: &str) -> Change {
    Change { kind, path: path.into(), acl: Acl::open().into(), parent_acl: Acl::open().into() }
}

fn created(path: &str) -> Change {
    change(ChangeKind::Created, path)
}

fn deleted(path: &str) -> Change {
    change(ChangeKind::Deleted, path)
}

fn data_changed(path: &str) -> Change {
    change(ChangeKind::DataChanged, path)
}

/// Applies all, which has to succeed.
fn after(ops: impl IntoIterator<Item = Op>) -> Machine {
    let mut machine = machine();
    for op in ops {
        let outcome = machine.apply(at(0), write(op.clone()));
        assert!(outcome.result.is_ok(), "{op:?}: {outcome:?}");
    }
    machine
}

fn stat(machine: &Machine, path: &str) -> Stat {
    machine.tree().stat(path).unwrap()
}

#[test]
fn what_writes_do_and_what_others_see_of_it() {
    let a = || create("/a", 0);
    for (given, op, changes) in [
        (vec![], a(), vec![created("/a")]),
        (vec![a()], create("/a/b", 1), vec![created("/a/b")]),
        (vec![a()], set("/a"), vec![data_changed("/a")]),
        (vec![a()], delete("/a"), vec![deleted("/a")]),
        (vec![a()], Op::Check { path: "/a".into(), version: 0 }, vec![]),
        (vec![a()], Op::SetAcl { path: "/a".into(), acl: Acl::read_only(), version: 0 }, vec![]),
        (vec![a(), create("/a/x", 0), delete("/a/x")], create("/a/n-", 2), vec![created("/a/n-0000000001")]),
        (vec![], set("/"), vec![data_changed("/")]),
    ] {
        let mut machine = after(given.clone());
        let outcome = machine.apply(at(0), write(op.clone()));
        assert!(outcome.result.is_ok(), "{given:?}, {op:?}: {outcome:?}");
        assert_eq!(outcome.changes, changes, "{given:?}, {op:?}");
        assert_eq!(outcome.zxid, 2 + given.len() as i64);
    }
}

#[test]
fn what_is_refused_changes_nothing_and_takes_a_zxid() {
    let ephemeral = || create("/e", 1);
    for (given, op, error) in [
        (vec![], create("/a/b", 0), ErrorCode::NoNode),
        (vec![ephemeral()], create("/e/a", 0), ErrorCode::NoChildrenForEphemerals),
        (vec![ephemeral()], create("/e", 0), ErrorCode::NodeExists),
        (vec![], create("/a/", 0), ErrorCode::NoNode),
        (vec![], create("/a", 9), ErrorCode::BadArguments),
        (vec![], create("/a", 5), ErrorCode::Unimplemented),
        (vec![], Op::Unsupported, ErrorCode::Unimplemented),
        (vec![], delete("/a"), ErrorCode::NoNode),
        (vec![], delete("/"), ErrorCode::BadArguments),
        (vec![], set("/a"), ErrorCode::NoNode),
        (vec![create("/a", 0), create("/a/b", 0)], delete("/a"), ErrorCode::NotEmpty),
        (vec![create("/a", 0)], Op::Delete { path: "/a".into(), version: 1 }, ErrorCode::BadVersion),
        (
            vec![create("/a", 0)],
            Op::SetAcl { path: "/a".into(), acl: vec![], version: -1 },
            ErrorCode::InvalidAcl,
        ),
    ] {
        let mut machine = after(given);
        let before = machine.clone();
        let outcome = machine.apply(at(9), write(op.clone()));
        assert_eq!(outcome.result, Err(error), "{op:?}");
        assert_eq!((outcome.zxid, outcome.changes), (before.last_zxid() + 1, vec![]));
        assert_eq!(format!("{:?}", machine.tree()), format!("{:?}", before.tree()), "{op:?}");
    }
}

#[test]
fn a_session_that_is_not_there_writes_nothing() {
    let mut machine = machine();
    let op = create("/a", 0);
    let stranger = Author::of(99);
    let alone = machine.apply(at(0), Transaction::Write(stranger.clone(), op.clone()));
    assert_eq!(alone.result, Err(ErrorCode::SessionExpired));
    let together = machine.apply(at(0), Transaction::Multi(stranger, vec![op]));
    assert_eq!(together.result, Ok(Done::MultiFailed(vec![Some(ErrorCode::SessionExpired)])));
}

#[test]
fn all_of_a_multi_or_nothing() {
    let mut machine = after([create("/e", 1), create("/a", 0)]);
    let before = machine.clone();
    let ops = vec![
        delete("/e"),
        create("/e", 0),
        set("/a"),
        create("/a/n-", 3),
        create("/a/n-", 3),
        delete("/missing"),
        set("/a"),
    ];
    let failed = machine.apply(at(5), Transaction::Multi(Author::of(SESSION), ops.clone()));
    let mut errors = vec![None; 5];
    errors.extend([Some(ErrorCode::NoNode), Some(ErrorCode::RuntimeInconsistency)]);
    assert_eq!(failed.result, Ok(Done::MultiFailed(errors)));
    assert_eq!(failed.changes, []);
    assert_eq!(format!("{:?}", machine.tree()), format!("{:?}", before.tree()));

    let done = machine.apply(at(5), Transaction::Multi(Author::of(SESSION), ops[..5].to_vec()));
    assert_eq!(done.zxid, failed.zxid + 1);
    assert_eq!(done.changes[3..], [created("/a/n-0000000000"), created("/a/n-0000000001")]);
    assert_eq!(machine.tree().ephemerals()[&SESSION].len(), 2, "/e is one no longer");
    let a = stat(&machine, "/a");
    assert_eq!((a.mzxid, a.pzxid, a.children, a.cversion), (done.zxid, done.zxid, 2, 2));
    assert_eq!((a.mtime, a.ctime), (EPOCH + 5, EPOCH));
}

#[test]
fn the_end_of_a_session_takes_its_nodes() {
    let mut machine = after([create("/a", 0), create("/a/1", 1), create("/2", 1), create("/a/stays", 0)]);
    let outcome = machine.apply(at(0), Transaction::CloseSession { id: SESSION });
    assert_eq!(outcome.changes, [deleted("/2"), deleted("/a/1")]);
    assert_eq!(stat(&machine, "/a").pzxid, outcome.zxid);
    assert!(!machine.has_session(SESSION) && machine.tree().ephemerals().is_empty());
    let again = machine.apply(at(0), Transaction::CloseSession { id: SESSION });
    assert_eq!((again.changes.len(), again.zxid), (0, outcome.zxid + 1));
}

#[test]
fn sessions_end_at_the_first_tick_after_their_timeout() {
    // Touched at, timeout, and when it ends, with a tick of 1 s.
    for (touched, timeout, end) in [
        (0, 4_000, 5_000),
        (1, 4_000, 5_000),
        (999, 4_000, 5_000),
        (1_000, 4_000, 6_000),
        (500, 4_500, 6_000),
    ] {
        let mut machine = machine();
        assert!(machine.attach(at(touched), SESSION, at(timeout)));
        assert_eq!(machine.next_expiry(), Some(at(end)), "{touched} {timeout}");
        assert_eq!(machine.overdue(at(end - 1)), []);
        assert_eq!(machine.overdue(at(end)), [SESSION]);
    }
    let mut machine = machine();
    machine.apply(at(0), open(3, 2_000));
    assert!(machine.touch(at(2_500), 3) && !machine.touch(at(0), 99));
    machine.apply(at(0), open(5, 2_000));
    assert_eq!(machine.overdue(at(9_000)), [5, 3, SESSION], "in the order of their ends, then of their ids");
    machine.attach(at(2_500), 3, at(9_000));
    machine.restart(at(10_000));
    let ends: Vec<_> = machine.sessions().collect();
    let expected = [(3, 2_000, 13_000), (5, 2_000, 13_000), (SESSION, 4_000, 15_000)];
    assert_eq!(ends, expected.map(|(id, timeout, end)| (id, at(timeout), at(end))));
}

#[test]
fn nothing_saves_a_session_that_is_condemned() {
    let mut machine = machine();
    machine.apply(at(0), open(3, 2_000));
    machine.apply(at(0), open(5, 2_000));
    machine.apply(at(0), open(9, 3_000));
    assert!(!machine.condemn(at(2_999)));
    assert!(machine.condemn(at(4_000)), "of the two ticks that are due, the first");
    let condemned = |machine: &Machine| machine.condemned().collect::<Vec<_>>();
    assert_eq!(condemned(&machine), [3, 5]);
    assert_eq!((machine.next_expiry(), machine.overdue(at(4_000))), (Some(at(4_000)), vec![9]));

    // It lives, and is heard of, and it writes.
    assert!(machine.has_session(3) && machine.touch(at(4_100), 3) && machine.attach(at(4_100), 3, at(9_000)));
    let written = machine.apply(at(4_100), Transaction::Write(Author::of(3), create("/e", 1)));
    assert!(written.result.is_ok());
    assert_eq!(condemned(&machine), [3, 5]);
    assert!(machine.touch(at(4_100), 9) && !machine.condemn(at(4_200)), "the third is saved");

    machine.apply(at(4_200), Transaction::CloseSession { id: 3 });
    assert_eq!(condemned(&machine), [5]);
    machine.restart(at(4_500));
    assert_eq!(condemned(&machine), [], "a new leader has a queue of its own");
    let ends: Vec<_> = machine.sessions().map(|(id, _, end)| (id, end)).collect();
    assert_eq!(ends, [(5, at(7_000)), (SESSION, at(9_000)), (9, at(8_000))]);
    assert!(machine.condemn(at(7_000)));
    assert_eq!(condemned(&machine), [5]);
}

#[test]
fn timeouts_are_granted_within_bounds() {
    let timing = Timing::with_tick(at(500));
    for (wished, granted) in [(0, 1_000), (1_000, 1_000), (4_321, 4_321), (10_001, 10_000)] {
        assert_eq!(timing.grant(at(wished)), at(granted));
    }
}

#[test]
fn containers_go_once_they_have_been_used() {
    let mut machine =
        after([container("/never"), container("/used"), create("/used/a", 0), container("/full")]);
    machine.apply(at(0), write(create("/full/a", 0)));
    machine.apply(at(0), write(delete("/used/a")));
    assert_eq!(machine.tree().idle_containers(), ["/used"]);
    let sweep = |path: &str| Transaction::Sweep { path: path.into() };
    assert_eq!(machine.apply(at(0), sweep("/full")).result, Err(ErrorCode::NotEmpty));
    assert_eq!(machine.apply(at(0), sweep("/full/a")).result, Err(ErrorCode::BadVersion));
    assert_eq!(machine.apply(at(0), sweep("/used")).changes, [deleted("/used")]);
    assert_eq!(machine.apply(at(0), sweep("/used")).result, Err(ErrorCode::NoNode));
}

#[test]
fn watches_turn_changes_into_events() {
    let (data, children) = (WatchKind::Data, WatchKind::Children);
    for (watch, change, kind, path) in [
        ((data, "/a"), created("/a"), 1, "/a"),
        ((children, "/"), created("/a"), 4, "/"),
        ((children, "/a"), created("/a/b"), 4, "/a"),
        ((data, "/a"), deleted("/a"), 2, "/a"),
        ((children, "/a"), deleted("/a"), 2, "/a"),
        ((children, "/"), deleted("/a"), 4, "/"),
        ((data, "/a"), data_changed("/a"), 3, "/a"),
    ] {
        let mut watches = Watches::new();
        watches.add(watch.0, watch.1, 1);
        watches.add(watch.0, watch.1, 1);
        assert_eq!(watches.len(), 1);
        let events = watches.fire(std::slice::from_ref(&change));
        let seen: Vec<_> =
            events.iter().map(|fired| (fired.watcher, fired.event.kind, fired.event.path.as_str())).collect();
        assert_eq!(seen, [(1, kind, path)], "{watch:?} {change:?}");
        assert!(watches.is_empty() && watches.fire(&[change]).is_empty());
    }
    let mut watches = Watches::new();
    watches.add(data, "/a", 1);
    watches.add(children, "/a", 1);
    watches.add(children, "/a", 2);
    assert!(watches.contains(data, "/a", 1) && !watches.contains(data, "/a", 2));
    assert!(watches.remove(children, "/a", 2) && !watches.remove(children, "/a", 2));
    assert!(watches.fire(&[data_changed("/b"), created("/b")]).is_empty());
    assert_eq!(watches.fire(&[deleted("/a")]).len(), 1, "one event for both tables");
    watches.add(data, "/a", 1);
    watches.forget(1);
    assert!(watches.is_empty());
}

#[test]
fn who_may_not_read_is_not_told() {
    let user = Identity::digest(b"user:secret");
    let mut machine = machine();
    let mut watches = Watches::new();
    watches.add(WatchKind::Data, "/a", 1);
    watches.add(WatchKind::Children, "/", 1);
    let op = Op::Create { path: "/a".into(), data: None, acl: Acl::creator(), flags: 0, container: false };
    let author = Author { session: SESSION, identities: vec![user.clone()] };
    let fired = watches.fire(&machine.apply(at(0), Transaction::Write(author, op)).changes);
    let told: Vec<_> = fired.iter().map(|fired| fired.may_be_told(&[])).collect();
    assert_eq!(told, [false, true], "the node is guarded, its parent is not");
    assert!(fired[0].may_be_told(&[user]));
}

#[test]
fn who_comes_back_is_told_what_it_missed() {
    let mut machine = after([create("/same", 0), create("/parent", 0)]);
    let since = machine.last_zxid();
    for op in [create("/new", 0), set("/new"), create("/parent/a", 0)] {
        machine.apply(at(0), write(op));
    }
    let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
    let wanted = Resume {
        since,
        data: paths(&["/same", "/new", "/gone"]),
        exist: paths(&["/new", "/gone"]),
        children: paths(&["/same", "/parent", "/gone"]),
        persistent: paths(&["/new"]),
        recursive: paths(&["/deep"]),
    };
    let mut watches = Watches::new();
    let events = watches.resume(1, machine.tree(), &wanted);
    let seen: Vec<_> = events.iter().map(|event| (event.kind, event.path.as_str())).collect();
    assert_eq!(seen, [(3, "/new"), (2, "/gone"), (1, "/new"), (4, "/parent"), (2, "/gone")]);
    assert_eq!(watches.len(), 3 + 2 * 2);
    for _ in 0..2 {
        assert_eq!(
            watches.fire(&[deleted("/new"), created("/deep/a")]).len(),
            2,
            "those that last tell of the future"
        );
    }
}

#[test]
fn watches_may_last_and_see_further() {
    use WatchMode::{Persistent, Recursive};
    for (mode, watched, change, seen) in [
        (Persistent, "/a", created("/a"), vec![(1, "/a")]),
        (Persistent, "/a", deleted("/a"), vec![(2, "/a")]),
        (Persistent, "/a", data_changed("/a"), vec![(3, "/a")]),
        (Persistent, "/a", created("/a/b"), vec![(4, "/a")]),
        (Persistent, "/a", data_changed("/a/b"), vec![]),
        (Recursive, "/a", deleted("/a"), vec![(2, "/a")]),
        (Recursive, "/a", created("/a/b"), vec![(1, "/a/b")]),
        (Recursive, "/a", deleted("/a/b/c"), vec![(2, "/a/b/c")]),
        (Recursive, "/", data_changed("/a/b"), vec![(3, "/a/b")]),
        (Recursive, "/a", data_changed("/ab"), vec![]),
    ] {
        let mut watches = Watches::new();
        watches.add_all(mode, watched, 1);
        for _ in 0..2 {
            let events = watches.fire(std::slice::from_ref(&change));
            let told: Vec<_> =
                events.iter().map(|fired| (fired.event.kind, fired.event.path.as_str())).collect();
            assert_eq!(told, seen, "{mode:?} {watched} {change:?}");
        }
        assert_eq!(watches.len(), 2, "one in each table");
        watches.forget(1);
        assert!(watches.is_empty());
    }
}

#[test]
fn acls_decide() {
    let user = Identity::digest(b"user:secret");
    let entry =
        |permissions, scheme: &str, id: &str| Acl { permissions, scheme: scheme.into(), id: id.into() };
    let ip = |address: &str| Identity::ip(address.parse().unwrap());
    for (grant, who, allowed) in [
        (entry(1, "world", "anyone"), vec![], true),
        (entry(30, "world", "anyone"), vec![], false),
        (entry(31, "digest", &user.id), vec![user.clone()], true),
        (entry(31, "digest", &user.id), vec![Identity::digest(b"user:wrong")], false),
        (entry(31, "ip", "10.0.0.0/8"), vec![ip("10.1.2.3")], true),
        (entry(31, "ip", "10.0.0.0/8"), vec![ip("11.1.2.3")], false),
        (entry(31, "ip", "0.0.0.0/0"), vec![ip("11.1.2.3")], true),
        (entry(31, "ip", "::1"), vec![ip("::1")], true),
        (entry(31, "ip", "::1"), vec![ip("127.0.0.1")], false),
    ] {
        let result = acl::check(std::slice::from_ref(&grant), acl::READ, &who);
        assert_eq!(result.is_ok(), allowed, "{grant:?} {who:?}");
    }
}
