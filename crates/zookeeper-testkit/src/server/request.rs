//! Requests as they come off the wire.

use super::tree::{Author, Op, Transaction};
use crate::wire::{Acl, Decoder, ErrorCode, Malformed, OpCode};

/// A create with this flag makes a container.
const CONTAINER_FLAG: i32 = 4;

/// Whether the server has this operation at all.
pub(super) fn is_known(op: OpCode) -> bool {
    is_write(op)
        || matches!(
            op,
            OpCode::Exists
                | OpCode::GetData
                | OpCode::GetAcl
                | OpCode::GetChildren
                | OpCode::GetChildren2
                | OpCode::GetAllChildrenNumber
                | OpCode::GetEphemerals
                | OpCode::MultiRead
                | OpCode::Sync
                | OpCode::Ping
                | OpCode::Auth
                | OpCode::SetWatches
                | OpCode::SetWatches2
                | OpCode::CheckWatches
                | OpCode::RemoveWatches
                | OpCode::AddWatch
                | OpCode::WhoAmI
        )
}

/// Whether a request takes a zxid.
pub(super) fn is_write(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Check
            | OpCode::Multi
            | OpCode::Reconfig
            | OpCode::CloseSession
    )
}

/// Whether a request has to go through the ensemble's leader.
pub(super) fn needs_leader(op: OpCode) -> bool {
    is_write(op) || op == OpCode::Sync
}

/// The path that a request starts with, if it has one and can be read so far.
pub(super) fn path(op: OpCode, mut body: Decoder<'_>) -> Option<String> {
    if op.has_path() { node(&mut body).ok() } else { None }
}

/// The path of a node. Null is none, and over one that is not UTF-8 nobody stumbles: there is no such node.
pub(super) fn node(body: &mut Decoder<'_>) -> Result<String, Malformed> {
    body.lossy_string()?.ok_or(Malformed { expected: "a path", offset: 0 })
}

/// The path of an operation that looks at it before anything else, and finds fault with null as with nothing.
fn checked_node(body: &mut Decoder<'_>) -> Result<String, Malformed> {
    Ok(body.lossy_string()?.unwrap_or_default())
}

/// The body of a single write.
fn decode_write(op: OpCode, body: &mut Decoder<'_>) -> Result<Op, Malformed> {
    Ok(match op {
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
            let create = Op::Create {
                path: node(body)?,
                data: body.nullable_buffer()?,
                acl: Acl::decode_all(body)?,
                flags: body.int()?,
                container: op == OpCode::CreateContainer,
            };
            if op == OpCode::CreateTtl {
                body.long()?;
                return Ok(Op::Unsupported);
            }
            create
        }
        OpCode::Delete => Op::Delete { path: node(body)?, version: body.int()? },
        OpCode::SetData => {
            Op::SetData { path: checked_node(body)?, data: body.nullable_buffer()?, version: body.int()? }
        }
        OpCode::SetAcl => {
            Op::SetAcl { path: checked_node(body)?, acl: Acl::decode_all(body)?, version: body.int()? }
        }
        OpCode::Check => Op::Check { path: checked_node(body)?, version: body.int()? },
        _ => Op::Unsupported,
    })
}

/// The transaction that a write asks for, and for a multi the kind of each of its parts.
pub(super) fn transaction(op: OpCode, body: &mut Decoder<'_>, author: Author) -> (Vec<OpCode>, Transaction) {
    let decoded = match op {
        OpCode::CloseSession => Ok((Vec::new(), Transaction::CloseSession { id: author.session })),
        OpCode::Multi => decode_multi(body).map(|ops| {
            let (kinds, ops) = ops.into_iter().unzip();
            (kinds, Transaction::Multi(author, ops))
        }),
        OpCode::Reconfig => {
            decode_reconfig(body).map(|()| (Vec::new(), Transaction::Failed(ErrorCode::ReconfigDisabled)))
        }
        _ => decode_write(op, body).map(|op| (Vec::new(), Transaction::Write(author, op))),
    };
    decoded.unwrap_or((Vec::new(), Transaction::Failed(ErrorCode::MarshallingError)))
}

/// The members that are to come, to go, or to be the only ones, and the configuration that is to be there before.
pub(super) fn decode_reconfig(body: &mut Decoder<'_>) -> Result<(), Malformed> {
    for _ in 0..3 {
        body.lossy_string()?;
    }
    body.long().map(drop)
}

/// What several reads are about. Whether they are to leave watches makes no difference.
pub(super) fn reads(body: &mut Decoder<'_>) -> Result<Vec<(OpCode, String)>, Malformed> {
    let mut reads = Vec::new();
    loop {
        let (op, done, _error) = (OpCode::from_number(body.int()?), body.bool()?, body.int()?);
        if done {
            return Ok(reads);
        }
        if !matches!(op, OpCode::GetData | OpCode::GetChildren) {
            return Err(Malformed { expected: "a read that may be one of several", offset: 0 });
        }
        reads.push((op, node(body)?));
        body.bool()?;
    }
}

/// The body of a multi: each write with the number of its kind.
fn decode_multi(body: &mut Decoder<'_>) -> Result<Vec<(OpCode, Op)>, Malformed> {
    let mut ops = Vec::new();
    loop {
        let (op, done, _error) = (OpCode::from_number(body.int()?), body.bool()?, body.int()?);
        if done {
            return Ok(ops);
        }
        match op {
            OpCode::Create | OpCode::Create2 | OpCode::CreateContainer => {
                let mut write = decode_write(op, body)?;
                // Inside a multi it is the flags that say what is created, and not the operation's number.
                let Op::Create { flags, container, .. } = &mut write else { continue };
                *container = *flags == CONTAINER_FLAG;
                ops.push((if *container { OpCode::CreateContainer } else { OpCode::Create }, write));
            }
            OpCode::CreateTtl | OpCode::Delete | OpCode::SetData | OpCode::Check => {
                ops.push((op, decode_write(op, body)?));
            }
            _ => return Err(Malformed { expected: "a write that a multi may hold", offset: 0 }),
        }
    }
}
