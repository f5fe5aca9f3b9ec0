//! What a candidate is after.

/// What the strategies are told of the candidate, and all that they are told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Goal {
    /// Know who is master; release a znode of ours.
    Observe,
    /// Be the next master.
    Compete,
    /// Keep what a term rests on, whatever happens.
    Keep,
}
