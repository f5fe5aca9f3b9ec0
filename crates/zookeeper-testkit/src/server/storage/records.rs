//! What a log holds: what has happened to the machine, in order.
//!
//! It is the transactions that are kept, not what they changed. The machine is deterministic: the same transaction on the
//! same machine, with the same number and the same time, is the same change. So the code that made a change makes it again,
//! and none has to say the same in another way. Each record holds a fingerprint of what came of it, and a machine that comes
//! to something else, as one of another version might, is found out.
//!
//! Jute, which the wire has already, is all the encoding it takes.

use crate::server::tree::{
    Author, ChangeKind, Identity, Machine, Op, Outcome, Transaction, decode_duration, encode_duration,
};
use crate::wire::{Acl, Decoder, Encoder, ErrorCode, Malformed};

const APPLIED: i32 = 1;
const BEGUN: i32 = 2;
const WIPED: i32 = 3;

/// A transaction, to be completed by [`applied`] once it is known what came of it.
pub(super) fn prepared(wall: i64, transaction: &Transaction) -> Encoder {
    let mut encoder = Encoder::new();
    encode(transaction, encoder.int(APPLIED).long(wall));
    encoder
}

pub(super) fn applied(mut prepared: Encoder, outcome: &Outcome) -> Vec<u8> {
    prepared.long(outcome.zxid).int(fingerprint(outcome));
    prepared.finish()
}

/// Zxids go on from here.
pub(super) fn begun(zxid: i64) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.int(BEGUN).long(zxid);
    encoder.finish()
}

/// Everything is forgotten.
pub(super) fn wiped() -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.int(WIPED);
    encoder.finish()
}

/// Has everything in `payload` happen again, and says what is wrong with it otherwise.
pub(super) fn replay(machine: &mut Machine, payload: &[u8]) -> Result<(), String> {
    let mut decoder = Decoder::new(payload);
    while !decoder.is_empty() {
        let unreadable = |error: Malformed| format!("a record cannot be read: {error}");
        match decoder.int().map_err(unreadable)? {
            APPLIED => {
                let (wall, transaction) =
                    (|| Ok((decoder.long()?, decode(&mut decoder)?)))().map_err(unreadable)?;
                let (zxid, expected) = (|| Ok((decoder.long()?, decoder.int()?)))().map_err(unreadable)?;
                let kind = kind(&transaction);
                let outcome = machine.replay(zxid, wall, transaction);
                if fingerprint(&outcome) != expected {
                    return Err(format!(
                        "transaction {zxid:#x}, {kind}, comes to something else than it did"
                    ));
                }
            }
            BEGUN => machine.begin_at(decoder.long().map_err(unreadable)?),
            WIPED => machine.wipe(),
            other => return Err(format!("a record of the unknown kind {other}")),
        }
    }
    Ok(())
}

/// A checksum of whether it succeeded, and of which nodes were changed.
fn fingerprint(outcome: &Outcome) -> i32 {
    let mut hasher = crc32fast::Hasher::new();
    let error = outcome.result.as_ref().err().map_or(0, |error| error.number());
    hasher.update(&error.to_be_bytes());
    for change in &outcome.changes {
        let kind = match change.kind {
            ChangeKind::Created => 1,
            ChangeKind::Deleted => 2,
            ChangeKind::DataChanged => 3,
        };
        hasher.update(&[kind]);
        hasher.update(change.path.as_bytes());
    }
    hasher.finalize().cast_signed()
}

fn kind(transaction: &Transaction) -> &'static str {
    match transaction {
        Transaction::OpenSession { .. } => "the opening of a session",
        Transaction::CloseSession { .. } => "the end of a session",
        Transaction::Write(..) => "a write",
        Transaction::Multi(..) => "several writes",
        Transaction::Sweep { .. } => "the sweep of a container",
        Transaction::Failed(_) => "a failure",
    }
}

