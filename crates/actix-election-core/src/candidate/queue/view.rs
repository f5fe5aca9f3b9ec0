//! What a queue shows of itself: who is master, and where we stand.

use super::own::{Own, Standing};
use super::{Master, ProblemKind, Queue};
use crate::{FencingToken, candidate};

impl Queue {
    pub(in super::super) fn held_token(&self) -> Option<FencingToken> {
        let own = self.own.as_ref()?;
        (own.seen && !own.retired && own.place == Standing::Head).then_some(own.token)
    }

    pub(in super::super) fn own_token(&self) -> Option<FencingToken> {
        self.own.as_ref().map(|own| own.token)
    }

    pub(in super::super) fn is_gone(&self, token: FencingToken) -> bool {
        self.own.as_ref().is_none_or(|own| own.token != token)
    }

    pub(in super::super) fn maybe_ours(&self) -> bool {
        self.maybe_created || self.own.is_some()
    }

    pub(in super::super) fn master(&self) -> Option<Option<Master>> {
        self.observer.master()
    }

    pub(in super::super) fn others_master(&self) -> Option<Master> {
        self.observer.master().flatten().filter(|master| Some(master.token) != self.own_token())
    }

    /// Behind somebody, be it that we may not be told behind whom.
    pub(in super::super) fn is_outranked(&self) -> bool {
        let taken = self.problem().is_some_and(|problem| problem.kind == ProblemKind::PathTaken);
        let strangers = self.own.as_ref().is_some_and(Own::is_behind_a_stranger);
        self.others_master().is_some() || strangers && !taken
    }

    /// Who stands right behind the head watches it; whoever stands further back does not, unless somebody observes.
    pub(in super::super) fn is_current(&self) -> bool {
        let in_view = |own: &Own| match &own.place {
            Standing::Head => own.seen && !own.retired,
            Standing::Behind(ahead) => {
                let leads = !ahead.predecessor.starts_with(&self.prefix) && self.obstacle.is_none();
                ahead.count == 1 && ahead.armed.is_some() && leads
            }
            Standing::Unknown(_) => false,
        };
        self.session.is_some() && (self.own.as_ref().is_some_and(in_view) || self.observer.is_current())
    }

    pub(in super::super) fn place(&self) -> Option<candidate::Place> {
        let own = self.own.as_ref()?;
        let ahead = own.count_ahead()?;
        let is_exact = match &own.place {
            Standing::Head => own.seen,
            Standing::Behind(before) => before.count == 1 && before.armed.is_some() && own.armed.is_some(),
            Standing::Unknown(_) => false,
        };
        Some(if is_exact { candidate::Place::Exactly(ahead) } else { candidate::Place::AtMost(ahead) })
    }
}
