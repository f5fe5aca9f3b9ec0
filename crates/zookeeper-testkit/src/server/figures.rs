//! What a member counts for those who monitor it. All of it begins anew with a restart.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Figures {
    /// When it began to count.
    pub(super) since: Duration,
    pub(super) received: u64,
    pub(super) received_bytes: u64,
    pub(super) sent: u64,
    /// From a request's coming to its being answered, in milliseconds.
    pub(super) latency: Spread,
    /// The bytes of replies.
    pub(super) reply: Spread,
    /// Handshakes, whatever came of them.
    pub(super) handshakes: u64,
    /// Connections that were closed since their address had too many.
    pub(super) rejected: u64,
    /// Connections that were closed since they opened no session.
    pub(super) sessionless: u64,
    /// Sessions that ended since nobody was heard of.
    pub(super) expired: u64,
}

impl Figures {
    pub(super) fn starting(now: Duration) -> Self {
        Self { since: now, ..Self::default() }
    }
}

/// The least, the most, the last and the mean of what was measured.
#[derive(Debug, Default)]
pub(super) struct Spread {
    count: u64,
    total: u64,
    least: u64,
    most: u64,
    last: u64,
}

impl Spread {
    pub(super) fn add(&mut self, value: u64) {
        self.least = if self.count == 0 { value } else { self.least.min(value) };
        self.most = self.most.max(value);
        self.last = value;
        self.total = self.total.saturating_add(value);
        self.count += 1;
    }

    pub(super) fn least(&self) -> u64 {
        self.least
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// -1 where there was none yet.
    pub(super) fn sizes(&self) -> [i128; 3] {
        [self.last, self.least, self.most].map(|size| if self.count == 0 { -1 } else { i128::from(size) })
    }

    /// As Java writes it, with four digits at most.
    #[allow(clippy::cast_precision_loss, reason = "a mean for people to look at")]
    pub(super) fn mean(&self) -> String {
        let mean = self.total as f64 / self.count.max(1) as f64;
        format!("{:?}", (mean * 10_000.0).round() / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::by_hand::{Client, at, ensemble};
    use crate::server::faults::ServerFaultKind;
    use crate::server::touches::LEADER;
    use crate::wire::OpCode;

    #[test]
    fn what_is_kept_waiting_shows_as_latency() {
        let shared = ensemble();
        let client = Client::connect(&shared, 1, at(0));
        client.ask(at(100), OpCode::Ping);
        let pause = ServerFaultKind::PauseLeader;
        let paused = shared.change(|state, _| state.begin_fault(at(200), &pause));
        client.ask(at(300), OpCode::Create);
        client.ask(at(1_100), OpCode::Ping);
        shared.change(|state, _| state.end_fault(at(2_300), paused, &pause));
        let latency = |member: usize| {
            shared.read(|state| {
                let latency = &state.members[member].figures.latency;
                (latency.least(), latency.mean(), latency.most())
            })
        };
        assert_eq!(latency(1), (0, "1066.6667".to_owned(), 2_000), "what is behind it is told later, too");
        assert_eq!(latency(LEADER), (0, "0.0".to_owned(), 0), "it is the member's own");
        shared.change(|state, _| state.expire_overdue(at(60_000)));
        let expired = |member: usize| shared.read(|state| state.members[member].figures.expired);
        assert_eq!((expired(LEADER), expired(1)), (1, 0), "it is the leader that ends sessions");
    }

    #[test]
    fn least_most_last_and_mean() {
        let mut spread = Spread::default();
        assert_eq!((spread.mean(), spread.least(), spread.most()), ("0.0".to_owned(), 0, 0));
        assert_eq!(spread.sizes(), [-1; 3]);
        for value in [5, 9, 2, 3, 3, 3, 3] {
            spread.add(value);
        }
        assert_eq!((spread.mean(), spread.least(), spread.most()), ("4.0".to_owned(), 2, 9));
        assert_eq!(spread.sizes(), [3, 2, 9]);
        spread.add(4);
        spread.add(4);
        assert_eq!(spread.mean(), "4.0");
        spread.add(5);
        spread.add(6);
        spread.add(0);
        assert_eq!(spread.mean(), "3.9167");
    }
}
