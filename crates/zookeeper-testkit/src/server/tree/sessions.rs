//! Which sessions live, and until when.

use std::collections::BTreeMap;
use std::time::Duration;

/// The tick, and what session timeouts it admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The tick. Sessions expire at its multiples.
    pub tick: Duration,
    /// The shortest session timeout granted.
    pub min_session_timeout: Duration,
    /// The longest session timeout granted.
    pub max_session_timeout: Duration,
}

impl Timing {
    /// Session timeouts from 2 to 20 ticks, as ZooKeeper has them unless told otherwise. A tick has at least 1 ms.
    pub fn with_tick(tick: Duration) -> Self {
        let tick = tick.max(Duration::from_millis(1));
        Self { tick, min_session_timeout: 2 * tick, max_session_timeout: 20 * tick }
    }

    /// The timeout granted to one who wishes for `wished`.
    pub fn grant(&self, wished: Duration) -> Duration {
        wished.min(self.max_session_timeout).max(self.min_session_timeout)
    }

    /// When a session touched at `now` expires: the first tick that is later than its timeout.
    fn expiry(&self, now: Duration, timeout: Duration) -> Duration {
        let tick = self.tick.as_millis().max(1);
        let due = ((now + timeout).as_millis() / tick + 1) * tick;
        Duration::from_millis(u64::try_from(due).unwrap_or(u64::MAX))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) password: Vec<u8>,
    /// What was granted when it was opened, which is what counts after a restart.
    pub(super) opened_with: Duration,
    timeout: Duration,
    expires: Duration,
    /// Taken out to be ended, which no touch undoes.
    condemned: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Sessions {
    timing: Timing,
    pub(super) by_id: BTreeMap<i64, Session>,
    /// The highest id there ever was.
    pub(super) highest: i64,
}

impl Sessions {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, by_id: BTreeMap::new(), highest: 0 }
    }

    pub(super) fn timing(&self) -> Timing {
        self.timing
    }

    pub(super) fn open(&mut self, now: Duration, id: i64, password: Vec<u8>, timeout: Duration) {
        let expires = self.timing.expiry(now, timeout);
        let session = Session { password, opened_with: timeout, timeout, expires, condemned: false };
        self.by_id.insert(id, session);
        self.highest = self.highest.max(id);
    }

    pub(super) fn close(&mut self, id: i64) -> bool {
        self.by_id.remove(&id).is_some()
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn has_password(&self, id: i64, password: &[u8]) -> bool {
        self.by_id.get(&id).is_some_and(|session| session.password == password)
    }

    pub(super) fn touch(&mut self, now: Duration, id: i64) -> bool {
        let Some(session) = self.by_id.get_mut(&id) else { return false };
        // A touch never brings the end nearer, unless the timeout itself has become shorter.
        session.expires = self.timing.expiry(now, session.timeout);
        true
    }

    pub(super) fn set_timeout(&mut self, id: i64, timeout: Duration) {
        if let Some(session) = self.by_id.get_mut(&id) {
            session.timeout = timeout;
        }
    }

    pub(super) fn restart(&mut self, now: Duration) {
        for session in self.by_id.values_mut() {
            session.timeout = session.opened_with;
            session.expires = self.timing.expiry(now, session.timeout);
            session.condemned = false;
        }
    }

    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.queued().map(|(_, session)| session.expires).min()
    }

    /// Those whose time is up, the longest dead first.
    pub(super) fn overdue(&self, now: Duration) -> Vec<i64> {
        let mut overdue: Vec<_> = self.queued().filter(|(_, session)| session.expires <= now).collect();
        overdue.sort_by_key(|(id, session)| (session.expires, **id));
        overdue.into_iter().map(|(id, _)| *id).collect()
    }

    /// Takes out those of the first tick whose time is up. Says whether there are any.
    pub(super) fn condemn(&mut self, now: Duration) -> bool {
        let Some(tick) = self.next_expiry().filter(|tick| *tick <= now) else { return false };
        let due = self.by_id.values_mut().filter(|session| !session.condemned && session.expires == tick);
        due.for_each(|session| session.condemned = true);
        true
    }

    pub(super) fn condemned(&self) -> impl Iterator<Item = i64> {
        self.by_id.iter().filter(|(_, session)| session.condemned).map(|(id, _)| *id)
    }

    /// Those that a touch still saves.
    fn queued(&self) -> impl Iterator<Item = (&i64, &Session)> {
        self.by_id.iter().filter(|(_, session)| !session.condemned)
    }

    /// Id, timeout and expiry of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, Duration, Duration)> {
        self.by_id.iter().map(|(id, session)| (*id, session.timeout, session.expires))
    }
}
