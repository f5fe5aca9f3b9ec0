//! For tests: anything that may happen to a machine that is kept.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Storage, later_epoch, records};
use crate::server::tree::{Author, Identity, Machine, Op, Transaction};
use crate::wire::{Acl, ErrorCode};

/// Something that happens to a machine that is kept.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Apply(Transaction),
    Begin,
    Wipe,
    /// Attached to with another timeout, which is forgotten.
    Attach(i64),
    Snapshot,
}

impl Step {
    /// Has it happen, and says what a log says of it.
    pub(super) fn take(&self, now: Duration, machine: &mut Machine) -> Vec<u8> {
        match self {
            Self::Apply(transaction) => {
                let prepared = Storage::prepare(machine.wall(now), transaction);
                let outcome = machine.apply(now, transaction.clone());
                records::applied(prepared.0, &outcome)
            }
            Self::Begin => {
                machine.begin_at(later_epoch(machine.last_zxid()));
                records::begun(machine.last_zxid())
            }
            Self::Wipe => {
                machine.wipe();
                records::wiped()
            }
            Self::Attach(session) => {
                machine.attach(now, *session, Duration::from_millis(9_000));
                Vec::new()
            }
            Self::Snapshot => Vec::new(),
        }
    }
}

fn sessions() -> impl Strategy<Value = i64> {
    1..4_i64
}

fn paths() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 9] =
        ["/", "/a", "/a/b", "/a/n-", "/c", "/c/x", "/a/n-0000000000", "/a b/\u{fc}", "/zookeeper/quota"];
    prop_oneof![8 => proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn acls() -> impl Strategy<Value = Vec<Acl>> {
    let digest = |id: &str| Acl { permissions: 31, scheme: "digest".to_owned(), id: id.to_owned() };
    let some = vec![
        Acl::open(),
        Acl::open(),
        Acl::read_only(),
        Acl::creator(),
        vec![],
        vec![digest("u:h"), digest("v:h")],
    ];
    proptest::sample::select(some)
}

fn writes() -> impl Strategy<Value = Op> {
    let data = || proptest::option::of(vec(any::<u8>(), 0..20));
    prop_oneof![
        6 => (paths(), data(), acls(), -1..8_i32, any::<bool>())
            .prop_map(|(path, data, acl, flags, container)| Op::Create { path, data, acl, flags, container }),
        2 => (paths(), -1..2_i32).prop_map(|(path, version)| Op::Delete { path, version }),
        2 => (paths(), data(), -1..2_i32).prop_map(|(path, data, version)| Op::SetData { path, data, version }),
        1 => (paths(), acls(), -1..2_i32).prop_map(|(path, acl, version)| Op::SetAcl { path, acl, version }),
        1 => (paths(), -1..2_i32).prop_map(|(path, version)| Op::Check { path, version }),
        1 => Just(Op::Unsupported),
    ]
}

fn authors() -> impl Strategy<Value = Author> {
    let identities = vec![vec![], vec![Identity { scheme: "digest".to_owned(), id: "u:h".to_owned() }]];
    (sessions(), proptest::sample::select(identities))
        .prop_map(|(session, identities)| Author { session, identities })
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let opened = (sessions(), vec(any::<u8>(), 16), 1..9_000_u64).prop_map(|(id, password, millis)| {
        Transaction::OpenSession { id, password, timeout: Duration::from_millis(millis) }
    });
    let transactions = prop_oneof![
        3 => opened,
        1 => sessions().prop_map(|id| Transaction::CloseSession { id }),
        12 => (authors(), writes()).prop_map(|(author, op)| Transaction::Write(author, op)),
        3 => (authors(), vec(writes(), 0..4)).prop_map(|(author, ops)| Transaction::Multi(author, ops)),
        1 => paths().prop_map(|path| Transaction::Sweep { path }),
        1 => Just(Transaction::Failed(ErrorCode::MarshallingError)),
    ];
    let step = prop_oneof![
        40 => transactions.prop_map(Step::Apply),
        1 => Just(Step::Begin),
        1 => Just(Step::Wipe),
        1 => sessions().prop_map(Step::Attach),
        2 => Just(Step::Snapshot),
    ];
    let opened = |id| {
        Step::Apply(Transaction::OpenSession {
            id,
            password: vec![1; 16],
            timeout: Duration::from_millis(4_000),
        })
    };
    vec(step, 1..40).prop_map(move |mut steps| {
        steps.splice(0..0, [opened(1), opened(2)]);
        steps
    })
}
