//! What a reply or an event has to look like, by what was asked.
//!
//! For whoever passes frames on to a reader that trusts them. Every length is checked against the bytes that came, every
//! text for UTF-8, and every number that stands for one of a few things for being one of these.

use crate::{Decoder, Malformed, OpCode, ReplyHeader};

/// Checks the reply to an `op`: its header, and its body as far as an operation of that kind has one that is known here.
/// Bytes behind the end are allowed, as later versions may add some.
///
/// ```
/// use zookeeper_wire::{Encoder, OpCode, check_reply};
///
/// // xid 7, zxid 9, no error; two children.
/// let mut reply = Encoder::new();
/// reply.int(7).long(9).int(0).int(2).string("a").string("b");
/// let reply = reply.finish();
/// assert_eq!(check_reply(OpCode::GetChildren, &reply).unwrap().xid, 7);
/// // The last of them is cut short.
/// assert!(check_reply(OpCode::GetChildren, &reply[..reply.len() - 1]).is_err());
/// ```
///
/// # Errors
///
/// [`Malformed`] says what was expected, and where.
pub fn check_reply(op: OpCode, body: &[u8]) -> Result<ReplyHeader, Malformed> {
    let mut decoder = Decoder::new(body);
    let header = ReplyHeader::decode(&mut decoder)?;
    if header.error.is_some() {
        // Nothing follows, whatever was asked.
        return Ok(header);
    }
    match op {
        OpCode::Create | OpCode::Sync => drop(decoder.text()?),
        OpCode::Create2 => {
            decoder.text()?;
            stat(&mut decoder)?;
        }
        OpCode::Exists | OpCode::SetData | OpCode::SetAcl => stat(&mut decoder)?,
        OpCode::GetData => {
            decoder.bytes()?;
            stat(&mut decoder)?;
        }
        OpCode::GetChildren => names(&mut decoder)?,
        OpCode::GetChildren2 => {
            names(&mut decoder)?;
            stat(&mut decoder)?;
        }
        _ => {}
    }
    Ok(header)
}

/// Checks a watch event: its header and its body.
///
/// # Errors
///
/// [`Malformed`] says what was expected, and where.
pub fn check_event(body: &[u8]) -> Result<ReplyHeader, Malformed> {
    let mut decoder = Decoder::new(body);
    let header = ReplyHeader::decode(&mut decoder)?;
    if !matches!(decoder.int()?, -1 | 1..=7) {
        return Err(decoder.malformed("the type of an event"));
    }
    if !matches!(decoder.int()?, -112 | -1..=7) {
        return Err(decoder.malformed("the state of a connection"));
    }
    decoder.text()?;
    Ok(header)
}

fn stat(decoder: &mut Decoder<'_>) -> Result<(), Malformed> {
    crate::Stat::decode(decoder).map(drop)
}

fn names(decoder: &mut Decoder<'_>) -> Result<(), Malformed> {
    let count = decoder.int()?;
    let count = usize::try_from(count).map_err(|_| decoder.malformed("the number of children"))?;
    // Each takes four bytes at least: the loop ends with the bytes.
    for _ in 0..count {
        decoder.text()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, ErrorCode, Stat};

    const STAT: Stat = Stat {
        czxid: 1,
        mzxid: 2,
        ctime: 3,
        mtime: 4,
        version: 5,
        cversion: 6,
        aversion: 7,
        ephemeral_owner: 8,
        data_length: 9,
        children: 10,
        pzxid: 11,
    };

    fn reply(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder.int(1).long(2).int(0);
        fill(&mut encoder);
        encoder.finish()
    }

    #[test]
    fn whole_replies_pass_and_truncated_ones_do_not() {
        let replies = [
            (OpCode::Create, reply(|encoder| _ = encoder.string("/m"))),
            (
                OpCode::Create2,
                reply(|encoder| {
                    encoder.string("/m");
                    STAT.encode(encoder);
                }),
            ),
            (OpCode::Exists, reply(|encoder| STAT.encode(encoder))),
            (
                OpCode::GetData,
                reply(|encoder| {
                    encoder.buffer(b"\xff");
                    STAT.encode(encoder);
                }),
            ),
            (OpCode::GetChildren, reply(|encoder| _ = encoder.int(1).string("a"))),
        ];
        for (op, whole) in replies {
            assert!(check_reply(op, &whole).is_ok(), "{op}");
            for length in 0..whole.len() {
                assert!(check_reply(op, &whole[..length]).is_err(), "{op}, {length} bytes");
            }
        }
        assert!(check_reply(OpCode::Delete, &reply(|_| ())).is_ok());
    }

    #[test]
    fn what_no_reader_should_trust_is_told() {
        let bad = [
            (OpCode::GetChildren, reply(|encoder| _ = encoder.int(i32::MAX))),
            (OpCode::GetChildren, reply(|encoder| _ = encoder.int(-2))),
            (OpCode::GetChildren, reply(|encoder| _ = encoder.int(1).buffer(b"\xff"))),
            (OpCode::Create, reply(|encoder| _ = encoder.buffer(b"/\xff"))),
            (OpCode::GetData, reply(|encoder| _ = encoder.int(i32::MAX))),
            (OpCode::GetData, reply(|encoder| _ = encoder.int(-2))),
        ];
        for (op, body) in bad {
            assert!(check_reply(op, &body).is_err(), "{op}: {body:?}");
        }
        let event = |kind: i32, state: i32, path: &[u8]| {
            let mut encoder = Encoder::new();
            encoder.int(-1).long(-1).int(0).int(kind).int(state).buffer(path);
            encoder.finish()
        };
        assert!(check_event(&event(2, 3, b"/m")).is_ok());
        for bad in [event(9, 3, b"/m"), event(2, 99, b"/m"), event(2, 3, b"/\xff")] {
            assert!(check_event(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_has_no_body() {
        let mut encoder = Encoder::new();
        encoder.int(1).long(2).int(-101);
        let body = encoder.finish();
        let header = check_reply(OpCode::GetData, &body).unwrap();
        assert_eq!(header.error, Some(ErrorCode::NoNode));
    }
}
