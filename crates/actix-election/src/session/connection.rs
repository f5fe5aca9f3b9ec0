//! What lives with one connection: a relay, a client behind it, and the requests that wait or are under way.

use std::sync::Arc;

use actix_election_core::{SessionInput, SessionOutput, SessionState, SessionTimeout, Timestamp};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use super::client::{Client, Relay, RelayCommand, RelayEvent};
use super::ensemble::Attached;
use super::hub::{Hub, PendingRequest, sleep_until};
use crate::clock;
use waiting::Waiting;

mod waiting;

/// How many requests may be under way at once; what waits here instead can never be sent on another connection.
///
/// Reads wait at the server behind the writes before them, so that many have to be under way to keep an ensemble busy.
/// But so do probes, and the lease rests on those: behind all of these they are still answered within T/40 by an
/// ensemble that carries out no more than a thousand requests a second.
fn window(timeout: SessionTimeout) -> usize {
    let within = timeout.span() / 40;
    usize::try_from(within.as_millis()).unwrap_or(usize::MAX).clamp(48, 256)
}

/// How many turns of the runtime the client gets to read what arrived before the end of a connection.
const LAST_TURNS: usize = 32;

/// Why a connection, or the search for one, came to its end.
pub(super) enum End {
    /// The connection is gone, or of no use any more.
    Detached(String),
    /// The server has been silent for too long.
    Silent,
    /// The ensemble says that the session is over.
    Expired,
    /// The monitor gave the session up.
    Lost,
    /// Nobody needs the session any more, and there is no connection to close it on.
    ToClose,
    /// The session is closed, or nothing more can be done about it.
    Closed,
}

/// A connection and its work. All of it ends with the runtime that it is on.
pub(super) struct Connection<'a> {
    hub: &'a mut Hub,
    relay: mpsc::UnboundedSender<RelayCommand>,
    client: Option<Arc<Client>>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    waiting: Waiting,
    in_flight: usize,
    window: usize,
    close_sent: bool,
}

/// A piece of work that is done.
enum Done {
    /// The client is connected and authenticated.
    Ready(Result<Client, String>),
    Probed {
        sent: Timestamp,
        result: Result<(), String>,
    },
    CarriedOut,
}

