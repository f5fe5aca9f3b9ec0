//! The decoders: no bytes make them panic or take more memory than came, and what they read can be written again.

#![no_main]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use zookeeper_testkit::wire::{
    Acl, ConnectRequest, ConnectResponse, Decoder, Encoder, Frames, Malformed, OpCode, ReplyHeader,
    RequestHeader, Stat, WatcherEvent, check_event, check_reply, frame, read_frame,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    match which % 10 {
        0 => {
            if let Ok(request) = ConnectRequest::decode(bytes) {
                assert_eq!(ConnectRequest::decode(&request.encode()), Ok(request));
            }
        }
        1 => {
            if let Ok(response) = ConnectResponse::decode(bytes) {
                assert_eq!(ConnectResponse::decode(&response.encode()), Ok(response));
            }
        }
        2 => drop(RequestHeader::decode(&mut Decoder::new(bytes))),
        3 => same_again(bytes, ReplyHeader::decode, ReplyHeader::encode),
        4 => same_again(bytes, WatcherEvent::decode, WatcherEvent::encode),
        5 => same_again(bytes, Stat::decode, Stat::encode),
        6 => same_again(bytes, Acl::decode_all, |acl, encoder| Acl::encode_all(acl, encoder)),
        7 => frames(bytes),
        8 => what_passes_can_be_read(bytes),
        _ => cut_up(bytes),
    }
});

/// What was decoded, encoded and decoded again is the same.
fn same_again<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    decode: impl Fn(&mut Decoder<'_>) -> Result<T, Malformed>,
    encode: impl Fn(&T, &mut Encoder),
) {
    let Ok(value) = decode(&mut Decoder::new(bytes)) else { return };
    let mut encoder = Encoder::new();
    encode(&value, &mut encoder);
    let again = encoder.finish();
    let mut decoder = Decoder::new(&again);
    assert_eq!(decode(&mut decoder), Ok(value));
    assert!(decoder.is_empty());
}

/// Frames are read until the first that is none, and are what was there.
fn frames(mut bytes: &[u8]) {
    loop {
        let before = bytes;
        let read = at_once(read_frame(&mut bytes));
        let Ok(Some(body)) = read else { return };
        assert_eq!(frame(&body), before[..before.len() - bytes.len()]);
    }
}

/// A reply or an event that passes the relay's checks can be read by whoever trusts every length in it.
fn what_passes_can_be_read(bytes: &[u8]) {
    if check_event(bytes).is_ok() {
        let mut decoder = Decoder::new(bytes);
        ReplyHeader::decode(&mut decoder).unwrap();
        WatcherEvent::decode(&mut decoder).unwrap();
    }
    for op in [OpCode::Create2, OpCode::Exists, OpCode::GetData, OpCode::GetChildren] {
        if !check_reply(op, bytes).is_ok_and(|header| header.error.is_none()) {
            continue;
        }
        let mut decoder = Decoder::new(bytes);
        ReplyHeader::decode(&mut decoder).unwrap();
        match op {
            OpCode::Create2 => drop(decoder.string().unwrap()),
            OpCode::GetData => drop(decoder.buffer().unwrap()),
            OpCode::GetChildren => {
                let count = decoder.clone().int().unwrap();
                let names = decoder.vector(Decoder::string).unwrap();
                assert_eq!(names.len(), usize::try_from(count).unwrap());
                continue;
            }
            _ => {}
        }
        Stat::decode(&mut decoder).unwrap();
    }
}

/// However bytes are cut up on their way, the same frames come of them.
fn cut_up(bytes: &[u8]) {
    let whole = |mut pieces: Vec<&[u8]>| {
        let (mut frames, mut found) = (Frames::new(64), Vec::new());
        for piece in &mut pieces {
            if at_once(frames.read_more(piece)).is_err() {
                break;
            }
            loop {
                match frames.next_frame() {
                    Ok(Some(frame)) => found.push(frame.to_vec()),
                    Ok(None) => break,
                    Err(_) => return found,
                }
            }
        }
        found
    };
    let (first, second) = bytes.split_at(bytes.len() / 3);
    assert_eq!(
        whole(vec![bytes]),
        whole([first, second].into_iter().filter(|piece| !piece.is_empty()).collect())
    );
}

/// What comes of reading bytes in memory, which are there at once.
fn at_once<T>(reading: impl Future<Output = T>) -> T {
    match pin!(reading).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read,
        Poll::Pending => panic!("bytes in memory are there at once"),
    }
}
