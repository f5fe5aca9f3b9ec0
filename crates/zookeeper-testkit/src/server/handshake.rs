//! The first frame of a client.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::state::{ConnectionId, State};
use super::tree::Transaction;
use crate::wire::{ConnectRequest, ConnectResponse};

impl State {
    /// Opens a session, or attaches the client to one. Says whether that is settled; if not, it needs a leader and there
    /// is none.
    pub(super) fn shake_hands(&mut self, now: Duration, id: ConnectionId, body: &[u8]) -> bool {
        let Some(client) = self.clients.get(&id) else { return true };
        let (member, peer) = (client.member, client.peer);
        self.members[member].figures.handshakes += 1;
        let request = match ConnectRequest::decode(body) {
            // A client that has seen more than this server would see time go back here.
            Ok(request) if request.last_zxid <= self.zxid(member) => request,
            Ok(request) => {
                let (seen, zxid) = (request.last_zxid, self.zxid(member));
                tracing::warn!(
                    "closed {peer}: it has seen transaction {seen:#x}, and the last here is {zxid:#x}"
                );
                self.kick(id);
                return true;
            }
            Err(_) => {
                tracing::info!("closed {peer}: its first frame is no handshake");
                self.kick(id);
                return true;
            }
        };
        if request.session_id != 0 {
            // Before the password is looked at: a wrong one still throws the client out.
            self.kick_session(request.session_id, |client| client.member == member);
        }
        if self.is_cut_off(member) {
            return false;
        }
        let timeout = self.machine.timing().grant(request.timeout);
        let granted = if request.session_id == 0 {
            Some(self.open_session(now, timeout))
        } else {
            // The password is the session's: of a process before this one, it may be.
            self.attach(now, &request, timeout).map(|session| (session, request.password.clone()))
        };
        match granted {
            Some((session, password)) => {
                let what = if request.session_id == 0 { "opened" } else { "attached to" };
                tracing::info!("session {session:#x} {what} by {peer}, with a timeout of {timeout:?}");
                self.owners.insert(session, id);
                self.homes.insert(session, member);
                if let Some(client) = self.clients.get_mut(&id) {
                    (client.session, client.timeout) = (Some(session), timeout);
                }
                let read_only = request.read_only.map(|_| false);
                let response = ConnectResponse { timeout, session_id: session, password, read_only };
                self.send(id, response.encode(), None);
            }
            None => {
                tracing::info!(
                    "session {:#x} refused to {peer}: unknown, ended, or not its own",
                    request.session_id
                );
                self.send(id, ConnectResponse::refusal(request.read_only.map(|_| false)).encode(), None);
                self.finish(id);
            }
        }
        true
    }

    fn open_session(&mut self, now: Duration, timeout: Duration) -> (i64, Vec<u8>) {
        let id = self.next_session;
        self.next_session += 1;
        let password = password(id);
        self.commit(now, Transaction::OpenSession { id, password: password.clone(), timeout });
        (id, password)
    }

    fn attach(&mut self, now: Duration, request: &ConnectRequest, timeout: Duration) -> Option<i64> {
        let id = request.session_id;
        let known = self.machine.has_password(id, &request.password);
        (known && self.machine.attach(now, id, timeout)).then_some(id)
    }
}

/// What proves that one owns a session. The same for the same session as long as the process lives.
pub(super) fn password(session: i64) -> Vec<u8> {
    use std::sync::OnceLock;
    static SECRET: OnceLock<RandomState> = OnceLock::new();
    let secret = SECRET.get_or_init(RandomState::new);
    let halves = [secret.hash_one((session, 0)), secret.hash_one((session, 1))];
    halves.into_iter().flat_map(u64::to_be_bytes).collect()
}