impl Connection<'_> {
    /// Serves the session on this connection until it ends.
    pub(super) async fn serve(hub: &mut Hub, attached: Attached) -> End {
        let relay = match Relay::open().await {
            Ok(relay) => relay,
            Err(error) => return End::Detached(no_relay(&error)),
        };
        let ready = match connect_client(hub, &relay) {
            Ok(ready) => ready,
            Err(error) => return End::Detached(no_relay(&error)),
        };
        let (commands, relay_commands) = mpsc::unbounded_channel();
        let (relay_events, mut events) = mpsc::unbounded_channel();
        let track = Arc::clone(hub.track());
        let max_frame = hub.settings().max_frame;
        tokio::spawn(relay.run(attached.server, track, max_frame, relay_commands, relay_events));
        let mut this = Connection {
            hub,
            relay: commands,
            client: None,
            work: FuturesUnordered::new(),
            waiting: Waiting::new(clock::now()),
            in_flight: 0,
            window: window(attached.timeout),
            close_sent: false,
        };
        this.work.push(ready);
        this.run(&mut events).await
    }

    async fn run(&mut self, events: &mut mpsc::UnboundedReceiver<RelayEvent>) -> End {
        loop {
            self.hub.look_at_wall_clock();
            if let Some(end) = self.follow_monitor() {
                return end;
            }
            if self.hub.close_overdue() {
                return End::Closed;
            }
            self.close_if_asked();
            self.start_waiting();
            let wake = self.next_wake();
            let end = tokio::select! {
                // What has arrived comes before a timer that is due at the same time.
                biased;
                event = events.recv() => self.relay_event(event, events).await,
                Some(done) = self.work.next() => self.done(done),
                command = self.hub.next_command() => {
                    if let Some(request) = self.hub.take_command(command) {
                        self.waiting.push(clock::now(), request);
                    }
                    None
                }
                () = sleep_until(wake) => {
                    self.hub.handle(clock::now(), SessionInput::Timer);
                    None
                }
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Does what the monitor wants.
    fn follow_monitor(&mut self) -> Option<End> {
        while let Some(output) = self.hub.next_output() {
            match output {
                SessionOutput::SendProbe => self.probe(),
                SessionOutput::SendPing => {
                    let _ = self.relay.send(RelayCommand::Ping);
                }
                SessionOutput::LeaveServer => return Some(End::Silent),
                // A lease that was ended for the close stays so.
                SessionOutput::LeaseUntil(_) if self.hub.is_closing() => {}
                SessionOutput::LeaseUntil(until) => self.hub.extend_lease(until),
                // What is attached only to be closed is nobody's to use.
                SessionOutput::State(SessionState::Connected) if self.hub.is_closing() => {}
                SessionOutput::State(SessionState::Connected) => self.hub.now_connected(),
                SessionOutput::State(SessionState::Lost) => {
                    self.hub.end_lease();
                    return Some(End::Lost);
                }
                SessionOutput::State(_) => {}
            }
        }
        None
    }

    async fn relay_event(
        &mut self,
        mut event: Option<RelayEvent>,
        events: &mut mpsc::UnboundedReceiver<RelayEvent>,
    ) -> Option<End> {
        while let Some(RelayEvent::Received) = event {
            // All that have arrived count as one: a flood of frames must not keep the answers waiting.
            let Ok(next) = events.try_recv() else {
                let now = clock::now();
                self.waiting.heard(now);
                self.hub.handle(now, SessionInput::Received);
                return None;
            };
            event = Some(next);
        }
        match event {
            Some(RelayEvent::Closed) => Some(End::Closed),
            Some(RelayEvent::Ended(error)) => Some(self.last_answers(error).await),
            Some(RelayEvent::Received) | None => Some(End::Detached("the relay ended".into())),
        }
    }

    /// The server has gone, but its last words may still be on their way through the client.
    async fn last_answers(&mut self, error: std::io::Error) -> End {
        for _ in 0..LAST_TURNS {
            tokio::task::yield_now().await;
            while let Some(Some(done)) = self.work.next().now_or_never() {
                if let Some(end) = self.done(done) {
                    return end;
                }
            }
        }
        End::Detached(error.to_string())
    }

    fn done(&mut self, done: Done) -> Option<End> {
        match done {
            Done::Ready(Ok(client)) => {
                self.client = Some(Arc::new(client));
                self.hub.handle(clock::now(), SessionInput::Ready);
                None
            }
            Done::Ready(Err(error)) => {
                self.hub.report_problem(error.clone());
                Some(End::Detached(error))
            }
            Done::Probed { sent, result: Ok(()) } => {
                self.hub.probe_answered(sent);
                None
            }
            Done::Probed { result: Err(error), .. } => Some(End::Detached(error)),
            Done::CarriedOut => {
                self.in_flight -= 1;
                None
            }
        }
    }

    /// Probes do not wait behind other requests: the lease rests on them.
    fn probe(&mut self) {
        let Some(client) = self.client.clone() else { return };
        let sent = clock::now();
        self.work.push(Box::pin(async move { Done::Probed { sent, result: client.probe().await } }));
    }

    fn start_waiting(&mut self) {
        let Some(client) = &self.client else { return };
        if self.waiting.is_empty() {
            return;
        }
        let now = clock::now();
        while self.in_flight < self.window
            && let Some(PendingRequest { notices, op, request }) = self.waiting.next(now)
        {
            if notices.is_closed() {
                // Nobody waits for it any more, and so many may have come and gone.
                continue;
            }
            self.in_flight += 1;
            let client = Arc::clone(client);
            self.work.push(Box::pin(async move {
                client.carry_out(op, request, notices).await;
                Done::CarriedOut
            }));
        }
    }

    /// The next moment at which there is something to do.
    fn next_wake(&self) -> Option<Timestamp> {
        let free = self.client.is_some() && self.in_flight < self.window;
        let due = self.waiting.due().filter(|_| free);
        [self.hub.next_wake(), due].into_iter().flatten().min()
    }

    fn close_if_asked(&mut self) {
        if self.hub.is_closing() && !self.close_sent {
            self.close_sent = true;
            let _ = self.relay.send(RelayCommand::Close);
        }
    }
}

fn no_relay(error: &std::io::Error) -> String {
    format!(
        "this process cannot connect to itself on loopback ({error}): the interface may be down, or the limit of open files \
         reached"
    )
}

/// Connects a client through the relay and sends its credentials, one after the other and before anything else.
fn connect_client(hub: &Hub, relay: &Relay) -> std::io::Result<BoxFuture<'static, Done>> {
    let address = relay.address()?;
    let timeout = relay.client_timeout();
    let chroot = hub.settings().ensemble.chroot.clone();
    let auth = hub.settings().auth.clone();
    let track = Arc::clone(hub.track());
    // Below a parent that nobody can know, and so nobody creates.
    let probe_path = format!("/actix-election.{:016x}/probe", rand::random::<u64>());
    Ok(Box::pin(async move {
        let ready = async {
            let mut client = Client::connect(address, timeout, chroot, probe_path, track).await?;
            for auth in &auth {
                client.authenticate(auth).await?;
            }
            Ok(client)
        };
        Done::Ready(ready.await)
    }))
}
