//! What the requests of a queue are for.

use std::fmt;

/// What one request is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Step {
    Create,
    Parents,
    /// List the queue, to find our place.
    List,
    /// List it to find a znode of ours whose creation was not answered.
    Search,
    /// Look at what may be that znode, and arm the watch.
    Recover,
    /// Look at our znode and arm the watch.
    Own,
    /// Read the predecessor and arm the watch.
    Predecessor,
    /// Arm the watch on a predecessor that we may not read.
    PredecessorExists,
    Head,
    Delete,
    /// Delete what an earlier session of ours has left in the queue.
    Clear,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Step::Create => "join the queue",
            Step::Parents => "create the election path",
            Step::List | Step::Search => "list the queue",
            Step::Recover | Step::Own => "watch our znode in the queue",
            Step::Predecessor | Step::PredecessorExists => "watch the znode before ours in the queue",
            Step::Head => "read the head of the queue",
            Step::Delete => "leave the queue",
            Step::Clear => "clear an earlier znode of ours out of the queue",
        })
    }
}
