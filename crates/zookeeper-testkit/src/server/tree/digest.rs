//! The hash of a password, as the `digest` scheme wants it.
//!
//! Not for anything that has to be safe: SHA-1 is not, and ZooKeeper's `digest` with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The SHA-1 of `bytes` in base64.
pub(super) fn sha1_base64(bytes: &[u8]) -> String {
    STANDARD.encode(Sha1::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(sha1_base64(b"abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        // ZooKeeper's own documentation of its superuser.
        assert_eq!(sha1_base64(b"super:superpw"), "g9oN2HttPfn8MMWJZ2r45Np/LIA=");
    }
}
