//! Requests, as far as somebody has to make them by hand.

use crate::{Encoder, OpCode, RequestHeader, frame};

/// The xids that stand for something by convention. A client counts its own from 1.
pub mod xid {
    /// The close of a session, if whoever sends it has no numbers of its own: all a client's are greater.
    pub const CLOSE: i32 = 0;
    /// A watch event, which answers no request.
    pub const EVENT: i32 = -1;
    /// A ping, and its reply.
    pub const PING: i32 = -2;
    /// Credentials, and their reply.
    pub const AUTH: i32 = -4;
    /// `setWatches`, and its reply.
    pub const SET_WATCHES: i32 = -8;
}

/// A whole frame with this request, whose body behind the header is written by `fill`.
pub fn request_frame(xid: i32, op: OpCode, fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::new();
    RequestHeader { xid, op }.encode(&mut encoder);
    fill(&mut encoder);
    frame(&encoder.finish())
}

/// A whole frame with credentials.
pub fn auth_frame(scheme: &str, credentials: &[u8]) -> Vec<u8> {
    request_frame(xid::AUTH, OpCode::Auth, |encoder| {
        // A type that no server looks at.
        encoder.int(0).string(scheme).buffer(credentials);
    })
}

/// A whole frame with a ping.
pub fn ping_frame() -> Vec<u8> {
    request_frame(xid::PING, OpCode::Ping, |_| ())
}

/// A whole frame that closes the session, with the xid [`xid::CLOSE`].
pub fn close_frame() -> Vec<u8> {
    request_frame(xid::CLOSE, OpCode::CloseSession, |_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decoder;

    #[test]
    fn credentials_are_framed_as_the_protocol_has_them() {
        let whole = auth_frame("digest", b"a:b");
        assert_eq!(whole[..4], 29_i32.to_be_bytes());
        let mut decoder = Decoder::new(&whole[4..]);
        let header = RequestHeader::decode(&mut decoder).unwrap();
        assert_eq!((header.xid, header.op), (xid::AUTH, OpCode::Auth));
        assert_eq!((decoder.int().unwrap(), decoder.text().unwrap()), (0, "digest"));
        assert_eq!((decoder.bytes().unwrap(), decoder.is_empty()), (&b"a:b"[..], true));
    }

    #[test]
    fn pings_and_closes_are_headers_alone() {
        for (whole, xid, op) in
            [(ping_frame(), xid::PING, OpCode::Ping), (close_frame(), xid::CLOSE, OpCode::CloseSession)]
        {
            assert_eq!(whole.len(), 12);
            assert_eq!(whole[..4], 8_i32.to_be_bytes());
            let header = RequestHeader::decode(&mut Decoder::new(&whole[4..])).unwrap();
            assert_eq!((header.xid, header.op), (xid, op));
        }
    }
}
