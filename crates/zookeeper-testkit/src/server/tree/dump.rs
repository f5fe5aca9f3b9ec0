//! All that a machine has to keep over a restart, as bytes.
//!
//! That is the nodes, the sessions with what they were opened with, and the counters: of zxids, of sessions, of creations
//! below each node. When sessions end is not in it, nor is a timeout that was agreed on anew: as in ZooKeeper each has the
//! whole timeout that it was opened with after a restart. Children and owners follow from the nodes.

use std::sync::Arc;
use std::time::Duration;

use super::node::{Lifetime, Node};
use super::{Machine, Tree};
use crate::wire::{Acl, Decoder, Encoder, Malformed};

const PERSISTENT: i32 = 0;
const EPHEMERAL: i32 = 1;
const CONTAINER: i32 = 2;

impl Machine {
    /// Writes it down. The same machine is always the same bytes.
    pub(in crate::server) fn dump(&self, encoder: &mut Encoder) {
        encoder.long(self.zxid).long(self.sessions.highest);
        encoder.vector(self.sessions.by_id.iter(), |encoder, (id, session)| {
            encoder.long(*id).buffer(&session.password);
            encode_duration(session.opened_with, encoder);
        });
        encoder.vector(self.tree.nodes.iter(), |encoder, (path, node)| {
            node.dump(encoder.string(path));
        });
    }

    /// Becomes what was written down. Its timing and its epoch stay, and [`restart`](Self::restart) has to follow.
    pub(in crate::server) fn load(&mut self, decoder: &mut Decoder<'_>) -> Result<(), Malformed> {
        self.wipe();
        (self.zxid, self.sessions.highest) = (decoder.long()?, decoder.long()?);
        let highest = self.sessions.highest;
        for _ in 0..decoder.int()? {
            let (id, password) = (decoder.long()?, decoder.buffer()?);
            let timeout = decode_duration(decoder)?;
            self.sessions.open(Duration::ZERO, id, password, timeout);
        }
        if self.sessions.highest != highest {
            return Err(Malformed { expected: "no session above the highest", offset: 0 });
        }
        self.tree = Tree::bare();
        for _ in 0..decoder.int()? {
            let path = decoder.string()?;
            if !self.tree.put_back(&path, Node::load(decoder)?) {
                return Err(Malformed { expected: "a parent before its children", offset: 0 });
            }
        }
        Ok(())
    }
}

impl Node {
    fn dump(&self, encoder: &mut Encoder) {
        encoder.nullable_buffer(self.data.as_deref());
        Acl::encode_all(&self.acl, encoder);
        let (lifetime, owner) = match self.lifetime {
            Lifetime::Persistent => (PERSISTENT, 0),
            Lifetime::Ephemeral(session) => (EPHEMERAL, session),
            Lifetime::Container => (CONTAINER, 0),
        };
        encoder.int(lifetime).long(owner);
        encoder.long(self.czxid).long(self.mzxid).long(self.pzxid).long(self.ctime).long(self.mtime);
        encoder.int(self.version).int(self.aversion).int(self.creates);
    }

    fn load(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            data: decoder.nullable_buffer()?.map(Arc::from),
            acl: Acl::decode_all(decoder)?.into(),
            lifetime: match (decoder.int()?, decoder.long()?) {
                (PERSISTENT, _) => Lifetime::Persistent,
                (EPHEMERAL, owner) => Lifetime::Ephemeral(owner),
                (CONTAINER, _) => Lifetime::Container,
                _ => return Err(Malformed { expected: "how long a node lives", offset: 0 }),
            },
            czxid: decoder.long()?,
            mzxid: decoder.long()?,
            pzxid: decoder.long()?,
            ctime: decoder.long()?,
            mtime: decoder.long()?,
            version: decoder.int()?,
            aversion: decoder.int()?,
            creates: decoder.int()?,
            children: Default::default(),
        })
    }
}

/// In nanoseconds, which last for three centuries.
pub(in crate::server) fn encode_duration(duration: Duration, encoder: &mut Encoder) {
    encoder.long(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX));
}

pub(in crate::server) fn decode_duration(decoder: &mut Decoder<'_>) -> Result<Duration, Malformed> {
    let nanos = u64::try_from(decoder.long()?);
    nanos.map(Duration::from_nanos).map_err(|_| Malformed { expected: "a duration", offset: 0 })
}
