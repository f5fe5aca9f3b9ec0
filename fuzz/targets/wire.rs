//! The decoders: no bytes make them panic or take more memory than came, and what they read can be written again.

#![no_main]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use zookeeper_testkit::wire::{
    Acl, ConnectRequest, ConnectResponse, Decoder, Encoder, Malformed, ReplyHeader, RequestHeader, Stat,
    WatcherEvent, frame, read_frame,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    match which % 8 {
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
        _ => frames(bytes),
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
        let read = {
            let mut reading = pin!(read_frame(&mut bytes));
            match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(read) => read,
                Poll::Pending => panic!("bytes in memory are there at once"),
            }
        };
        let Ok(Some(body)) = read else { return };
        assert_eq!(frame(&body), before[..before.len() - bytes.len()]);
    }
}
