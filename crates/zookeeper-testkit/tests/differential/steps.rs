//! What is asked.

use zookeeper_testkit::wire::{Acl, Encoder, OpCode};

use crate::common::frames::{
    create, multi, only, set_acl, set_data, set_watches, set_watches_2, versioned, watched,
};
use crate::common::random::Random;

/// How many clients take part.
pub(crate) const CLIENTS: usize = 3;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// One or more requests, sent at once.
    Ask(usize, Vec<Ask>),
    /// Credentials are added.
    Auth(usize, &'static str, &'static str),
    /// Its session ends, and another one begins.
    Renew(usize),
    /// Its session goes on in a new connection.
    Reattach(usize),
}

/// Paths are below a root that every run has for itself.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Create {
        op: OpCode,
        path: String,
        data: &'static str,
        acl: Grant,
        flags: i32,
    },
    Delete(String, i32),
    Set(String, &'static str, i32),
    SetAcl(String, Grant, i32),
    Check(String, i32),
    /// With a path and whether to watch it.
    Read(OpCode, String, bool),
    GetAcl(String),
    Sync(String),
    Multi(Vec<Ask>),
    /// Several reads at once, or what is none among them.
    ReadSeveral(Vec<(OpCode, String)>),
    /// The own ephemeral nodes below a path, or how many nodes there are.
    Below(OpCode, String),
    Reconfig,
    SetWatches {
        since: i64,
        data: Vec<String>,
        exist: Vec<String>,
        children: Vec<String>,
        /// Those that last, where they are asked for: of nodes, and of all below nodes.
        lasting: Option<[Vec<String>; 2]>,
    },
    /// Looking for watches, taking them back, or leaving one that lasts.
    Watches(OpCode, String, i32),
    Unreadable(OpCode),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Grant {
    Open,
    ReadOnly,
    Creator,
    User,
    Address,
    Nobody,
    Nonsense,
}

impl Grant {
    fn acl(self) -> Vec<Acl> {
        let one = |permissions, scheme: &str, id: &str| {
            vec![Acl { permissions, scheme: scheme.into(), id: id.into() }]
        };
        match self {
            Self::Open => Acl::open(),
            Self::ReadOnly => Acl::read_only(),
            Self::Creator => Acl::creator(),
            // Everything but DELETE and ADMIN, for user:secret.
            Self::User => [one(7, "digest", "user:1hN9Sd5ma8lp5AOT9MHqSEyWKJE="), Acl::read_only()].concat(),
            Self::Address => one(31, "ip", "127.0.0.0/8"),
            Self::Nobody => vec![],
            Self::Nonsense => one(31, "nonsense", "a"),
        }
    }
}

impl Ask {
    /// The request as it goes out. `root` comes before every path; zxids count from `base`.
    pub(crate) fn encode(&self, root: &str, base: i64) -> (OpCode, Vec<u8>) {
        let full = |path: &str| format!("{root}{path}");
        let (op, body) = match self {
            Self::Create { op, path, data, acl, flags } => {
                let mut body = create(&full(path), data.as_bytes(), &acl.acl(), *flags);
                if *op == OpCode::CreateTtl {
                    body.long(1_000);
                }
                (*op, body)
            }
            Self::Delete(path, version) => (OpCode::Delete, versioned(&full(path), *version)),
            Self::Set(path, data, version) => {
                (OpCode::SetData, set_data(&full(path), data.as_bytes(), *version))
            }
            Self::SetAcl(path, acl, version) => (OpCode::SetAcl, set_acl(&full(path), &acl.acl(), *version)),
            Self::Check(path, version) => (OpCode::Check, versioned(&full(path), *version)),
            Self::Read(op, path, watch) => (*op, watched(&full(path), *watch)),
            Self::GetAcl(path) => (OpCode::GetAcl, only(&full(path))),
            Self::Sync(path) => (OpCode::Sync, only(&full(path))),
            Self::Watches(op, path, kind) => (*op, versioned(&full(path), *kind)),
            Self::Unreadable(op) => (*op, Encoder::new()),
            Self::Multi(parts) => {
                return (OpCode::Multi, multi(parts.iter().map(|part| part.encode(root, base))));
            }
            Self::ReadSeveral(reads) => {
                let reads = reads.iter().map(|(op, path)| (*op, watched(&full(path), true).finish()));
                return (OpCode::MultiRead, multi(reads));
            }
            Self::Below(op, path) => (*op, only(&full(path))),
            Self::Reconfig => {
                let mut body = Encoder::new();
                body.string("").string("").string("server.1=here:1:2").long(-1);
                (OpCode::Reconfig, body)
            }
            Self::SetWatches { since, data, exist, children, lasting } => {
                let all = |paths: &[String]| paths.iter().map(|path| full(path)).collect::<Vec<_>>();
                let (since, data, exist, children) = (base + since, all(data), all(exist), all(children));
                match lasting {
                    None => (OpCode::SetWatches, set_watches(since, &data, &exist, &children)),
                    Some([persistent, recursive]) => {
                        let lasting = [&all(persistent)[..], &all(recursive)];
                        (OpCode::SetWatches2, set_watches_2(since, [&data, &exist, &children], lasting))
                    }
                }
            }
        };
        (op, body.finish())
    }
}

/// What happens at random. Paths are few, so that requests meet.
pub(crate) fn sequence(random: &mut Random, length: usize) -> Vec<Step> {
    (0..length).map(|_| step(random)).collect()
}

fn step(random: &mut Random) -> Step {
    let client = random.below(CLIENTS);
    match random.below(20) {
        0 => Step::Renew(client),
        1 => Step::Reattach(client),
        2 => Step::Auth(client, "digest", pick(random, &["user:secret", "other:secret", "nocolon"])),
        3 => Step::Ask(client, several(random)),
        _ => Step::Ask(client, vec![ask(random)]),
    }
}

/// While a new ACL is on its way to the disk, ZooKeeper goes by the old one for the writes behind it: it comes last.
fn several(random: &mut Random) -> Vec<Ask> {
    let mut asks: Vec<_> = (0..2 + random.below(5)).map(|_| ask(random)).collect();
    if let Some(index) = asks.iter().position(|ask| matches!(ask, Ask::SetAcl(..))) {
        asks.truncate(index + 1);
    }
    asks
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len())]
}

