//! What can happen in a world.

/// One step. Processes are numbered from 0. In the form that `Debug` prints, a list of these can be replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    // ---- what goes on by itself
    /// T/8 passes; whoever is connected has its lease extended.
    Tick,
    /// A timer that is due is served.
    Timer(usize),
    /// The ensemble carries out the oldest request of this process.
    Serve(usize),
    /// It carries out the oldest of those that let others go first.
    ServePatient(usize),
    /// The oldest reply or event reaches this process.
    Deliver(usize),
    /// The role of this process handles its oldest message.
    Acknowledge(usize),
    /// The process reaches a server: it is attached, or hears that its session is no more, or gives it up.
    Connect(usize),
    /// The session of this process is given up, at the end of its lease.
    GiveUp(usize),
    /// The ensemble expires a session, after its lease.
    Expire(i64),
    /// A new role actor takes the place of a dead one.
    Replace(usize),
    // ---- what goes wrong, and what people do
    /// The connection is cut: what was not served never will be, and what was served is not heard of.
    Cut(usize),
    /// Somebody deletes the lock, or the znode at this place in the queue.
    Delete(usize),
    /// Somebody overwrites the lock's data.
    Overwrite,
    /// Somebody puts a persistent znode at the election path.
    Squat,
    /// The ensemble loses all its data, and counts from the start.
    Wipe,
    /// The ACL is changed, and changed back.
    Deny,
    Allow,
    /// The role actor dies.
    RoleFails(usize),
    /// It is restarted, and what it had under way is lost.
    RoleRestarts(usize),
    /// The process is asked to resign.
    Resign(usize),
    /// Another process asks the holder of the lock to resign; whether what it writes is valid.
    AskToResign(bool),
    /// The process leaves the election.
    Withdraw(usize),
    /// It comes back.
    Campaign(usize),
}

impl Action {
    /// Whether this is counted against the budget of faults.
    pub(crate) fn is_fault(self) -> bool {
        use Action::*;
        let by_itself = matches!(
            self,
            Tick | Timer(_)
                | Serve(_)
                | ServePatient(_)
                | Deliver(_)
                | Acknowledge(_)
                | Connect(_)
                | GiveUp(_)
                | Expire(_)
                | Replace(_)
        );
        !by_itself && self != Allow
    }
}
