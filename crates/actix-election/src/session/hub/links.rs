//! The thread's end of the links: who uses the session.

use std::collections::BTreeMap;

use super::super::link::{LinkId, Notice, NoticeSender};

/// Everybody who uses the session now.
#[derive(Default)]
pub(super) struct Links {
    joined: BTreeMap<LinkId, Joined>,
    /// How many of them are candidates.
    candidates: usize,
}

/// One user of the session.
struct Joined {
    notices: NoticeSender,
    candidate: bool,
}

impl Links {
    pub(super) fn join(&mut self, id: LinkId, notices: NoticeSender) {
        self.joined.insert(id, Joined { notices, candidate: false });
    }

    pub(super) fn part(&mut self, id: LinkId) {
        let was = self.joined.remove(&id).is_some_and(|joined| joined.candidate);
        self.candidates -= usize::from(was);
    }

    /// Whether this user needs a lease from now on; nothing changes for one that has parted.
    pub(super) fn set_candidate(&mut self, id: LinkId, candidate: bool) {
        let Some(joined) = self.joined.get_mut(&id) else { return };
        let was = std::mem::replace(&mut joined.candidate, candidate);
        self.candidates = self.candidates + usize::from(candidate) - usize::from(was);
    }

    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    /// Where this user is notified.
    pub(super) fn notices(&self, id: LinkId) -> Option<&NoticeSender> {
        self.joined.get(&id).map(|joined| &joined.notices)
    }

    pub(super) fn notify_all(&self, notice: &Notice) {
        for joined in self.joined.values() {
            // One that does not listen any more parts in its own time.
            let _ = joined.notices.unbounded_send(notice.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::link::notice_channel;
    use super::*;

    #[test]
    fn candidates_are_counted_once_each() {
        let (one, other) = (LinkId(1), LinkId(2));
        let mut links = Links::default();
        links.set_candidate(one, true);
        assert_eq!(links.candidates(), 0, "of one who never came");
        links.join(one, notice_channel().0);
        links.join(other, notice_channel().0);
        links.set_candidate(one, true);
        links.set_candidate(one, true);
        links.set_candidate(other, true);
        assert_eq!(links.candidates(), 2);
        links.set_candidate(other, false);
        links.part(other);
        assert_eq!(links.candidates(), 1);
        links.part(one);
        links.part(one);
        assert_eq!(links.candidates(), 0);
    }
}
