//! Of what each role actor has been notified, and what it has yet to acknowledge.

use super::{Message, MessageId, RoleId};
use crate::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Notified {
    Nothing,
    Standby,
    Master,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Role {
    pub(super) notified: Notified,
    pub(super) joined: Timestamp,
    /// The last message that it was sent.
    last: Option<MessageId>,
    /// The `BecameStandby` whose handler has not finished.
    unacknowledged: Option<(MessageId, Timestamp)>,
}

/// The role actors of one election.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Roles {
    /// In the order of their ids. Mostly one, and a tree would take room for eleven.
    roles: Vec<(RoleId, Role)>,
    next_message: u64,
}

impl Roles {
    pub(super) fn join(&mut self, id: RoleId, now: Timestamp) {
        if let Err(place) = self.roles.binary_search_by_key(&id, |(id, _)| *id) {
            let role = Role { notified: Notified::Nothing, joined: now, last: None, unacknowledged: None };
            self.roles.insert(place, (id, role));
        }
    }

    /// Takes a dead role out; returns whether there was one.
    pub(super) fn remove(&mut self, id: RoleId) -> bool {
        let before = self.roles.len();
        self.roles.retain(|(other, _)| *other != id);
        self.roles.len() < before
    }

    fn role(&mut self, id: RoleId) -> Option<&mut Role> {
        self.roles.iter_mut().find(|(other, _)| *other == id).map(|(_, role)| role)
    }

    /// Of what this message notified the role; `None` if it is not the last that the role was sent.
    pub(super) fn notified_by(&self, id: RoleId, message: MessageId) -> Option<Notified> {
        let (_, role) = self.roles.iter().find(|(other, _)| *other == id)?;
        (role.last == Some(message)).then_some(role.notified)
    }

    /// Whether this role has a `BecameStandby` to acknowledge.
    pub(super) fn owes_word(&self, id: RoleId) -> bool {
        self.roles.iter().any(|(other, role)| *other == id && role.unacknowledged.is_some())
    }

    /// From now on the role knows as little as one that has just joined.
    pub(super) fn forget(&mut self, id: RoleId, now: Timestamp) {
        if let Some(role) = self.role(id) {
            role.notified = Notified::Nothing;
            role.joined = now;
            role.last = None;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    pub(super) fn acknowledged(&mut self, id: RoleId, message: MessageId) {
        if let Some(role) = self.role(id) {
            role.unacknowledged.take_if(|(pending, _)| *pending == message);
        }
    }

    /// Whether every `BecameStandby` has been handled.
    pub(super) fn all_acknowledged(&self) -> bool {
        self.roles.iter().all(|(_, role)| role.unacknowledged.is_none())
    }

    /// When the `BecameStandby` that has waited longest for its acknowledgement went out.
    pub(super) fn unacknowledged_since(&self) -> Option<Timestamp> {
        self.roles.iter().filter_map(|(_, role)| role.unacknowledged.map(|(_, since)| since)).min()
    }

    /// The ids of the roles whose last news is `last`.
    pub(super) fn notified(&self, last: Notified) -> Vec<RoleId> {
        self.roles.iter().filter(|(_, role)| role.notified == last).map(|(id, _)| *id).collect()
    }

    /// When the roles that know nothing joined, the first of them.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        self.roles
            .iter()
            .filter(|(_, role)| role.notified == Notified::Nothing)
            .map(|(_, role)| role.joined)
            .min()
    }

    /// Notes that `message` goes out to the role, and gives it its id.
    pub(super) fn notify(&mut self, now: Timestamp, id: RoleId, message: &Message) -> MessageId {
        self.next_message += 1;
        let number = MessageId(self.next_message);
        if let Some(role) = self.role(id) {
            role.last = Some(number);
            match message {
                Message::BecameMaster { .. } => role.notified = Notified::Master,
                Message::BecameStandby { .. } => {
                    role.notified = Notified::Standby;
                    // If it is notified again: it has had its time since the first.
                    let since = role.unacknowledged.map_or(now, |(_, since)| since);
                    role.unacknowledged = Some((number, since));
                }
            }
        }
        number
    }

    /// Restarts the wait for the first word: it counts from when the candidate began to compete.
    pub(super) fn restart_wait(&mut self, now: Timestamp) {
        for (_, role) in &mut self.roles {
            role.joined = now;
        }
    }
}
