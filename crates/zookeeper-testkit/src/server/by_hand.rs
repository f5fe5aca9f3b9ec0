//! For tests: a server without sockets, whose time is what each call says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::faults::MemberId;
use super::handshake;
use super::shared::{OpenConnection, Shared};
use super::state::{Outgoing, State};
use crate::TestServer;
use crate::ports::loopback;
use crate::server::TestServerBuilder;
use crate::wire::{Acl, ConnectRequest, ConnectResponse, Encoder, OpCode, RequestHeader};

pub(super) fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two members with a tick of 1 s.
pub(super) fn ensemble() -> Arc<Shared> {
    ensemble_of(TestServer::builder())
}

/// The same with other settings.
pub(super) fn ensemble_of(builder: TestServerBuilder) -> Arc<Shared> {
    let builder = builder.members(2).tick(at(1_000));
    Arc::new(Shared::new(builder.settings, vec![loopback(1), loopback(2)], None).unwrap())
}

pub(super) struct Client {
    open: OpenConnection,
    queue: UnboundedReceiver<Outgoing>,
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
        let client = Self { open, queue };
        client.say(now, request.encode());
        client
    }

    fn say(&self, now: Duration, body: Vec<u8>) {
        self.open.shared.change(|state, _| state.receive(now, self.open.id, body));
    }

    /// A create is of the ephemeral node `/a`.
    pub(super) fn ask(&self, now: Duration, op: OpCode) {
        let mut request = Encoder::new();
        RequestHeader { xid: 1, op }.encode(&mut request);
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

    /// What it is answered next: the operation, or `None` for the end of the connection.
    pub(super) fn answered(&mut self) -> Option<OpCode> {
        loop {
            match self.queue.try_recv().expect("an answer, or the end") {
                Outgoing::Frame { reply: Some((op, _)), .. } => return Some(op),
                Outgoing::Frame { bytes, .. } => {
                    assert!(!ConnectResponse::decode(&bytes).unwrap().is_refused());
                }
                Outgoing::Close => return None,
            }
        }
    }
}

/// When the next session ends if nobody is heard of any more.
pub(super) fn next_end(shared: &Shared) -> Option<Duration> {
    shared.read(State::next_expiry)
}
