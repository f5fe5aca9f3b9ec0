//! What a session remembers from one connection to the next: what it has seen, and how it has numbered its requests.
//!
//! Every request gets an xid that no other request of the session has had, on whichever connection. A client counts
//! from 1 on each; but a follower takes a commit for that of the request which it has to answer if session and xid are the same
//! (`CommitProcessor`), so that it could answer a request of this connection with what became of an older one, made through
//! another server. Then an answered probe would prove nothing, and a create could seem to have succeeded that has not.

use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

use zookeeper_wire::{ErrorCode, xid};

/// What a session has seen and said so far, on all of its connections.
#[derive(Default)]
pub(in super::super) struct Track {
    /// The greatest zxid that a server has shown.
    zxid: AtomicI64,
    /// The xid of the last request.
    xid: AtomicI32,
    /// The last error that a server answered and the client crate has no word for; 0 for none.
    error: AtomicI32,
}

impl Track {
    /// The last error that a server answered and the client crate has no word for.
    pub(super) fn unknown_error(&self) -> Option<ErrorCode> {
        ErrorCode::from_number(self.error.load(Ordering::Relaxed))
    }

    /// The greatest zxid that a server has shown: a server that is behind it must not serve the session.
    pub(in super::super) fn last_zxid(&self) -> i64 {
        self.zxid.load(Ordering::Relaxed)
    }

    pub(super) fn saw_zxid(&self, zxid: i64) {
        self.zxid.fetch_max(zxid, Ordering::Relaxed);
    }

    pub(super) fn saw_unknown_error(&self, number: i32) {
        self.error.store(number, Ordering::Relaxed);
    }

    /// An xid that no request of the session has, unless it is one of 2^31 requests ago.
    pub(super) fn next_xid(&self) -> i32 {
        loop {
            let next = self.xid.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX;
            if next != xid::CLOSE {
                return next;
            }
        }
    }
}
