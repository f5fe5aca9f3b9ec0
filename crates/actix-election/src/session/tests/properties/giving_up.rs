//! Sessions that are given up at the end of their lease: closed before anything else, and never attached for anything else.

use super::super::*;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::OpCode;
use zookeeper_testkit::{Ensemble, FaultProxy, four_letter};

const T: Duration = Duration::from_secs(2);

/// A candidate's session behind a proxy, with an ephemeral znode, from its creation until it is lost.
async fn lose(rig: &mut Rig, proxy: &FaultProxy) -> Up {
    let up = rig.connected().await;
    assert_eq!(rig.state().await, SessionState::Connecting);
    assert_eq!(rig.state().await, SessionState::Connected);
    rig.create("/m").await;
    let (hole, refuse) = (proxy.hold(Direction::Both), proxy.refuse());
    rig.disconnected().await;
    let until = up.lease.until().expect("the lease runs on");
    assert_eq!(rig.state().await, SessionState::Suspended { until });
    rig.lost().await;
    assert!(clock::now() >= until, "not before its lease ends");
    assert_eq!(up.lease.until(), None);
    assert_eq!(rig.state().await, SessionState::Lost);
    assert_eq!(rig.state().await, SessionState::Connecting);
    // What was held back is of connections that are gone.
    proxy.cut();
    hole.end();
    refuse.end();
    up
}

#[tokio::test]
async fn it_is_closed_before_the_next_one_is_opened() {
    when_the_machine_runs(T / 50, async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        let server = ensemble.server(0).address();
        let proxy = FaultProxy::start(server).unwrap();
        for auth in [Vec::new(), digest("a:b")] {
            let mut rig = Rig::observer(&proxy.connect_string(), T, auth);
            rig.commands.send(Command::Candidate(ME, true)).unwrap();
            let up = lose(&mut rig, &proxy).await;
            let next = rig.connected().await;
            assert_ne!(next.session, up.session);
            assert_eq!(four_letter::sessions(server).await.unwrap().len(), 1, "the old one is gone");
            assert_eq!(rig.ask(read("/m")).await, Reply::Missing);
            assert_eq!(rig.state().await, SessionState::Connected);
            assert_eq!(up.lease.until(), None, "the old lease is not extended by the new session");
            rig.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_close_goes_out_with_the_attach_whatever_becomes_of_the_connection() {
    when_the_machine_runs(T / 50, async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        let server = ensemble.server(0).address();
        let proxy = FaultProxy::start(server).unwrap();
        let mut rig = Rig::start(&proxy.connect_string(), T);
        let up = lose(&mut rig, &proxy).await;
        let first = proxy.handshakes().len();
        // The server's words never come through, and the connection is reset.
        let cut = proxy.cut_before_reply(OpCode::CloseSession);
        let next = rig.connected().await;
        drop(cut);
        assert_ne!(next.session, up.session);
        let attached: Vec<_> = proxy.handshakes().split_off(first);
        let of_old = attached.iter().filter(|handshake| handshake.request.session_id == up.session.0).count();
        assert!(of_old >= 1, "{attached:?}");
        let closes = proxy.requests().iter().filter(|request| request.op == OpCode::CloseSession).count();
        assert_eq!(closes, of_old, "it is never attached without being closed");
        assert_eq!(four_letter::sessions(server).await.unwrap().len(), 1);
        rig.close().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_is_to_close_it_does_so_in_time() {
    when_the_machine_runs(T / 50, async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        let server = ensemble.server(0).address();
        let proxy = FaultProxy::start(server).unwrap();
        // Given up for want of a lease, and then nobody needs it any more.
        let mut rig = Rig::start(&proxy.connect_string(), T);
        lose(&mut rig, &proxy).await;
        rig.close().await;
        assert!(four_letter::sessions(server).await.unwrap().is_empty());
        // Cut off when nobody needs it any more.
        let mut rig = Rig::start(&proxy.connect_string(), Duration::from_secs(10));
        rig.connected().await;
        proxy.forget();
        let refuse = proxy.refuse();
        proxy.cut();
        rig.disconnected().await;
        let closed = rig.start_to_close();
        refuse.end();
        timeout(TEST_TIMEOUT, closed).await.unwrap().unwrap();
        assert!(four_letter::sessions(server).await.unwrap().is_empty());
        assert_eq!(proxy.requests().iter().filter(|request| request.op == OpCode::CloseSession).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_first_candidate_gets_a_session_with_a_lease() {
    when_the_machine_runs(T / 50, async |_| {
        let ensemble = Ensemble::single().await.unwrap();
        let mut rig = Rig::observer(&ensemble.connect_string(), T, Vec::new());
        let up = rig.connected().await;
        assert!(!up.remaining().is_zero(), "it began with a lease");
        // Without candidates the lease runs out, and nothing comes of that. A connection may end meanwhile, if the server is
        // silent for T/5: then the attach to the next one extends the lease.
        while !up.remaining().is_zero() {
            tokio::time::sleep(up.remaining()).await;
        }
        assert!(matches!(rig.ask_on_any_connection(read("/")).await, Reply::Found(_)));
        rig.commands.send(Command::Candidate(ME, true)).unwrap();
        rig.lost().await;
        let next = rig.connected().await;
        assert_ne!(next.session, up.session);
        assert!(next.remaining() > T / 2);
        rig.close().await;
    })
    .await;
}