fn encode(transaction: &Transaction, encoder: &mut Encoder) {
    match transaction {
        Transaction::OpenSession { id, password, timeout } => {
            encode_duration(*timeout, encoder.int(1).long(*id).buffer(password));
        }
        Transaction::CloseSession { id } => drop(encoder.int(2).long(*id)),
        Transaction::Write(author, op) => {
            encode_author(author, encoder.int(3));
            encode_op(op, encoder);
        }
        Transaction::Multi(author, ops) => {
            encode_author(author, encoder.int(4));
            encoder.vector(ops.iter(), |encoder, op| encode_op(op, encoder));
        }
        Transaction::Sweep { path } => drop(encoder.int(5).string(path)),
        Transaction::Failed(error) => drop(encoder.int(6).int(error.number())),
    }
}

fn decode(decoder: &mut Decoder<'_>) -> Result<Transaction, Malformed> {
    Ok(match decoder.int()? {
        1 => Transaction::OpenSession {
            id: decoder.long()?,
            password: decoder.buffer()?,
            timeout: decode_duration(decoder)?,
        },
        2 => Transaction::CloseSession { id: decoder.long()? },
        3 => Transaction::Write(decode_author(decoder)?, decode_op(decoder)?),
        4 => Transaction::Multi(decode_author(decoder)?, decoder.vector(decode_op)?),
        5 => Transaction::Sweep { path: decoder.string()? },
        6 => Transaction::Failed(
            ErrorCode::from_number(decoder.int()?).ok_or(Malformed { expected: "an error", offset: 0 })?,
        ),
        _ => return Err(Malformed { expected: "a kind of transaction", offset: 0 }),
    })
}

fn encode_author(author: &Author, encoder: &mut Encoder) {
    encoder.long(author.session);
    encoder.vector(author.identities.iter(), |encoder, identity| {
        encoder.string(&identity.scheme).string(&identity.id);
    });
}

fn decode_author(decoder: &mut Decoder<'_>) -> Result<Author, Malformed> {
    let identity =
        |decoder: &mut Decoder<'_>| Ok(Identity { scheme: decoder.string()?, id: decoder.string()? });
    Ok(Author { session: decoder.long()?, identities: decoder.vector(identity)? })
}

fn encode_op(op: &Op, encoder: &mut Encoder) {
    match op {
        Op::Create { path, data, acl, flags, container } => {
            Acl::encode_all(acl, encoder.int(1).string(path).nullable_buffer(data.as_deref()));
            encoder.int(*flags).bool(*container);
        }
        Op::Delete { path, version } => drop(encoder.int(2).string(path).int(*version)),
        Op::SetData { path, data, version } => {
            encoder.int(3).string(path).nullable_buffer(data.as_deref()).int(*version);
        }
        Op::SetAcl { path, acl, version } => {
            Acl::encode_all(acl, encoder.int(4).string(path));
            encoder.int(*version);
        }
        Op::Check { path, version } => drop(encoder.int(5).string(path).int(*version)),
        Op::Unsupported => drop(encoder.int(6)),
    }
}

fn decode_op(decoder: &mut Decoder<'_>) -> Result<Op, Malformed> {
    Ok(match decoder.int()? {
        1 => Op::Create {
            path: decoder.string()?,
            data: decoder.nullable_buffer()?,
            acl: Acl::decode_all(decoder)?,
            flags: decoder.int()?,
            container: decoder.bool()?,
        },
        2 => Op::Delete { path: decoder.string()?, version: decoder.int()? },
        3 => {
            Op::SetData { path: decoder.string()?, data: decoder.nullable_buffer()?, version: decoder.int()? }
        }
        4 => Op::SetAcl { path: decoder.string()?, acl: Acl::decode_all(decoder)?, version: decoder.int()? },
        5 => Op::Check { path: decoder.string()?, version: decoder.int()? },
        6 => Op::Unsupported,
        _ => return Err(Malformed { expected: "a kind of write", offset: 0 }),
    })
}
