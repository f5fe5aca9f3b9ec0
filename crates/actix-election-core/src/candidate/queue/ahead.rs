//! Those who stand before us, as they are read.

use super::own::Own;
use super::step::Step;
use super::{Master, Obstacle, Queue};
use crate::{OpId, Timestamp, Znode};

impl Queue {
    /// Whether the watch that this request armed stands.
    pub(in super::super) fn is_armed(&self, op: OpId) -> bool {
        let own = self.own.as_ref();
        let armed = [own.and_then(|own| own.armed), own.and_then(Own::ahead).and_then(|ahead| ahead.armed)];
        armed.contains(&Some(op)) || self.observer.is_armed(op)
    }

    pub(super) fn saw_predecessor(&mut self, now: Timestamp, op: OpId, znode: &Znode) {
        let Some(ahead) = self.own.as_mut().and_then(Own::ahead_mut) else { return };
        ahead.armed = Some(op);
        let (is_head, name) = (ahead.count == 1, ahead.predecessor.clone());
        self.overcome(&[Step::Predecessor, Step::PredecessorExists]);
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
            let obstacle = Obstacle::not_ephemeral(format!("{}/{name}", self.path), "candidate");
            self.stopped(now, Step::Predecessor, obstacle);
        } else if is_head && !name.starts_with(&self.prefix) {
            // What we have left behind ourselves leads no more.
            self.observer.set_master(Some(Some(Master::of(znode))));
        }
    }
}
