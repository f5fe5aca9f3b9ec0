//! The end of a session, of its user, and of its thread.

use super::super::*;
use crate::session::client::Relay;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::wire::{OpCode, RawClient, expire_session};
use zookeeper_testkit::{Ensemble, FaultProxy, four_letter};
use zookeeper_wire::{ConnectRequest, ConnectResponse, frame, ping_frame, read_frame};

const T: Duration = Duration::from_secs(20);

#[tokio::test]
async fn requests_of_a_dead_session_never_run_in_a_new_one() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let mut session = rig.connected().await.session;
    for round in 0..10 {
        let handshakes = proxy.handshakes();
        let password = handshakes.last().unwrap().response.clone().unwrap().password;
        // Under way in every other round: in the network, in the client, and waiting for their turn.
        let hold = (round % 2 == 0).then(|| proxy.hold(Direction::ToServer));
        for i in 0..200 {
            rig.send(create(&format!("/c{round}-{i}")));
        }
        expire_session(server, session.0, &password).await.unwrap();
        drop(hold);
        rig.lost().await;
        let next = rig.connected().await.session;
        assert_ne!(next, session);
        assert_eq!(rig.ask(read("/")).await, rig.ask(read("/")).await, "the new session works");
        let ephemerals = four_letter::ephemerals(server).await.unwrap();
        assert!(ephemerals.is_empty(), "round {round}: {ephemerals:?}");
        session = next;
    }
    rig.close().await;
}

#[tokio::test]
async fn the_lease_ends_before_the_session_is_closed() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let up = rig.connected().await;
    assert!(up.remaining() > Duration::ZERO);
    // Probes go on being answered, and would extend it; only the last word is not heard.
    let held = proxy.hold_reply(OpCode::CloseSession);
    let closed = rig.start_to_close();
    let asked = |record: &zookeeper_testkit::proxy::Record| record.count(OpCode::CloseSession) > 0;
    proxy.wait_for(TEST_TIMEOUT, asked).await.unwrap();
    assert_eq!(up.lease.until(), None);
    drop(held);
    closed.await.unwrap();
    assert_eq!(up.lease.until(), None);
}

#[tokio::test]
async fn an_expiry_while_cut_off_is_told_in_order() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    let up = rig.connected().await;
    assert_eq!(rig.state().await, SessionState::Connecting);
    assert_eq!(rig.state().await, SessionState::Connected);
    let password = proxy.handshakes()[0].response.clone().unwrap().password;
    let refuse = proxy.refuse();
    proxy.cut();
    assert!(matches!(rig.notice().await, Notice::Disconnected));
    assert!(matches!(rig.state().await, SessionState::Suspended { .. }));
    expire_session(server, up.session.0, &password).await.unwrap();
    refuse.end();
    assert!(matches!(rig.notice().await, Notice::SessionLost));
    assert_eq!(up.lease.until(), None, "the lease has ended by then");
    assert_eq!(rig.state().await, SessionState::Lost);
    assert_eq!(rig.state().await, SessionState::Connecting);
    assert!(matches!(rig.notice().await, Notice::Connected { .. }));
    assert_eq!(rig.state().await, SessionState::Connected);
    rig.close().await;
}

#[tokio::test]
async fn a_wiped_ensemble_costs_the_session_and_nothing_else() {
    let ensemble = Ensemble::single().await.unwrap();
    let mut rig = Rig::start(&ensemble.connect_string(), seconds(2.0));
    let up = rig.connected().await;
    for i in 0..20 {
        rig.create(&format!("/n{i}")).await;
    }
    // From here on the servers are behind what the session has seen, and let nobody in who says so.
    ensemble.wipe().await.unwrap();
    rig.lost().await;
    assert_ne!(rig.connected().await.session, up.session);
    rig.create("/n0").await;
    rig.close().await;
}

#[tokio::test]
async fn closing_ends_the_session_at_once() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let mut rig = Rig::start(&ensemble.connect_string(), T);
    let up = rig.connected().await;
    rig.create("/m").await;
    let closed = rig.start_to_close();
    timeout(TEST_TIMEOUT, closed).await.unwrap().unwrap();
    assert!(four_letter::sessions(server).await.unwrap().is_empty());
    assert_eq!(up.lease.until(), None);
    assert!(matches!(rig.notice().await, Notice::SessionLost));
    for expected in [SessionState::Connecting, SessionState::Connected, SessionState::Closed] {
        assert_eq!(rig.state().await, expected);
    }
    rig.ended().await;
}

#[tokio::test]
async fn who_drops_the_session_ends_it() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let mut rig = Rig::start(&ensemble.connect_string(), T);
    rig.connected().await;
    rig.create("/m").await;
    rig.commands = mpsc::unbounded_channel().0;
    rig.ended().await;
    assert!(four_letter::sessions(server).await.unwrap().is_empty());
    let mut raw = RawClient::connect(server, T, None).await.unwrap();
    assert_eq!(raw.exists("/m").await.unwrap(), None);
}

