//! How another process asks a master to resign.
//!
//! The request is a znode beside the election path, named after the very term that it is meant for:
//!
//! ```text
//! <election path>.resign-<token of the term, 16 hex digits>        data: resign
//! ```
//!
//! - **It needs write permission on the election's parent**, since it is created there.
//! - **It never outlives the term.** Its name holds the term's token, and no other term looks at that name. It
//!   is ephemeral as well: it goes with the session of whoever asks.
//! - **Rubbish in its place changes nothing.** It counts only if it is ephemeral, was created after the lock
//!   and holds exactly the word `resign`. Anything else under that name is ignored, and watched until it
//!   becomes a request or goes.

use crate::{ElectionPath, FencingToken, Znode};

/// The data of a request.
pub const RESIGN_REQUEST_DATA: &[u8] = b"resign";

/// The path of the request that asks the master of the term `token` to resign.
///
/// ```
/// use actix_election_core::{resign_request_path, ElectionPath, FencingToken};
///
/// let path = ElectionPath::new("/master").unwrap();
/// assert_eq!(resign_request_path(&path, FencingToken::new(51)), "/master.resign-0000000000000033");
/// ```
pub fn resign_request_path(path: &ElectionPath, token: FencingToken) -> String {
    format!("{path}.resign-{:016x}", token.as_i64())
}

/// Whether what was found at [`resign_request_path`] asks the master of the term `token` to resign.
pub fn is_resign_request(found: &Znode, token: FencingToken) -> bool {
    found.stat.ephemeral_owner != 0 && found.stat.czxid > token.as_i64() && found.data == RESIGN_REQUEST_DATA
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stat;

    #[test]
    fn only_a_request_made_for_this_term_counts() {
        let token = FencingToken::new(7);
        let node = |owner, czxid, data: &[u8]| Znode {
            data: data.to_vec(),
            stat: Stat { czxid, ephemeral_owner: owner },
        };
        assert!(is_resign_request(&node(1, 8, b"resign"), token));
        for rubbish in
            [node(0, 8, b"resign"), node(1, 7, b"resign"), node(1, 8, b""), node(1, 8, b"resign\n")]
        {
            assert!(!is_resign_request(&rubbish, token), "{rubbish:?}");
        }
    }
}
