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

/// The end of the lease, computed anew from the whole history of the session, in O(n^4). The first connection created it.
#[derive(Default)]
struct Reference {
    connections: Vec<Connection>,
}

impl Reference {
    fn attach(&mut self, attached: Timestamp, timeout: SessionTimeout) {
        self.connections.push(Connection { attached, timeout, probes: Vec::new() });
    }

    fn end(&self) -> Timestamp {
        let mut t = self.connections[0].timeout.span();
        let mut end = self.connections[0].attached + t * 49 / 50;
        for (number, connection) in self.connections.iter().enumerate() {
            if connection.timeout.span() < t {
                t = connection.timeout.span();
                end = end.min(connection.attached + t * 49 / 50);
            }
            for (j, (_, answered_j)) in connection.probes.iter().enumerate() {
                // The chain: whatever is proven later than the end proves nothing.
                if *answered_j < end {
                    let touches = proven_touches(&connection.probes[..=j], t);
                    let attached = Some(connection.attached).filter(|_| number > 0);
                    let proven = touches.into_iter().chain(attached).map(|sent| sent + t * 49 / 50);
                    end = proven.max().map_or(end, |proven| proven.max(end));
                }
            }
        }
        end
    }
}

/// When each h was sent that these probes prove, T being the smallest timeout so far.
fn proven_touches(probes: &[(Timestamp, Timestamp)], t: Duration) -> Vec<Timestamp> {
    let mut touches = Vec::new();
    for (sent_h, answered_h) in probes {
        for (i, (sent_i, answered_i)) in probes.iter().enumerate() {
            for (sent_j, _) in &probes[i + 1..] {
                if *sent_i >= *answered_h + t / 4 + t / 50 && sent_j >= answered_i {
                    touches.push(*sent_h);
                }
            }
        }
    }
    touches
}

/// The clock and the reference, and the probes under way.
struct Both {
    clock: LeaseClock,
    reference: Reference,
    now: u64,
    attached: bool,
    under_way: std::collections::VecDeque<Timestamp>,
}

impl Both {
    /// A session that was created just now.
    fn new(timeout: u64) -> Self {
        let timeout = SessionTimeout::new(millis(timeout));
        let mut reference = Reference::default();
        reference.attach(START, timeout);
        Both {
            clock: LeaseClock::created(START, timeout),
            reference,
            now: 0,
            attached: true,
            under_way: std::collections::VecDeque::new(),
        }
    }

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
                let shorter = self.reference.connections.iter().all(|before| timeout < before.timeout);
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
    prop::collection::vec(event(), 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_clock_follows_the_rule(events in history()) {
        let mut both = Both::new(2000);
        for event in events {
            both.happen(event);
            prop_assert_eq!(both.clock.end(), both.reference.end(), "after {:?}", event);
        }
    }

    #[test]
    fn the_lease_goes_back_only_where_a_server_grants_less(events in history()) {
        let mut both = Both::new(2000);
        for event in events {
            let before = both.clock.end();
            let shorter = both.happen(event);
            prop_assert!(shorter || both.clock.end() >= before, "after {:?}", event);
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
    let mut clock = LeaseClock::created(START, SessionTimeout::new(millis(10_000)));
    let mut least = u64::MAX;
    for (probe, trip) in trips.iter().enumerate() {
        let sent = START + millis(probe as u64 * 1_000);
        let answered = sent + millis(*trip);
        if probe > 10 {
            // The moment before this answer is the worst.
            least = least.min(clock.end().since(answered).as_millis() as u64);
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

/// A session of 10 s: created at second 0, with probes of no length at these seconds.
fn probed(seconds: impl IntoIterator<Item = f64>) -> LeaseClock {
    let mut clock = LeaseClock::created(START, SessionTimeout::new(millis(10_000)));
    for second in seconds {
        clock.probe_answered(at(second), at(second));
    }
    clock
}

fn at(second: f64) -> Timestamp {
    START + Duration::from_secs_f64(second)
}

#[test]
fn the_lease_begins_with_the_creation_even_before_a_probe_is_back() {
    assert_eq!(probed([]).end(), at(9.8));
    // An attach that is proven before that continues the chain, one that is proven later does not begin another.
    for (proven, end) in [(9.79, 17.8), (9.8, 9.8), (9.9, 9.8)] {
        let mut clock = probed([]);
        clock.attached(at(8.0), SessionTimeout::new(millis(10_000)));
        clock.probe_answered(at(8.1), at(proven));
        assert_eq!(clock.end(), at(end), "proven at {proven}");
    }
}

#[test]
fn a_proof_counts_by_when_its_last_answer_was_read() {
    // h at 2 and i at 5 are back in time; j is sent in time, before the lease ends at 9.8.
    for (answered, end) in [(9.79, 11.8), (9.8, 9.8), (12.0, 9.8)] {
        let mut clock = probed([2.0, 5.0]);
        clock.probe_answered(at(9.0), at(answered));
        assert_eq!(clock.end(), at(end), "j was answered at {answered}");
    }
}

#[test]
fn once_it_has_ended_nothing_brings_it_back() {
    let mut clock = probed([9.9]);
    for second in 10..100 {
        clock.probe_answered(at(f64::from(second)), at(f64::from(second)));
    }
    clock.attached(at(100.0), SessionTimeout::new(millis(10_000)));
    clock.probe_answered(at(100.0), at(100.0));
    assert_eq!(clock.end(), at(9.8));
}

#[test]
fn the_smallest_timeout_that_was_granted_counts() {
    // The creation's is what a leader goes by that makes its table anew.
    let mut clock = LeaseClock::created(START, SessionTimeout::new(millis(4_000)));
    clock.attached(at(1.0), SessionTimeout::new(millis(20_000)));
    clock.probe_answered(at(1.0), at(1.0));
    assert_eq!((clock.end(), clock.timeout().span()), (at(4.92), millis(4_000)));
    // One that was granted in between is no longer in force at the ensemble, but nobody knows since when.
    clock.attached(at(2.0), SessionTimeout::new(millis(2_000)));
    clock.attached(at(2.1), SessionTimeout::new(millis(4_000)));
    clock.probe_answered(at(2.1), at(2.1));
    assert_eq!((clock.end(), clock.timeout().span()), (at(4.06), millis(2_000)));
}

#[test]
fn what_a_connection_that_is_gone_has_shown_proves_nothing() {
    // Neither its attach, nor an h and an i of it.
    let mut clock = probed([2.0, 5.0]);
    clock.detached();
    clock.probe_answered(at(6.0), at(6.0));
    assert_eq!(clock.end(), at(9.8));
    clock.attached(at(7.0), SessionTimeout::new(millis(10_000)));
    clock.detached();
    clock.probe_answered(at(8.0), at(8.0));
    assert_eq!(clock.end(), at(9.8));
}

#[test]
fn a_forfeited_lease_is_over() {
    let mut clock = probed([1.0]);
    clock.forfeit(at(2.0));
    clock.probe_answered(at(4.0), at(4.0));
    clock.probe_answered(at(5.0), at(5.0));
    assert_eq!(clock.end(), at(2.0));
}
