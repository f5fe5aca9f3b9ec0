//! Our znode in the queue, and where it stands.

use crate::{FencingToken, OpId, queue_order};

/// A znode of ours, made in the present session.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Own {
    pub(super) name: String,
    pub(super) token: FencingToken,
    pub(super) place: Standing,
    /// Whether it was seen on this connection.
    pub(super) seen: bool,
    /// The request whose watch stands on it.
    pub(super) armed: Option<OpId>,
    /// It is being released: it is never led by again.
    pub(super) retired: bool,
}

/// Where our znode stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Standing {
    /// To be looked up; kept from the last look: how many stood before it.
    Unknown(Option<usize>),
    Behind(Ahead),
    /// For as long as it stands.
    Head,
}

/// Those before us.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ahead {
    pub(super) count: usize,
    /// The znode right before ours.
    pub(super) predecessor: String,
    /// Whether we may not read it.
    pub(super) unreadable: bool,
    /// The request whose watch stands on it.
    pub(super) armed: Option<OpId>,
    /// The head by name, while its data has yet to be read; `None` where it is the predecessor, or may not be read.
    pub(super) unread_head: Option<String>,
}

impl Own {
    pub(super) fn new(name: String, token: FencingToken, armed: Option<OpId>) -> Self {
        Own { name, token, place: Standing::Unknown(None), seen: true, armed, retired: false }
    }

    pub(super) fn disconnected(&mut self) {
        self.seen = false;
        self.armed = None;
        self.look_up();
    }

    /// Its place is to be looked up again. Who is the head remains it.
    pub(super) fn look_up(&mut self) {
        if let Some(ahead) = self.ahead() {
            self.place = Standing::Unknown(Some(ahead.count));
        }
    }

    /// Its place in this list, if it is there.
    pub(super) fn find(&self, children: &[String]) -> Option<Standing> {
        let order = queue_order(children);
        let count = order.iter().position(|name| *name == self.name)?;
        Some(match count.checked_sub(1) {
            None => Standing::Head,
            Some(before) => Standing::Behind(Ahead {
                count,
                predecessor: order[before].to_owned(),
                unreadable: false,
                armed: None,
                unread_head: (before > 0).then(|| order[0].to_owned()),
            }),
        })
    }

    /// How many stood before it when that was last known.
    pub(super) fn count_ahead(&self) -> Option<usize> {
        match &self.place {
            Standing::Unknown(last) => *last,
            Standing::Behind(ahead) => Some(ahead.count),
            Standing::Head => Some(0),
        }
    }

    /// Whether the head stands further off, and all that there is to know of it has been asked.
    pub(super) fn is_behind_a_stranger(&self) -> bool {
        matches!(&self.place, Standing::Behind(ahead) if ahead.count > 1 && ahead.unread_head.is_none())
    }

    pub(super) fn ahead(&self) -> Option<&Ahead> {
        match &self.place {
            Standing::Behind(ahead) => Some(ahead),
            _ => None,
        }
    }

    pub(super) fn ahead_mut(&mut self) -> Option<&mut Ahead> {
        match &mut self.place {
            Standing::Behind(ahead) => Some(ahead),
            _ => None,
        }
    }
}
