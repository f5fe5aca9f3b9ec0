//! What a candidate is after.

/// All that a strategy knows of the candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Goal {
    /// Know who is master; release a znode of ours.
    Observe,
    /// Be the next master.
    Compete,
    /// Keep what a term rests on, whatever happens.
    Keep,
}
