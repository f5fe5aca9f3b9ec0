//! The state machine of the tree under virtual time: whatever transactions come, what it knows stays consistent.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zookeeper_testkit::server::tree::{
    Author, Data, Done, Machine, Op, Outcome, Timing, Transaction, WatchKind, Watches,
};
use zookeeper_testkit::wire::{Acl, Stat};

const TICK: Duration = Duration::from_secs(1);

#[derive(Arbitrary, Debug)]
enum Step {
    Open { session: Session, ticks: u8 },
    Close { session: Session },
    Touch { session: Session },
    Wait { ticks: u8 },
    Write { session: Session, write: Write },
    Multi { session: Session, writes: Vec<Write> },
    Sweep { path: Path },
    Watch { kind: u8, path: Path, watcher: u8 },
    Forget { watcher: u8 },
}

/// A few, so that they meet.
#[derive(Arbitrary, Debug, Clone, Copy)]
enum Session {
    A,
    B,
    C,
}

impl Session {
    fn id(self) -> i64 {
        self as i64 + 1
    }
}

#[derive(Arbitrary, Debug)]
enum Path {
    /// Of a few names.
    Usual(Vec<Name>),
    Any(String),
}

#[derive(Arbitrary, Debug)]
enum Name {
    A,
    B,
    ZooKeeper,
    Quota,
    First,
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        match path {
            Path::Any(path) => path,
            Path::Usual(names) if names.is_empty() => "/".to_owned(),
            Path::Usual(names) => names.iter().map(|name| format!("/{}", name.text())).collect(),
        }
    }
}

impl Name {
    fn text(&self) -> &'static str {
        match self {
            Name::A => "a",
            Name::B => "b",
            Name::ZooKeeper => "zookeeper",
            Name::Quota => "quota",
            Name::First => "0000000000",
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Write {
    Create { path: Path, data: Option<Vec<u8>>, permissions: u8, flags: i8, container: bool },
    Delete { path: Path, version: i8 },
    SetData { path: Path, data: Option<Vec<u8>>, version: i8 },
    SetAcl { path: Path, permissions: u8, version: i8 },
    Check { path: Path, version: i8 },
    Unsupported,
}

impl From<Write> for Op {
    fn from(write: Write) -> Self {
        match write {
            Write::Create { path, data, permissions, flags, container } => {
                Op::Create { path: path.into(), data, acl: acl(permissions), flags: flags.into(), container }
            }
            Write::Delete { path, version } => Op::Delete { path: path.into(), version: version.into() },
            Write::SetData { path, data, version } => {
                Op::SetData { path: path.into(), data, version: version.into() }
            }
            Write::SetAcl { path, permissions, version } => {
                Op::SetAcl { path: path.into(), acl: acl(permissions), version: version.into() }
            }
            Write::Check { path, version } => Op::Check { path: path.into(), version: version.into() },
            Write::Unsupported => Op::Unsupported,
        }
    }
}

/// Everybody may read, so that everything can be looked at.
fn acl(permissions: u8) -> Vec<Acl> {
    let permissions = i32::from(permissions) & Acl::ALL | 1;
    vec![Acl { permissions, scheme: "world".to_owned(), id: "anyone".to_owned() }]
}

fuzz_target!(|steps: Vec<Step>| {
    let mut world = World {
        machine: Machine::new(Timing::with_tick(TICK), 0),
        watches: Watches::new(),
        now: Duration::ZERO,
    };
    steps.into_iter().for_each(|step| world.step(step));
});

struct World {
    machine: Machine,
    watches: Watches,
    now: Duration,
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Open { session, ticks } if !self.machine.has_session(session.id()) => {
                let timeout = self.machine.timing().grant(TICK * ticks.into());
                let id = session.id();
                self.apply(Transaction::OpenSession { id, password: vec![7; 16], timeout });
                assert!(self.machine.has_password(id, &[7; 16]));
            }
            Step::Open { session, ticks } => {
                assert!(self.machine.attach(self.now, session.id(), TICK * ticks.into()));
            }
            Step::Close { session } => self.close(session.id()),
            Step::Touch { session } => {
                let lives = self.machine.has_session(session.id());
                assert_eq!(self.machine.touch(self.now, session.id()), lives);
            }
            Step::Wait { ticks } => {
                self.now += TICK * ticks.into();
                for session in self.machine.overdue(self.now) {
                    self.close(session);
                }
                assert!(self.machine.next_expiry().is_none_or(|next| next > self.now));
            }
            Step::Write { session, write } => {
                self.apply(Transaction::Write(Author::of(session.id()), write.into()));
            }
            Step::Multi { session, writes } => {
                let writes = writes.into_iter().map(Op::from).collect();
                self.apply(Transaction::Multi(Author::of(session.id()), writes));
            }
            Step::Sweep { path } => self.apply(Transaction::Sweep { path: path.into() }),
            Step::Watch { kind, path, watcher } => {
                let kind = if kind % 2 == 0 { WatchKind::Data } else { WatchKind::Children };
                let path = String::from(path);
                self.watches.add(kind, &path, watcher.into());
                assert!(self.watches.contains(kind, &path, watcher.into()));
            }
            Step::Forget { watcher } => self.watches.forget(watcher.into()),
        }
    }

