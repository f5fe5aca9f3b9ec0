//! A channel: what is sent arrives in order or not at all, and sometimes for a long time not.

use std::collections::VecDeque;

use crate::clock::Moment;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fifo<M> {
    queue: VecDeque<(Moment, M)>,
    stalled_until: Moment,
}

impl<M> Default for Fifo<M> {
    fn default() -> Self {
        Fifo { queue: VecDeque::new(), stalled_until: 0 }
    }
}

impl<M> Fifo<M> {
    /// Sends something that can arrive from `at` on, behind everything that was sent before it.
    pub(crate) fn send(&mut self, at: Moment, message: M) {
        let at = self.queue.back().map_or(at, |(before, _)| at.max(*before));
        self.queue.push_back((at, message));
    }

    /// When the next message arrives, unless the channel stalls meanwhile.
    pub(crate) fn next_at(&self) -> Option<Moment> {
        self.queue.front().map(|(at, _)| self.stalled_until.max(*at))
    }

    pub(crate) fn receive(&mut self) -> Option<M> {
        self.queue.pop_front().map(|(_, message)| message)
    }

    /// Nothing arrives before `until`. What is on its way waits.
    pub(crate) fn stall(&mut self, until: Moment) {
        self.stalled_until = until;
    }

    pub(crate) fn clear(&mut self) {
        *self = Fifo::default();
    }
}
