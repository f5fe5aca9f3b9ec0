//! `LeaseClock` against the rule as it is written down, read literally, and what the rule promises.

use std::time::Duration;

use actix_election_core::{LeaseClock, SessionTimeout, Timestamp};
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Something that happens to a session, so many milliseconds after what happened before.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Attached; the ConnectRequest was sent so much earlier, and the server granted so many milliseconds.
    Attach {
        after: u64,
        ago: u64,
        timeout: u64,
    },
    Detach {
        after: u64,
    },
    /// A probe is sent. It does not wait for the ones before it.
    Send {
        after: u64,
    },
    /// The oldest probe under way comes back.
    Answer {
        after: u64,
    },
}

/// A connection as the reference keeps it: everything, for ever.
struct Connection {
    attached: Timestamp,
    timeout: SessionTimeout,
    /// When each answered probe was sent and answered.
    probes: Vec<(Timestamp, Timestamp)>,
}

/// The end of the lease, computed anew from the whole history of the session, in O(n^3).
#[derive(Default)]
struct Reference {
    connections: Vec<Connection>,
    /// Where an attach cut the lease: whatever was proven before ends here at the latest.
    cut: Option<Timestamp>,
    /// How many connections there were at the last cut.
    before_cut: usize,
}

impl Reference {
    fn attach(&mut self, sent: Timestamp, timeout: SessionTimeout) {
        if self.connections.last().is_some_and(|last| timeout < last.timeout) {
            let so_far = self.deadline();
            self.cut = so_far.map(|deadline| deadline.min(sent + timeout.span() * 49 / 50));
            self.before_cut = self.connections.len();
        }
        self.connections.push(Connection { attached: sent, timeout, probes: Vec::new() });
    }

    fn deadline(&self) -> Option<Timestamp> {
        let proven = self.connections[self.before_cut..].iter().flat_map(proven_touches);
        proven.max().max(self.cut)
    }
}

/// The lease that each proven touch of a connection gives.
fn proven_touches(connection: &Connection) -> Vec<Timestamp> {
    let t = connection.timeout.span();
    let mut touches = Vec::new();
    if !connection.probes.is_empty() {
        touches.push(connection.attached);
    }
    for (sent_h, answered_h) in &connection.probes {
        for (sent_i, answered_i) in &connection.probes {
            for (sent_j, _) in &connection.probes {
                if *sent_i >= *answered_h + t / 4 + t / 50 && sent_j >= answered_i {
                    touches.push(*sent_h);
                }
            }
        }
    }
    touches.into_iter().map(|sent| sent + t * 49 / 50).collect()
}

/// The clock and the reference, and the probes under way.
#[derive(Default)]
struct Both {
    clock: LeaseClock,
    reference: Reference,
    now: u64,
    attached: bool,
    under_way: std::collections::VecDeque<Timestamp>,
}

impl Both {
    /// Returns whether this event may move the lease back.
    fn happen(&mut self, event: Event) -> bool {
        let (Event::Attach { after, .. }
        | Event::Detach { after }
        | Event::Send { after }
        | Event::Answer { after }) = event;
        self.now += after;
        let now = START + millis(self.now);
        match event {
            Event::Attach { ago, timeout, .. } => {
                let timeout = SessionTimeout::new(millis(timeout));
                let shorter = self.reference.connections.last().is_some_and(|last| timeout < last.timeout);
                self.clock.attached(now - millis(ago), timeout);
                self.reference.attach(now - millis(ago), timeout);
                self.attached = true;
                self.under_way.clear();
                return shorter;
            }
            Event::Detach { .. } => {
                self.clock.detached();
                self.attached = false;
                self.under_way.clear();
            }
            Event::Send { .. } if self.attached => self.under_way.push_back(now),
            Event::Answer { .. } => {
                if let Some(sent) = self.under_way.pop_front() {
                    self.clock.probe_answered(sent, now);
                    if let Some(connection) = self.reference.connections.last_mut() {
                        connection.probes.push((sent, now));
                    }
                }
            }
            Event::Send { .. } => {}
        }
        false
    }
}

fn event() -> impl Strategy<Value = Event> {
    // Mostly probes, at the rhythm of T/10 or faster; the exact quarter is hit often enough by round numbers.
    let pause = || prop_oneof![Just(0u64), Just(270), Just(540), 1..400u64, 1..2000u64];
    prop_oneof![
        1 => (pause(), 0..300u64, prop_oneof![Just(1000u64), Just(2000), Just(4000)])
            .prop_map(|(after, ago, timeout)| Event::Attach { after, ago, timeout }),
        1 => pause().prop_map(|after| Event::Detach { after }),
        12 => pause().prop_map(|after| Event::Send { after }),
        12 => pause().prop_map(|after| Event::Answer { after }),
    ]
}

fn history() -> impl Strategy<Value = Vec<Event>> {
    let attach = Event::Attach { after: 0, ago: 0, timeout: 2000 };
    prop::collection::vec(event(), 1..50).prop_map(move |mut events| {
        events.insert(0, attach);
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_clock_follows_the_rule(events in history()) {
        let mut both = Both::default();
        for event in events {
            both.happen(event);
            prop_assert_eq!(both.clock.deadline(), both.reference.deadline(), "after {:?}", event);
        }
    }

    #[test]
    fn the_lease_goes_back_only_where_a_server_grants_less(events in history()) {
        let mut both = Both::default();
        for event in events {
            let before = both.clock.deadline();
            let shorter = both.happen(event);
            prop_assert!(shorter || both.clock.deadline() >= before, "after {:?}", event);
        }
    }

    /// A probe every T/10 that takes up to 3 % of T leaves 0.4 T at any time. (A slower network costs one more
    /// period: see the next property.)
    #[test]
    fn in_steady_state_two_fifths_of_t_remain(trips in prop::collection::vec(1..=300u64, 30..80)) {
        prop_assert!(least_remaining(&trips) >= 4_000);
    }

    /// Up to T/20, a third of T remains: enough to lead, and more than the notice and a silent server take.
    #[test]
    fn on_a_slow_network_a_third_of_t_remains(trips in prop::collection::vec(1..500u64, 30..80)) {
        prop_assert!(least_remaining(&trips) >= 3_300);
    }
}

/// The least of the lease, in milliseconds, that ever remained once the first proofs were in, with T = 10 s, a
/// probe every T/10 and these round trips.
fn least_remaining(trips: &[u64]) -> u64 {
    let mut clock = LeaseClock::new();
    clock.attached(START, SessionTimeout::new(millis(10_000)));
    let mut least = u64::MAX;
    for (probe, trip) in trips.iter().enumerate() {
        let sent = START + millis(probe as u64 * 1_000);
        let answered = sent + millis(*trip);
        if probe > 10
            && let Some(deadline) = clock.deadline()
        {
            // The moment before this answer is the worst.
            least = least.min(deadline.since(answered).as_millis() as u64);
        }
        clock.probe_answered(sent, answered);
    }
    least
}

#[test]
fn the_bounds_on_what_remains_are_tight() {
    // Otherwise the two properties above would promise less than there is.
    assert_eq!(least_remaining(&[300; 40]), 4_500);
    assert_eq!(least_remaining(&[499; 40]), 3_301);
}
