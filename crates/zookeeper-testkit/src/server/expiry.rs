//! How sessions end that nobody has heard of in time: in two steps, as at ZooKeeper's leader.
//!
//! `SessionTrackerImpl.run` takes all sessions that are due at a tick out of its queue at once, and then ends them one after
//! the other, writing a line to its log for each, which may take seconds. Until its turn comes a session that was taken out
//! is served as any other: it is attached to, its client is answered, it creates ephemeral nodes. It ends all the same, since
//! no touch puts it back into the bucket that the loop is at. Such a session is condemned. Until all of them have ended no
//! others are taken out, and whoever is heard of by then is saved.

use std::time::Duration;

use super::faults::ServerFaultKind;
use super::state::State;
use super::touches::LEADER;

/// Where the leader is between the two steps.
#[derive(Debug)]
pub(super) struct Expiry {
    /// How long the second step comes after the first.
    delay: Duration,
    /// When those that were taken out end; `None` while none are.
    ends: Option<Duration>,
}

impl Expiry {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, ends: None }
    }

    /// Another leader starts from the sessions that there are: it does not know who was taken out.
    pub(super) fn restart(&mut self) {
        self.ends = None;
    }
}

impl State {
    /// When the next sessions are taken out, or those end that were; `None` where neither comes by itself.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        match self.expiry.ends {
            Some(_) if self.expiry_is_held() => None,
            Some(ends) => Some(ends),
            None => self.machine.next_expiry(),
        }
    }

    /// Takes out the sessions that are due, tick by tick, and ends those that were taken out long enough ago.
    pub(super) fn expire_overdue(&mut self, now: Duration) {
        loop {
            if let Some(ends) = self.expiry.ends {
                if ends > now || self.expiry_is_held() {
                    return;
                }
                self.expiry.ends = None;
                let condemned: Vec<_> = self.machine.condemned().collect();
                self.members[LEADER].figures.expired += condemned.len() as u64;
                condemned.into_iter().for_each(|session| self.expire(now, session));
            }
            if !self.machine.condemn(now) {
                return;
            }
            self.expiry.ends = Some(now.saturating_add(self.expiry.delay));
        }
    }

    /// Whether a fault keeps the leader from the second step.
    pub(super) fn expiry_is_held(&self) -> bool {
        self.faults.iter().any(|fault| *fault == ServerFaultKind::HoldExpiry)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::TestServer;
    use crate::server::by_hand::{Client, at, ensemble, ensemble_of, next_end};
    use crate::server::shared::Shared;
    use crate::wire::OpCode;

    /// Sessions end 3 s after they were taken out.
    fn slow() -> Arc<Shared> {
        ensemble_of(TestServer::builder().expiry_delay(at(3_000)))
    }

    fn run(shared: &Shared, now: Duration) {
        shared.change(|state, _| state.expire_overdue(now));
    }

    fn sessions(shared: &Shared) -> Vec<i64> {
        shared.read(|state| state.machine.sessions().map(|(id, ..)| id).collect())
    }

    fn condemned(shared: &Shared) -> Vec<i64> {
        shared.read(|state| state.machine.condemned().collect())
    }

    fn nodes(shared: &Shared, session: i64) -> usize {
        shared.read(|state| state.machine.tree().ephemerals().get(&session).map_or(0, |paths| paths.len()))
    }

    #[test]
    fn unless_told_otherwise_who_is_taken_out_ends_at_once() {
        let shared = ensemble();
        let mut late = Client::connect(&shared, LEADER, at(0));
        let later = Client::connect(&shared, LEADER, at(2_500));
        run(&shared, at(5_000));
        assert_eq!((late.answered(), late.session()), (None, None));
        assert_eq!((sessions(&shared), condemned(&shared)), (vec![later.session().unwrap()], vec![]));
        assert_eq!(next_end(&shared), Some(at(7_000)));
        later.ask(at(6_000), OpCode::Create);
        run(&shared, at(99_000));
        assert_eq!(
            (sessions(&shared), next_end(&shared)),
            (vec![], None),
            "ticks that were missed are made up"
        );
    }

    #[test]
    fn a_condemned_session_is_served_and_ends_all_the_same() {
        for member in [LEADER, 1] {
            let shared = slow();
            let mut cut_off = Client::connect(&shared, member, at(0));
            let session = cut_off.session().unwrap();
            run(&shared, at(4_999));
            assert_eq!((condemned(&shared), next_end(&shared)), (vec![], Some(at(5_000))));
            run(&shared, at(5_000));
            assert_eq!((condemned(&shared), next_end(&shared)), (vec![session], Some(at(8_000))));

            cut_off.ask(at(5_100), OpCode::Ping);
            assert_eq!(cut_off.answered(), Some(OpCode::Ping));
            let mut back = Client::attach(&shared, member, at(5_200), session);
            assert_eq!((cut_off.answered(), back.session()), (None, Some(session)), "it has moved");
            back.ask(at(6_000), OpCode::Create);
            assert_eq!((back.answered(), nodes(&shared, session)), (Some(OpCode::Create), 1));
            shared.change(|state, _| state.report_all(at(7_000)));
            run(&shared, at(7_999));
            assert_eq!(condemned(&shared), [session]);

            run(&shared, at(8_000));
            assert_eq!((back.answered(), back.session()), (None, None));
            assert_eq!((sessions(&shared), nodes(&shared, session)), (vec![], 0));
            assert_eq!(next_end(&shared), None);
        }
    }

    #[test]
    fn while_some_are_condemned_no_others_are() {
        let shared = slow();
        let clients = [at(0), at(0), at(1_000), at(1_000)].map(|now| Client::connect(&shared, LEADER, now));
        let ids = clients.each_ref().map(|client| client.session().unwrap());
        run(&shared, at(6_500));
        assert_eq!(condemned(&shared), ids[..2], "those of one tick");
        clients[2].ask(at(9_000), OpCode::Ping);
        run(&shared, at(9_500));
        assert_eq!(sessions(&shared), [ids[2], ids[3]], "the delay counts from when they were taken out");
        assert_eq!(condemned(&shared), [ids[3]], "which leaves the third the time to be heard of");
        assert_eq!(next_end(&shared), Some(at(12_500)));
        run(&shared, at(12_500));
        assert_eq!((sessions(&shared), next_end(&shared)), (vec![ids[2]], Some(at(14_000))));
    }

    #[test]
    fn who_closes_a_condemned_session_ends_it() {
        let shared = slow();
        let mut client = Client::connect(&shared, LEADER, at(0));
        let session = client.session().unwrap();
        client.ask(at(500), OpCode::Create);
        run(&shared, at(5_000));
        client.ask(at(5_500), OpCode::CloseSession);
        let answers = [client.answered(), client.answered(), client.answered()];
        assert_eq!(answers, [Some(OpCode::Create), Some(OpCode::CloseSession), None]);
        assert_eq!((sessions(&shared), condemned(&shared), nodes(&shared, session)), (vec![], vec![], 0));
        let zxid = shared.read(|state| state.machine.last_zxid());
        run(&shared, at(8_000));
        assert_eq!(shared.read(|state| state.machine.last_zxid()), zxid, "there is nothing to end");
    }

    #[test]
    fn a_restart_forgets_who_was_condemned() {
        let shared = slow();
        let session = Client::connect(&shared, LEADER, at(0)).session().unwrap();
        run(&shared, at(5_000));
        shared.change(|state, _| state.restart(at(6_000), None));
        assert_eq!((condemned(&shared), next_end(&shared)), (vec![], Some(at(11_000))));
        run(&shared, at(8_000));
        let back = Client::attach(&shared, LEADER, at(8_000), session);
        assert_eq!((back.session(), next_end(&shared)), (Some(session), Some(at(13_000))));
    }

    #[test]
    fn a_fault_holds_the_end_of_sessions_and_nothing_else() {
        for shared in [ensemble(), slow()] {
            let hold = ServerFaultKind::HoldExpiry;
            let client = Client::connect(&shared, LEADER, at(0));
            let session = client.session().unwrap();
            let ids = [(); 2].map(|()| shared.change(|state, _| state.begin_fault(at(1_000), &hold)));
            assert_eq!(next_end(&shared), Some(at(5_000)));
            run(&shared, at(5_000));
            assert_eq!((condemned(&shared), next_end(&shared)), (vec![session], None));
            run(&shared, at(60_000));
            shared.change(|state, _| state.end_fault(at(60_000), ids[0], &hold));
            assert_eq!(condemned(&shared), [session], "the other fault is in force");
            shared.change(|state, _| state.end_fault(at(60_000), ids[1], &hold));
            assert_eq!((sessions(&shared), client.session()), (vec![], None));
        }
    }

    #[test]
    fn a_leader_that_stands_still_ends_nobody() {
        for pause in [ServerFaultKind::Pause, ServerFaultKind::PauseLeader] {
            let shared = ensemble();
            let session = Client::connect(&shared, LEADER, at(0)).session().unwrap();
            let hold = ServerFaultKind::HoldExpiry;
            let held = shared.change(|state, _| state.begin_fault(at(0), &hold));
            run(&shared, at(5_000));
            let paused = shared.change(|state, _| state.begin_fault(at(5_500), &pause));
            shared.change(|state, _| state.end_fault(at(6_000), held, &hold));
            assert_eq!(condemned(&shared), [session], "{pause}");
            shared.change(|state, _| state.end_fault(at(7_000), paused, &pause));
            assert_eq!(sessions(&shared), [], "{pause}");
        }
    }
}
