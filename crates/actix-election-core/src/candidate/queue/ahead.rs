//! Those who stand before us, as they are read.

use super::own::{Own, Place};
use super::step::Step;
use super::{Master, Queue, TroubleKind};
use crate::{OpId, Timestamp, Znode};

impl Queue {
    /// Who stands right behind the head watches it; whoever stands further back does not, unless somebody observes.
    pub(in super::super) fn is_current(&self) -> bool {
        let in_view = |own: &Own| match &own.place {
            Place::Head => own.seen && !own.retired,
            Place::Behind(ahead) => {
                let leads = !ahead.predecessor.starts_with(&self.prefix) && self.trouble.is_none();
                ahead.count == 1 && ahead.armed.is_some() && leads
            }
            Place::Unknown(_) => false,
        };
        self.session.is_some() && (self.own.as_ref().is_some_and(in_view) || self.follow.is_current())
    }

    pub(in super::super) fn place(&self) -> Option<crate::Place> {
        let own = self.own.as_ref()?;
        let ahead = own.count_ahead()?;
        let is_exact = match &own.place {
            Place::Head => own.seen,
            Place::Behind(before) => before.count == 1 && before.armed.is_some() && own.armed.is_some(),
            Place::Unknown(_) => false,
        };
        Some(if is_exact { crate::Place::Exactly(ahead) } else { crate::Place::AtMost(ahead) })
    }

    /// Whether the watch that this request armed stands.
    pub(in super::super) fn is_armed(&self, op: OpId) -> bool {
        let own = self.own.as_ref();
        let armed = [own.and_then(|own| own.armed), own.and_then(Own::ahead).and_then(|ahead| ahead.armed)];
        armed.contains(&Some(op)) || self.follow.is_armed(op)
    }

    pub(super) fn saw_predecessor(&mut self, now: Timestamp, op: OpId, znode: &Znode) {
        let Some(ahead) = self.own.as_mut().and_then(Own::ahead_mut) else { return };
        ahead.armed = Some(op);
        let (is_head, name) = (ahead.count == 1, ahead.predecessor.clone());
        if matches!(self.trouble, Some((Step::Predecessor | Step::PredecessorExists, _))) {
            self.clear_trouble();
        }
        self.saw_ahead(now, &name, is_head, znode);
    }

    pub(super) fn saw_head(&mut self, now: Timestamp, znode: &Znode) {
        let ahead = self.own.as_mut().and_then(Own::ahead_mut);
        if let Some(name) = ahead.and_then(|ahead| ahead.unread_head.take()) {
            self.saw_ahead(now, &name, true, znode);
        }
    }

    /// One that stands before us was read: it may be the master.
    fn saw_ahead(&mut self, now: Timestamp, name: &str, is_head: bool, znode: &Znode) {
        if znode.stat.ephemeral_owner == 0 {
            // It would lead for ever, and never know.
            let text =
                format!("{}/{name} is not ephemeral, so it is no candidate: it has to be deleted", self.path);
            self.stumble(now, Step::Predecessor, TroubleKind::PathTaken, text);
        } else if is_head && !name.starts_with(&self.prefix) {
            // What we have left behind ourselves leads no more.
            self.follow.set_master(Some(Some(Master::of(znode))));
        }
    }
}
