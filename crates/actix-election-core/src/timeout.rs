//! The session timeout, and every span that is a share of it.

use std::fmt;
use std::time::Duration;

/// The session timeout T: the smallest that was granted to the session.
///
/// Every span of the protocol is a share of T, and all of them are named here. What rests on what:
/// silence (T/5) plus the time to attach elsewhere has to fit between the lease that always remains (0.4 T
/// while round trips take up to 3 % of T, a third of T up to T/20) and the notice (T/8), so that the loss of one
/// server changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionTimeout(Duration);

impl SessionTimeout {
    /// The shortest timeout that a session is run with. Below it the shares of T come close to the times
    /// that a scheduler or a garbage collector takes, and every hiccup would cost a mastership.
    pub const MIN: Duration = Duration::from_secs(1);

    /// A timeout of `span`.
    pub const fn new(span: Duration) -> Self {
        SessionTimeout(span)
    }

    /// T itself.
    pub const fn span(self) -> Duration {
        self.0
    }

    /// T/10: a probe is sent this often.
    pub fn probe_interval(self) -> Duration {
        self.0 / 10
    }

    /// T/5: a server that is silent for so long is left for another.
    pub fn silence(self) -> Duration {
        self.0 / 5
    }

    /// T/50: what the lease gives away for clocks that differ in rate and for a leader that pings late.
    pub fn margin(self) -> Duration {
        self.0 / 50
    }

    /// T/4 + T/50: how long after the answer of a probe the next but one must be sent to prove that the
    /// ensemble's leader has heard of it. The leader pings its followers every half tick, and T is at least
    /// two ticks.
    pub fn proof_gap(self) -> Duration {
        self.0 / 4 + self.margin()
    }

    /// T/8: `BecameStandby` goes out this long before the lease ends.
    pub fn notice(self) -> Duration {
        self.0 / 8
    }

    /// T/4: `BecameMaster` goes out only with this much of the lease left.
    pub fn least_to_lead(self) -> Duration {
        self.0 / 4
    }

    /// T/3: a role that knows nothing by then is notified that it is standby.
    pub fn first_word(self) -> Duration {
        self.0 / 3
    }

    /// T/2: how long the first proof of a lease may take while a network is fit for one.
    pub fn first_proof(self) -> Duration {
        self.0 / 2
    }
}

impl fmt::Debug for SessionTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
