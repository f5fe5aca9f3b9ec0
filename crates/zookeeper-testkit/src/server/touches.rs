//! When the leader hears that a session's client is there.
//!
//! The leader, which is the first member, hears of its own clients at once. The others tell it whom they have heard of
//! when it pings them, every half tick, and a session's timeout counts from then. Opening a session and attaching to one
//! reach it at once. Writes reach it, too, but it does not take them for a sign of life.

use std::collections::BTreeSet;
use std::time::Duration;

use super::faults::MemberId;
use super::state::State;

/// The member that leads, unless it is cut off.
pub(super) const LEADER: MemberId = 0;

/// Whose clients a member has heard of since the leader last asked it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    sessions: BTreeSet<i64>,
    /// When the leader asks next; `None` where there is nothing to tell.
    due: Option<Duration>,
}

impl State {
    /// A session's client is heard of. Says whether the session lives as far as the member knows.
    pub(super) fn touch(&mut self, now: Duration, member: MemberId, session: i64) -> bool {
        let cut_off = self.is_cut_off(member);
        if member == LEADER && !cut_off {
            return self.machine.touch(now, session);
        }
        let next = next_ping(now, self.machine.timing().tick);
        let touched = &mut self.members[member].touched;
        touched.sessions.insert(session);
        touched.due.get_or_insert(next);
        cut_off || self.machine.has_session(session)
    }

    /// When the next member tells the leader whom it has heard of.
    pub(super) fn next_report(&self) -> Option<Duration> {
        let reachable = (0..self.members.len()).filter(|member| !self.is_cut_off(*member));
        reachable.filter_map(|member| self.members[member].touched.due).min()
    }

    /// The leader hears what is due by now.
    pub(super) fn report_due(&mut self, now: Duration) {
        self.report(now, |due| due <= now);
    }

    /// The leader hears from all that it reaches.
    pub(super) fn report_all(&mut self, now: Duration) {
        self.report(now, |_| true);
    }

    fn report(&mut self, now: Duration, is_due: impl Fn(Duration) -> bool) {
        for member in 0..self.members.len() {
            let due = self.members[member].touched.due;
            if due.is_some_and(&is_due) && !self.is_cut_off(member) {
                let touched = std::mem::take(&mut self.members[member].touched);
                for session in touched.sessions {
                    self.machine.touch(now, session);
                }
            }
        }
    }
}

/// The leader pings twice a tick.
fn next_ping(now: Duration, tick: Duration) -> Duration {
    let half = (tick / 2).as_nanos().max(1);
    let next = (now.as_nanos() / half + 1) * half;
    Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::by_hand::{Client, at, ensemble, next_end};
    use crate::server::faults::ServerFaultKind;
    use crate::wire::OpCode;

    #[test]
    fn the_leader_hears_of_its_own_clients_at_once() {
        let shared = ensemble();
        let client = Client::connect(&shared, LEADER, at(0));
        assert_eq!(next_end(&shared), Some(at(5_000)));
        client.ask(at(1_200), OpCode::Ping);
        assert_eq!(next_end(&shared), Some(at(6_000)));
        assert_eq!(shared.read(State::next_report), None);
    }

    #[test]
    fn the_leader_hears_of_others_when_it_asks() {
        let shared = ensemble();
        let client = Client::connect(&shared, 1, at(0));
        for op in [OpCode::Ping, OpCode::Create] {
            client.ask(at(700), op);
            assert_eq!(next_end(&shared), Some(at(5_000)), "{op}");
        }
        assert_eq!(shared.read(State::next_report), Some(at(1_000)));
        shared.change(|state, _| state.report_due(at(999)));
        assert_eq!(next_end(&shared), Some(at(5_000)));
        shared.change(|state, _| state.report_due(at(1_000)));
        assert_eq!(next_end(&shared), Some(at(6_000)), "the timeout counts from when it hears");
        assert_eq!(shared.read(State::next_report), None);
        client.ask(at(1_000), OpCode::Ping);
        assert_eq!(shared.read(State::next_report), Some(at(1_500)));
    }

    #[test]
    fn the_leader_hears_of_who_attaches_at_once() {
        let shared = ensemble();
        let client = Client::connect(&shared, 1, at(0));
        let _back = Client::attach(&shared, 1, at(1_200), client.session().unwrap());
        assert_eq!(next_end(&shared), Some(at(6_000)));
    }

    #[test]
    fn what_was_not_reported_before_a_cut_does_not_count() {
        for fault in [ServerFaultKind::Isolate(1), ServerFaultKind::PauseLeader] {
            let shared = ensemble();
            let client = Client::connect(&shared, 1, at(0));
            client.ask(at(1_200), OpCode::Ping);
            let id = shared.change(|state, _| state.begin_fault(at(1_250), &fault));
            client.ask(at(1_300), OpCode::Ping);
            shared.change(|state, _| state.report_due(at(4_000)));
            assert_eq!(next_end(&shared), Some(at(5_000)), "{fault}");
            assert_eq!(shared.read(State::next_report), None, "nobody asks");
            shared.change(|state, _| state.end_fault(at(4_000), id, &fault));
            assert_eq!(next_end(&shared), Some(at(9_000)), "all is told now: {fault}");
            assert_eq!(shared.read(State::next_report), None);
        }
    }
}
