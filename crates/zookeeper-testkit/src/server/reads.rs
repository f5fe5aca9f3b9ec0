//! Reads, and the watches that they leave: answered by the member that is asked, from what it knows.

use super::order::scatter;
use super::process::Call;
use super::request;
use super::state::State;
use super::tree::{Resume, WatchKind, WatchMode};
use crate::wire::{Acl, Decoder, Encoder, ErrorCode, MAX_FRAME, Malformed, OpCode, Stat};

impl State {
    pub(super) fn read(&mut self, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        let mut reply = Encoder::new();
        match call.op {
            OpCode::SetWatches | OpCode::SetWatches2 => {
                let watches = readable(decode_resume(call.op, &mut call.body))?;
                self.set_watches(call, &watches);
            }
            OpCode::WhoAmI => {
                reply.vector(self.identities(call.id).iter(), |reply, identity| {
                    reply.string(&identity.scheme).string(identity.user());
                });
            }
            OpCode::MultiRead => return self.read_several(call),
            OpCode::GetEphemerals => return self.ephemerals_of(call),
            _ => return self.read_node(call),
        }
        Ok(reply)
    }

    /// What is about one node.
    fn read_node(&mut self, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        let mut reply = Encoder::new();
        let path = readable(request::node(&mut call.body))?;
        match call.op {
            OpCode::Exists => {
                let watch = readable(call.body.bool())?;
                let stat = self.tree(call.member).stat(&path);
                // On a missing node, too: it is then a watch for its creation.
                if watch && stat != Err(ErrorCode::BadArguments) {
                    self.watch(call, WatchKind::Data, &path);
                }
                stat?.encode(&mut reply);
            }
            OpCode::GetData => {
                let watch = readable(call.body.bool())?;
                self.data(call, &path, &mut reply)?;
                if watch {
                    self.watch(call, WatchKind::Data, &path);
                }
            }
            OpCode::GetChildren | OpCode::GetChildren2 => {
                let watch = readable(call.body.bool())?;
                let stat = self.children(call, &path, &mut reply)?;
                if watch {
                    self.watch(call, WatchKind::Children, &path);
                }
                if call.op == OpCode::GetChildren2 {
                    stat.encode(&mut reply);
                }
            }
            OpCode::GetAcl => {
                let (acl, stat) = self.tree(call.member).acl(&path, self.identities(call.id))?;
                Acl::encode_all(&acl, &mut reply);
                stat.encode(&mut reply);
            }
            OpCode::GetAllChildrenNumber => {
                let count = self.tree(call.member).count_below(&path, self.identities(call.id))?;
                reply.int(i32::try_from(count).unwrap_or(i32::MAX));
            }
            OpCode::Sync => drop(reply.string(&path)),
            OpCode::AddWatch => {
                let mode = readable(watch_mode(&mut call.body))?;
                self.members[call.member].watches.add_all(mode, &path, call.id);
                // An error code, which is always none.
                reply.int(0);
            }
            OpCode::CheckWatches | OpCode::RemoveWatches => {
                let kinds = readable(watch_kinds(&mut call.body))?;
                self.find_watches(call, kinds, &path)?;
            }
            _ => return Err(ErrorCode::Unimplemented),
        }
        Ok(reply)
    }

    fn data(&self, call: &Call<'_>, path: &str, reply: &mut Encoder) -> Result<(), ErrorCode> {
        let (data, stat) = self.tree(call.member).data(path, self.identities(call.id))?;
        stat.encode(reply.nullable_buffer(data.as_deref()));
        Ok(())
    }

    fn children(&self, call: &Call<'_>, path: &str, reply: &mut Encoder) -> Result<Stat, ErrorCode> {
        let (names, stat) = self.tree(call.member).children(path, self.identities(call.id))?;
        self.encode_names(names, reply);
        Ok(stat)
    }

    fn encode_names(&self, mut names: Vec<String>, reply: &mut Encoder) {
        scatter(self.name_order, &mut names);
        reply.vector(names.iter(), |reply, name| {
            reply.string(name);
        });
    }

