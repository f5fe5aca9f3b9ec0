//! For tests: a server without sockets, whose time is what each call says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::faults::MemberId;
use super::handshake;
use super::shared::{OpenConnection, Shared};
use super::state::Outgoing;
use crate::TestServer;
use crate::ports::loopback;
use crate::wire::{Acl, ConnectRequest, Encoder, OpCode};

pub(super) fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two members with a tick of 1 s.
pub(super) fn ensemble() -> Arc<Shared> {
    let builder = TestServer::builder().members(2).tick(at(1_000));
    Arc::new(Shared::new(builder.settings, vec![loopback(1), loopback(2)]))
}

pub(super) struct Client {
    open: OpenConnection,
    _queue: UnboundedReceiver<Outgoing>,
}

impl Client {
    /// Opens a session of 4 s.
    pub(super) fn connect(shared: &Arc<Shared>, member: MemberId, now: Duration) -> Self {
        Self::shake(shared, member, now, 0, Vec::new())
    }

    /// Attaches to a session, which may be refused.
    pub(super) fn attach(shared: &Arc<Shared>, member: MemberId, now: Duration, session: i64) -> Self {
        Self::shake(shared, member, now, session, handshake::password(session))
    }

    fn shake(
        shared: &Arc<Shared>,
        member: MemberId,
        now: Duration,
        session_id: i64,
        password: Vec<u8>,
    ) -> Self {
        let (open, queue) = shared.open(member, loopback(9)).unwrap();
        let request =
            ConnectRequest { last_zxid: 0, timeout: at(4_000), session_id, password, read_only: None };
        let client = Self { open, _queue: queue };
        client.say(now, request.encode());
        client
    }

    fn say(&self, now: Duration, body: Vec<u8>) {
        self.open.shared.change(|state, _| state.receive(now, self.open.id, body));
    }

    /// A create is of the ephemeral node `/a`.
    pub(super) fn ask(&self, now: Duration, op: OpCode) {
        let mut request = Encoder::new();
        request.int(1).int(op.number());
        if op == OpCode::Create {
            Acl::encode_all(&Acl::open(), request.string("/a").buffer(b""));
            request.int(1);
        }
        self.say(now, request.finish());
    }

    /// The session that it has, while it is connected.
    pub(super) fn session(&self) -> Option<i64> {
        self.open.shared.read(|state| state.clients.get(&self.open.id)?.session)
    }
}

/// When the next session ends if nobody is heard of any more.
pub(super) fn next_end(shared: &Shared) -> Option<Duration> {
    shared.read(|state| state.machine.next_expiry())
}
