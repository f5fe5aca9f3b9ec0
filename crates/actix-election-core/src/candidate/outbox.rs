//! What is still to be carried out.

use std::collections::VecDeque;

use super::Output;
use crate::OpId;

/// The outputs that the driver has yet to fetch.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Outbox {
    outputs: VecDeque<Output>,
    next_op: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// The id of the next request.
    pub(super) fn next_op(&self) -> OpId {
        OpId(self.next_op)
    }

    /// A request under the id that was next.
    pub(super) fn push_request(&mut self, request: Output) {
        self.push(request);
        self.next_op += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        let next = self.outputs.pop_front();
        if next.is_none() {
            // Most candidates have nothing to say for hours.
            self.outputs = VecDeque::new();
        }
        next
    }
}