#[tokio::test]
async fn a_close_that_is_cut_off_is_tried_again() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    for is_carried_out in [false, true] {
        let mut rig = Rig::start(&proxy.connect_string(), T);
        rig.connected().await;
        proxy.forget();
        let cut = is_carried_out.then(|| proxy.cut_before_reply(OpCode::CloseSession));
        let hold = (!is_carried_out).then(|| proxy.hold(Direction::ToServer));
        let closed = rig.start_to_close();
        proxy.wait_for(TEST_TIMEOUT, |record| record.count(OpCode::CloseSession) > 0).await.unwrap();
        if let Some(hold) = hold {
            proxy.cut();
            hold.end();
        }
        timeout(TEST_TIMEOUT, closed).await.unwrap().unwrap();
        assert!(four_letter::sessions(server).await.unwrap().is_empty());
        assert_eq!(rig.state().await, SessionState::Connecting);
        assert_eq!(rig.state().await, SessionState::Connected);
        assert!(matches!(rig.state().await, SessionState::Suspended { .. }));
        assert_eq!(rig.state().await, SessionState::Closed, "not lost: it was to end");
        drop(cut);
    }
}

#[tokio::test]
async fn closing_gives_up_where_there_is_no_server() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let mut rig = Rig::start(&proxy.connect_string(), T);
    rig.connected().await;
    let refuse = proxy.refuse();
    proxy.cut();
    rig.disconnected().await;
    let begun = Instant::now();
    rig.close().await;
    assert!(begun.elapsed() >= seconds(1.9), "it was tried for a while: {:?}", begun.elapsed());
    refuse.end();

    let mute = proxy.accept_and_say_nothing();
    let rig = Rig::start(&proxy.connect_string(), T);
    rig.close().await;
    drop(mute);
}

fn greeting(timeout_ms: i32, session_id: i64) -> Vec<u8> {
    let timeout = Duration::from_millis(timeout_ms.unsigned_abs().into());
    frame(&ConnectRequest { session_id, ..ConnectRequest::new(timeout) }.encode())
}

/// Asks a relay for a session, and returns its answer if it gives one.
async fn knock(address: std::net::SocketAddr, timeout_ms: i32, session: i64) -> Option<ConnectResponse> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(&greeting(timeout_ms, session)).await.ok()?;
    let body = timeout(TEST_TIMEOUT, read_frame(&mut stream)).await.expect("an answer or an end").ok()??;
    ConnectResponse::decode(&body).ok()
}

#[tokio::test]
async fn the_relay_turns_strangers_away() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = TcpStream::connect(upstream.local_addr().unwrap()).await.unwrap();
    let (mut seen_by_server, _) = upstream.accept().await.unwrap();
    let relay = Relay::open().await.unwrap();
    let address = relay.address().unwrap();
    let secret = i32::try_from(relay.client_timeout().as_millis()).unwrap();
    let (commands, relay_commands) = mpsc::unbounded_channel();
    let (relay_events, mut events) = mpsc::unbounded_channel();
    let running = tokio::spawn(relay.run(server, Arc::default(), MAX_FRAME, relay_commands, relay_events));

    assert_eq!(knock(address, secret - 1, 0).await, None);
    assert_eq!(knock(address, 10_000, 0).await, None);
    assert_eq!(knock(address, secret, 5).await, None, "our client asks for no session by name");
    // One that hangs up, and one that speaks of something else.
    drop(TcpStream::connect(address).await.unwrap());
    let mut stranger = TcpStream::connect(address).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(stranger.read(&mut [0; 64]).await.unwrap_or(0), 0);

    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&greeting(secret, 0)).await.unwrap();
    let granted = read_frame(&mut client).await.unwrap().unwrap();
    let granted = ConnectResponse::decode(&granted).unwrap();
    assert_eq!(
        (granted.timeout, granted.session_id),
        (Duration::from_millis(secret.unsigned_abs().into()), 1)
    );
    assert_eq!(knock(address, secret, 0).await, None, "the door is closed behind it");

    // Nothing of all this has reached the server.
    let ping = ping_frame();
    client.write_all(&ping).await.unwrap();
    assert_eq!(frame(&read_frame(&mut seen_by_server).await.unwrap().unwrap()), ping);
    drop(client);
    assert!(timeout(TEST_TIMEOUT, events.recv()).await.unwrap().is_some(), "its end is told");
    // It holds on to the client until it is dropped, but not to the server.
    let closed = timeout(TEST_TIMEOUT, read_frame(&mut seen_by_server)).await.unwrap();
    assert!(matches!(closed, Ok(None) | Err(_)));
    assert!(!running.is_finished());
    running.abort();
    drop(commands);
}