    fn close(&mut self, session: i64) {
        self.apply(Transaction::CloseSession { id: session });
        assert!(!self.machine.has_session(session));
        assert!(!self.machine.tree().ephemerals().contains_key(&session));
    }

    fn apply(&mut self, transaction: Transaction) {
        let (before, zxid) = (self.nodes(), self.machine.last_zxid());
        let Outcome { zxid: took, result, changes } = self.machine.apply(self.now, transaction);
        assert_eq!((took, self.machine.last_zxid()), (zxid + 1, took));
        let after = self.nodes();
        if matches!(result, Err(_) | Ok(Done::MultiFailed(_))) {
            assert!(changes.is_empty(), "{result:?} changes nothing: {changes:?}");
            assert!(before == after, "{result:?} leaves everything as it was: {before:?}, {after:?}");
        }
        let watches = self.watches.len();
        let fired = self.watches.fire(&changes);
        assert!(self.watches.len() <= watches);
        assert!(watches > 0 || fired.is_empty());
        self.check_ephemerals(&after);
    }

    /// All nodes as they are reached from the root; and there are no others.
    fn nodes(&self) -> BTreeMap<String, (Stat, Data)> {
        let tree = self.machine.tree();
        let (mut nodes, mut ahead) = (BTreeMap::new(), vec!["/".to_owned()]);
        while let Some(path) = ahead.pop() {
            let (children, stat) = tree.children(&path, &[]).expect("a child that its parent has");
            assert_eq!(stat.children as usize, children.len());
            let above = if path == "/" { "" } else { &path };
            ahead.extend(children.iter().map(|child| format!("{above}/{child}")));
            let (data, _) = tree.data(&path, &[]).expect("readable");
            assert!(stat.czxid <= stat.mzxid && stat.mzxid <= self.machine.last_zxid());
            nodes.insert(path, (stat, data));
        }
        assert_eq!(nodes.len(), tree.len());
        let size =
            nodes.iter().map(|(path, (_, data))| path.len() + data.as_ref().map_or(0, |data| data.len()));
        assert_eq!(size.sum::<usize>(), tree.data_size());
        nodes
    }

    /// Ephemeral nodes are listed with their owners, which live; and nothing else is.
    fn check_ephemerals(&self, nodes: &BTreeMap<String, (Stat, Data)>) {
        let mut listed = BTreeMap::new();
        for (session, paths) in self.machine.tree().ephemerals() {
            assert!(self.machine.has_session(*session) && !paths.is_empty());
            listed.extend(paths.iter().map(|path| (path, *session)));
        }
        let owners = nodes.iter().map(|(path, (stat, _))| (path, stat.ephemeral_owner));
        assert_eq!(listed, owners.filter(|(_, owner)| *owner != 0).collect());
    }
}