    /// Several reads, of which each succeeds or fails alone. They leave no watches, whatever they say. An answer that no client
    /// would take is not made: a few bytes could ask for any amount of memory.
    fn read_several(&self, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        let (mut reply, mut length) = (Encoder::new(), 0);
        for (op, path) in readable(request::reads(&mut call.body))? {
            let mut part = Encoder::new();
            let read = match op {
                OpCode::GetData => self.data(call, &path, &mut part),
                _ => self.children(call, &path, &mut part).map(drop),
            };
            match read {
                Ok(()) => {
                    let part = part.finish();
                    length += part.len();
                    reply.int(op.number()).bool(false).int(0).raw(&part)
                }
                Err(error) => reply.int(-1).bool(false).int(error.number()).int(error.number()),
            };
            if length > MAX_FRAME {
                return Err(ErrorCode::MarshallingError);
            }
        }
        reply.int(-1).bool(true).int(-1);
        Ok(reply)
    }

    /// The ephemeral nodes of the session that asks, of which the paths begin with what it says.
    fn ephemerals_of(&self, call: &mut Call<'_>) -> Result<Encoder, ErrorCode> {
        let prefix = readable(call.body.lossy_string())?.unwrap_or_default();
        // Java's `trim` takes off whatever is not above a space.
        let all = matches!(prefix.trim_matches(|c| c <= ' '), "" | "/");
        let paths = self.tree(call.member).ephemerals().get(&call.session).into_iter().flatten();
        let mut reply = Encoder::new();
        self.encode_names(
            paths.filter(|path| all || path.starts_with(&prefix)).cloned().collect(),
            &mut reply,
        );
        Ok(reply)
    }

    // Watches.

    fn watch(&mut self, call: &Call<'_>, kind: WatchKind, path: &str) {
        self.members[call.member].watches.add(kind, path, call.id);
    }

    /// Looks for watches, and takes them away where that is what is asked.
    fn find_watches(&mut self, call: &Call<'_>, kinds: &[WatchKind], path: &str) -> Result<(), ErrorCode> {
        let watches = &mut self.members[call.member].watches;
        let mut found = false;
        for kind in kinds {
            found |= match call.op {
                OpCode::RemoveWatches => watches.remove(*kind, path, call.id),
                // ZooKeeper only looks whether anybody watches, and so does this.
                _ => watches.is_watched(*kind, path),
            };
        }
        if found { Ok(()) } else { Err(ErrorCode::NoWatcher) }
    }

    /// A client is back: tells it what it has missed, and arms the rest.
    fn set_watches(&mut self, call: &Call<'_>, wanted: &Resume) {
        let mut watches = std::mem::take(&mut self.members[call.member].watches);
        let events = watches.resume(call.id, self.tree(call.member), wanted);
        self.members[call.member].watches = watches;
        for event in events {
            self.send_event(call.id, event);
        }
    }
}

pub(super) fn readable<T>(decoded: Result<T, Malformed>) -> Result<T, ErrorCode> {
    decoded.map_err(|_| ErrorCode::MarshallingError)
}

fn decode_resume(op: OpCode, body: &mut Decoder<'_>) -> Result<Resume, Malformed> {
    let mut wanted = Resume {
        since: body.long()?,
        data: body.vector(request::node)?,
        exist: body.vector(request::node)?,
        children: body.vector(request::node)?,
        ..Resume::default()
    };
    if op == OpCode::SetWatches2 {
        wanted.persistent = body.vector(request::node)?;
        wanted.recursive = body.vector(request::node)?;
    }
    Ok(wanted)
}

fn watch_mode(body: &mut Decoder<'_>) -> Result<WatchMode, Malformed> {
    match body.int()? {
        0 => Ok(WatchMode::Persistent),
        1 => Ok(WatchMode::Recursive),
        _ => Err(Malformed { expected: "a mode of watching", offset: 0 }),
    }
}

fn watch_kinds(body: &mut Decoder<'_>) -> Result<&'static [WatchKind], Malformed> {
    match body.int()? {
        1 => Ok(&[WatchKind::Children]),
        2 => Ok(&[WatchKind::Data]),
        3 => Ok(&[WatchKind::Children, WatchKind::Data]),
        _ => Err(Malformed { expected: "a kind of watch", offset: 0 }),
    }
}
