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
//! leader has heard of a touch not older than `sent_h`.
//!
//! An attach touches the session at the leader itself. It counts as an h at the moment its request was sent,
//! once a probe after it has come back.
//!
//! # A lease is a chain
//!
//! A touch that the leader hears of extends the session's life by T, *unless the session's bucket has already been
//! taken out* of its expiry queue: then the session is closed as soon as the leader's loop comes to it, which can take
//! seconds, and until then it is touched and served as if it lived. No answer tells such a session from one
//! that lives. So a proof counts only if the leader heard of the touch while the lease before it was in force:
//!
//! - The lease begins with the creation of the session, which no bucket can precede: `sent_create + T - T/50`.
//! - A proof extends it to `sent_h + T - T/50`, if the clock, read after the last answer was read, is still before the
//!   end in force. When the last probe was *sent* says nothing: its answer may have waited behind a bucket.
//! - Once the end has passed the session never has a lease again.
//!
//! T is the smallest timeout that was granted to the session, its creation included: a leader that makes its table of
//! sessions anew goes by the timeout of the creation, and not by what was granted since.

use std::collections::VecDeque;

use crate::{SessionTimeout, Timestamp};

/// Computes the end of the lease of one session from its creation, its attaches and its probes.
///
/// Times are those of the client: take `sent` before the request is written and `answered` after its reply was
/// read. Any delay between the two readings and the wire then only shortens the lease.
///
/// ```
/// use std::time::Duration;
/// use actix_election_core::{LeaseClock, SessionTimeout, Timestamp};
///
/// let second = |s: u64| Timestamp::from_nanos(s * 1_000_000_000);
/// let mut clock = LeaseClock::created(second(100), SessionTimeout::new(Duration::from_secs(10)));
/// assert_eq!(clock.end(), second(100) + Duration::from_millis(9_800));
///
/// // Attached to another server at second 105, as the first probe there shows in time.
/// clock.attached(second(105), SessionTimeout::new(Duration::from_secs(10)));
/// clock.probe_answered(second(106), second(107));
/// assert_eq!(clock.end(), second(105) + Duration::from_millis(9_800));
///
/// // And once more, but too late: the session may have been about to end by then.
/// clock.attached(second(114), SessionTimeout::new(Duration::from_secs(10)));
/// clock.probe_answered(second(114), second(115));
/// assert_eq!(clock.end(), second(105) + Duration::from_millis(9_800));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LeaseClock {
    /// The smallest that was granted.
    timeout: SessionTimeout,
    end: Timestamp,
    /// When the present connection's ConnectRequest was sent, until a probe proves the attach.
    unproven_attach: Option<Timestamp>,
    /// Answered probes of the present connection, oldest first, from the last one that served as h.
    probes: VecDeque<Probe>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Probe {
    sent: Timestamp,
    answered: Timestamp,
}

impl LeaseClock {
    /// The clock of a session that a server created with this `timeout`, over a connection whose ConnectRequest was sent
    /// at `sent`.
    pub fn created(sent: Timestamp, timeout: SessionTimeout) -> Self {
        let end = lease_end(sent, timeout);
        LeaseClock { timeout, end, unproven_attach: None, probes: VecDeque::new() }
    }

    /// The session was attached over a new connection, whose ConnectRequest was sent at `sent`, and the server
    /// granted `timeout`.
    ///
    /// What was gathered on earlier connections proves nothing on this one: another follower, another channel.
    /// The end stays, unless the server granted less than any before: the attach then *brought forward* the
    /// expiry, and the end moves to where the new timeout puts it.
    pub fn attached(&mut self, sent: Timestamp, timeout: SessionTimeout) {
        self.unproven_attach = Some(sent);
        self.probes.clear();
        if timeout < self.timeout {
            self.timeout = timeout;
            self.end = self.end.min(lease_end(sent, timeout));
        }
    }

    /// The connection is gone: answers that belong to it no longer count.
    pub fn detached(&mut self) {
        self.unproven_attach = None;
        self.probes.clear();
    }

    /// A probe of the present connection, sent at `sent`, came back with just the error that is expected of it. The clock
    /// showed `answered` after its reply was read. Probes are reported in the order in which they were sent.
    pub fn probe_answered(&mut self, sent: Timestamp, answered: Timestamp) {
        if answered >= self.end {
            return;
        }
        if let Some(attach) = self.unproven_attach.take() {
            self.extend(attach);
        }
        self.probes.push_back(Probe { sent, answered });
        if let Some(index) = self.newest_proven() {
            self.extend(self.probes[index].sent);
            // Nothing older can ever prove more.
            self.probes.drain(..index);
        }
    }

    /// The clock is not to be trusted any more: the lease ends now.
    pub fn forfeit(&mut self, now: Timestamp) {
        self.end = self.end.min(now);
    }

    /// The moment at which the lease ends. Once that has passed it never moves again.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The smallest timeout that was granted to the session.
    pub fn timeout(&self) -> SessionTimeout {
        self.timeout
    }

    /// The index of h, given that the newest probe is j: first the newest i that j confirms, then the newest h
    /// that this i proves. A newer i never proves an older h, so looking no further is enough.
    fn newest_proven(&self) -> Option<usize> {
        let j = self.probes.back()?;
        let i = self.probes.iter().rev().skip(1).find(|i| i.answered <= j.sent)?;
        let gap = self.timeout.proof_gap();
        self.probes.iter().rposition(|h| h.answered + gap <= i.sent)
    }

    fn extend(&mut self, touch: Timestamp) {
        self.end = self.end.max(lease_end(touch, self.timeout));
    }
}

fn lease_end(touch: Timestamp, timeout: SessionTimeout) -> Timestamp {
    touch + (timeout.span() - timeout.margin())
}
