//! One look at all elections of a thread, ten times a second.
//!
//! actix tells nobody when a role actor dies, and a timer does not count the time that the machine spends suspended: so
//! somebody has to look. A timer for each of ten thousand elections would cost more than all that they do.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use actix::WeakAddr;
use actix::prelude::*;
use actix_election_core::Timestamp;

use super::Election;
use super::roles::RoleActors;
use crate::clock::Clock;

/// How often it is looked whether roles live, and whether a timer has slept through a suspend.
const LIVENESS_CHECK: Duration = Duration::from_millis(100);

/// What there is to look at in an election.
pub(super) struct Pulse {
    pub(super) clock: Clock,
    pub(super) roles: RefCell<RoleActors>,
    /// When the core wants to be woken.
    pub(super) due: Cell<Option<Timestamp>>,
}

/// Something wants to be seen to.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct SeeTo;

type Watched = (Weak<Pulse>, WeakAddr<Election>);

thread_local! {
    /// The elections of this thread; `None` while nobody looks at them.
    static WATCHED: RefCell<Option<Vec<Watched>>> = const { RefCell::new(None) };
}

/// How long an election waits before it looks whether anybody still holds its address: from 100 ms, where there are few,
/// to 1 s, where there are a thousand and more.
pub(super) fn handle_check() -> Duration {
    let crowd = WATCHED.with_borrow(|watched| watched.as_ref().map_or(0, Vec::len));
    LIVENESS_CHECK * u32::try_from(crowd / 100).unwrap_or(u32::MAX).clamp(1, 10)
}

/// Has an election looked at from now on, for as long as its pulse is there.
pub(super) fn watch(pulse: &Rc<Pulse>, election: WeakAddr<Election>) {
    let looked_at = WATCHED.with_borrow_mut(|watched| {
        let looked_at = watched.is_some();
        watched.get_or_insert_default().push((Rc::downgrade(pulse), election));
        looked_at
    });
    if !looked_at {
        actix::spawn(look_after_all());
    }
}

async fn look_after_all() {
    // Also where the runtime ends before the elections do: the next one of this thread looks again.
    let _end = End;
    let mut times = tokio::time::interval(LIVENESS_CHECK);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while WATCHED.with_borrow_mut(look) {
        times.tick().await;
    }
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        WATCHED.set(None);
    }
}

/// Looks at all of them; says whether there are any.
fn look(watched: &mut Option<Vec<Watched>>) -> bool {
    let Some(watched) = watched else { return false };
    watched.retain(|(pulse, election)| {
        let Some(pulse) = pulse.upgrade() else { return false };
        let overdue = pulse.due.get().is_some_and(|at| pulse.clock.now() >= at);
        if (overdue || pulse.roles.borrow().any_dead())
            && let Some(election) = election.upgrade()
        {
            election.do_send(SeeTo);
        }
        true
    });
    !watched.is_empty()
}
