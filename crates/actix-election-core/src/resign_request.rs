//! How another process asks a master to resign.
//!
//! The request is a znode beside the election path, named after the master's session, which says the term that it is
//! meant for:
//!
//! ```text
//! <election path>.resign-<session of the master, 16 hex digits>        data: resign <token of the term, 16 hex digits>
//! ```
//!
//! - **It needs write permission on the election's parent**, since it is created there.
//! - **It never outlives the term.** It holds the term's token, and no other term heeds it. It is ephemeral as well: it
//!   goes with the session of whoever asks.
//! - **Rubbish in its place changes nothing.** It counts only if it is ephemeral, was created after the lock
//!   and holds exactly those words. Anything else under that name is ignored, and watched until it becomes a request or
//!   goes.
//! - **All terms of a session share one name**, so that one watch does for all of them: ZooKeeper would keep those of the
//!   terms that have ended until the session is over.

use crate::{ElectionPath, FencingToken, SessionId, Znode};

/// The path of the request that asks a master with this session to resign.
///
/// ```
/// use actix_election_core::{resign_request_path, ElectionPath, SessionId};
///
/// let path = ElectionPath::new("/master").unwrap();
/// assert_eq!(resign_request_path(&path, SessionId(51)), "/master.resign-0000000000000033");
/// ```
pub fn resign_request_path(path: &ElectionPath, master: SessionId) -> String {
    format!("{path}.resign-{:016x}", master.0)
}

/// The data of the request that asks the master of the term `token` to resign.
///
/// ```
/// use actix_election_core::{resign_request_data, FencingToken};
///
/// assert_eq!(resign_request_data(FencingToken::new(52)), b"resign 0000000000000034");
/// ```
pub fn resign_request_data(token: FencingToken) -> Vec<u8> {
    format!("resign {:016x}", token.as_i64()).into_bytes()
}

/// Whether what was found at [`resign_request_path`] asks the master of the term `token` to resign.
pub fn is_resign_request(found: &Znode, token: FencingToken) -> bool {
    let Znode { data, stat } = found;
    stat.ephemeral_owner != 0 && stat.czxid > token.as_i64() && *data == resign_request_data(token)
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
        let data = b"resign 0000000000000007";
        assert!(is_resign_request(&node(1, 8, data), token));
        let rubbish = [
            node(0, 8, data),
            node(1, 7, data),
            node(1, 8, b""),
            node(1, 8, b"resign"),
            node(1, 8, b"resign 0000000000000006"),
            node(1, 8, b"resign 0000000000000007\n"),
        ];
        for rubbish in rubbish {
            assert!(!is_resign_request(&rubbish, token), "{rubbish:?}");
        }
    }
}
