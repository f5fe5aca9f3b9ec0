//! The lease: until when the session is known to live, whatever happens from now on.
//!
//! The ensemble's leader expires a session T after the last touch that it heard of. A follower tells it of
//! touches only in its replies to the leader's ping, so an answered ping or read proves nothing, and even an
//! answered write proves only that *some* earlier touch has arrived. Which one is the whole question, and
//! [`LeaseClock`] answers it from the send and answer times of *probes*: writes that are known to fail, which
//! the quorum orders all the same.
//!
//! The rule. Let h be the newest answered probe for which answered probes i and j exist, on the same
//! connection, with
//!
//! ```text
//! sent_i >= answered_h + T/4 + T/50      and      sent_j >= answered_i
//! ```
//!
//! Between the answer of h and the sending of i the leader has pinged the follower at least once (every half
//! tick, and T is at least two ticks). That ping went out before i was committed, on the channel that brings
//! the follower its commits, so it had arrived when i was answered; the follower's reply to it, which carries
//! h's touch, travelled ahead of j on the channel that takes requests to the leader; and j was committed. So the
//! leader knows of a touch not older than `sent_h`, and lets the session live until `sent_h + T`. The lease ends
//! T/50 before that.
//!
//! An attach touches the session at the leader itself. It counts as an h at the moment its request was sent,
//! once a probe after it has come back.

use std::collections::VecDeque;

use crate::{SessionTimeout, Timestamp};

/// Computes the end of the lease of one session from its attaches and probes.
///
/// Times are those of the client: take `sent` before the request is written and `answered` after its reply was
/// read. Any delay between the two readings and the wire then only shortens the lease.
///
/// ```
/// use std::time::Duration;
/// use actix_election_core::{LeaseClock, SessionTimeout, Timestamp};
///
/// let second = |s: u64| Timestamp::from_nanos(s * 1_000_000_000);
/// let mut clock = LeaseClock::new();
/// clock.attached(second(100), SessionTimeout::new(Duration::from_secs(10)));
/// assert_eq!(clock.deadline(), None); // nothing has come back through the quorum yet
/// clock.probe_answered(second(101), second(101));
/// assert_eq!(clock.deadline(), Some(second(100) + Duration::from_millis(9_800)));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct LeaseClock {
    timeout: Option<SessionTimeout>,
    /// When the present connection's ConnectRequest was sent, until a probe proves the attach.
    unproven_attach: Option<Timestamp>,
    /// Answered probes of the present connection, oldest first, from the last one that served as h.
    probes: VecDeque<Probe>,
    deadline: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Probe {
    sent: Timestamp,
    answered: Timestamp,
}

impl LeaseClock {
    /// The clock of a session of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The session was attached over a new connection, whose ConnectRequest was sent at `sent`, and the server
    /// granted `timeout`.
    ///
    /// What was gathered on earlier connections proves nothing on this one: another follower, another channel.
    /// The deadline stays, unless the server granted less than before: the attach then *brought forward* the
    /// expiry, and the deadline moves to where the new timeout puts it.
    pub fn attached(&mut self, sent: Timestamp, timeout: SessionTimeout) {
        let shorter = self.timeout.is_some_and(|before| timeout < before);
        self.timeout = Some(timeout);
        self.unproven_attach = Some(sent);
        self.probes.clear();
        if shorter {
            self.deadline = self.deadline.map(|d| d.min(lease_end(sent, timeout)));
        }
    }

    /// The connection is gone: answers that belong to it no longer count.
    pub fn detached(&mut self) {
        self.unproven_attach = None;
        self.probes.clear();
    }

    /// A probe of the present connection, sent at `sent`, came back at `answered` with just the error that is
    /// expected of it. Probes are reported in the order in which they were sent.
    pub fn probe_answered(&mut self, sent: Timestamp, answered: Timestamp) {
        let Some(timeout) = self.timeout else { return };
        if let Some(attach) = self.unproven_attach.take() {
            self.extend(lease_end(attach, timeout));
        }
        self.probes.push_back(Probe { sent, answered });
        if let Some(index) = self.newest_proven(timeout) {
            self.extend(lease_end(self.probes[index].sent, timeout));
            // Nothing older can ever prove more.
            self.probes.drain(..index);
        }
    }

    /// The moment at which the lease ends; `None` while nothing is proven.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// The index of h, given that the newest probe is j: first the newest i that j confirms, then the newest h
    /// that this i proves. A newer i never proves an older h, so looking no further is enough.
    fn newest_proven(&self, timeout: SessionTimeout) -> Option<usize> {
        let j = self.probes.back()?;
        let i = self.probes.iter().rev().find(|i| i.answered <= j.sent)?;
        let gap = timeout.proof_gap();
        self.probes.iter().rposition(|h| h.answered + gap <= i.sent)
    }

    fn extend(&mut self, until: Timestamp) {
        self.deadline = self.deadline.max(Some(until));
    }
}

fn lease_end(touch: Timestamp, timeout: SessionTimeout) -> Timestamp {
    touch + (timeout.span() - timeout.margin())
}
