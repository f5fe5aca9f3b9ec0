//! Credentials, as ZooKeeper takes them.

/// A scheme such as `digest`, and what goes with it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Auth {
    pub(super) scheme: String,
    pub(super) credentials: String,
}