fn path(random: &mut Random) -> String {
    let names =
        ["/a", "/a", "/b", "/a/x", "/a/x", "/a/y", "/b/x", "/a/x/1", "", "/a/", "/a//x", "/c/n-0000000000"];
    pick(random, &names).to_owned()
}

fn paths(random: &mut Random) -> Vec<String> {
    (0..random.below(4)).map(|_| path(random)).collect()
}

fn version(random: &mut Random) -> i32 {
    pick(random, &[-1, -1, -1, 0, 1, -2])
}

fn grant(random: &mut Random) -> Grant {
    use Grant::{Address, Creator, Nobody, Nonsense, Open, ReadOnly, User};
    pick(random, &[Open, Open, Open, Open, Open, Open, ReadOnly, Creator, User, Address, Nobody, Nonsense])
}

fn ask(random: &mut Random) -> Ask {
    let kinds = [OpCode::CheckWatches, OpCode::RemoveWatches];
    match random.below(37) {
        // Alone, a `check` that succeeds brings ZooKeeper to a standstill.
        0..10 => loop {
            let write = write(random);
            if !matches!(write, Ask::Check(..)) {
                break write;
            }
        },
        10..20 => {
            let reads = [OpCode::Exists, OpCode::GetData, OpCode::GetChildren, OpCode::GetChildren2];
            Ask::Read(pick(random, &reads), path(random), random.below(3) > 0)
        }
        20..23 => Ask::Multi((0..random.below(5)).map(|_| write(random)).collect()),
        23 => Ask::SetAcl(path(random), grant(random), version(random)),
        24 => Ask::GetAcl(path(random)),
        25 => Ask::Sync(path(random)),
        26 | 27 => Ask::SetWatches {
            since: random.below(60) as i64,
            data: paths(random),
            exist: paths(random),
            children: paths(random),
            lasting: (random.below(2) > 0).then(|| [paths(random), paths(random)]),
        },
        28 | 29 => Ask::Watches(OpCode::AddWatch, path(random), pick(random, &[0, 0, 1, 1, 2])),
        30 => Ask::Watches(pick(random, &kinds), path(random), pick(random, &[1, 2, 3])),
        31 | 32 => {
            let kinds = [OpCode::GetData, OpCode::GetChildren, OpCode::GetData, OpCode::GetChildren];
            let odd = [OpCode::GetData, OpCode::Exists];
            let among = if random.below(6) == 0 { &odd[..] } else { &kinds };
            Ask::ReadSeveral((0..random.below(5)).map(|_| (pick(random, among), path(random))).collect())
        }
        33 | 34 => {
            let kinds = [OpCode::GetEphemerals, OpCode::GetAllChildrenNumber];
            Ask::Below(pick(random, &kinds), path(random))
        }
        35 => Ask::Reconfig,
        _ => Ask::Unreadable(pick(
            random,
            &[
                OpCode::Create,
                OpCode::Delete,
                OpCode::Exists,
                OpCode::Multi,
                OpCode::MultiRead,
                OpCode::Reconfig,
            ],
        )),
    }
}

/// What a multi may hold, too.
fn write(random: &mut Random) -> Ask {
    match random.below(10) {
        0..6 => {
            let ops = [OpCode::Create, OpCode::Create, OpCode::Create2, OpCode::CreateContainer];
            let names = ["/n-", "/a/n-", "/a/x/"];
            let op = pick(random, &ops);
            // An "ephemeral" container, which no client asks for, has ZooKeeper refuse it children as long as its creation is
            // on the way to the disk.
            let flags = match op {
                OpCode::CreateContainer => pick(random, &[4, 4, 4, 0, 2]),
                _ => pick(random, &[0, 0, 0, 1, 1, 2, 3, 4, 7]),
            };
            let sequential = flags == 2 || flags == 3;
            Ask::Create {
                op,
                path: if sequential { pick(random, &names).to_owned() } else { path(random) },
                data: pick(random, &["", "some"]),
                acl: grant(random),
                flags,
            }
        }
        6 | 7 => Ask::Delete(path(random), version(random)),
        8 => Ask::Set(path(random), pick(random, &["", "new"]), version(random)),
        _ => Ask::Check(path(random), version(random)),
    }
}
