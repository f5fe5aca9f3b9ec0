//! Attaching: what is known of the session after it, and what it takes.

use super::super::*;
use actix_election_core::Refusal;
use zookeeper_testkit::proxy::Handshake;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::{Acl, OpCode, RawClient, WireError};
use zookeeper_testkit::{Ensemble, FaultProxy};

/// The lease of a session that is attached and has sent one probe: T/50 less than T from the moment at which the
/// ConnectRequest was sent. Checks that this was between `begun` and its arrival at the proxy.
fn assert_lease_of_attach(up: &Up, begun: Timestamp, proxy: &FaultProxy) {
    let arrived = reading(proxy.handshakes().last().unwrap().requested_at);
    let span = up.timeout.span() - up.timeout.margin();
    let until = up.lease.until().unwrap();
    assert!(until >= begun + span, "{until:?}: sent after {begun:?}");
    assert!(until <= arrived + span, "{until:?}: sent before it arrived at {arrived:?}");
}

#[tokio::test]
async fn the_lease_goes_by_what_every_attach_granted() {
    let ensemble = Ensemble::builder().max_session_timeout(seconds(4.0)).start().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let begun = clock::now();
    let mut rig = Rig::observer(&proxy.connect_string(), seconds(60.0), Vec::new());
    let up = rig.connected().await;
    assert_eq!(up.timeout.span(), seconds(4.0), "60 s were asked for");
    assert_lease_of_attach(&up, begun, &proxy);

    let begun = clock::now();
    ensemble.restart_with("maxSessionTimeout", 3000).await.unwrap();
    let again = rig.reconnected().await;
    assert_eq!(again.session, up.session);
    assert_eq!(again.timeout.span(), seconds(3.0));
    assert_lease_of_attach(&again, begun, &proxy);
    assert_eq!(proxy.record().sessions(), [up.session.0], "the session is the one on the wire");
    rig.close().await;
}

#[tokio::test]
async fn a_session_that_is_granted_too_little_is_given_up_before_it_is_closed() {
    when_the_machine_runs(seconds(0.6), async |_| {
        // So long that its lease is not over before the server is back, however slow the machine.
        let long = seconds(30.0);
        let tick = Duration::from_millis(200);
        let ensemble = Ensemble::builder().tick(tick).max_session_timeout(long).start().await.unwrap();
        let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
        let mut rig = Rig::start(&proxy.connect_string(), long);
        let up = rig.connected().await;
        assert_eq!(up.timeout.span(), long);
        ensemble.restart_with("maxSessionTimeout", 800).await.unwrap();
        rig.lost().await;
        assert_eq!(up.lease.until(), None, "the lease ends first");
        // Otherwise its lease was over before the server was back, and what closes it is another attach.
        while !rig.problem().await.starts_with("the session is given up: at") {}
        let record = proxy.record();
        let short = |attach: &&Handshake| {
            attach.request.session_id == up.session.0
                && attach.response.as_ref().is_some_and(|granted| granted.timeout < seconds(1.0))
        };
        let attach = record.handshakes.iter().find(short).expect("an attach that grants too little");
        let mut sent = record.requests.iter().filter(|request| request.connection == attach.connection);
        assert!(sent.all(|request| request.op != OpCode::CloseSession), "its lease may still be relied on");
        rig.close().await;
    })
    .await;
}

#[tokio::test]
async fn no_server_at_the_start_and_then_there_is_one() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let refuse = proxy.refuse();
    let mut rig = Rig::start(&format!("localhost:{}", proxy.address().port()), seconds(4.0));
    assert_eq!(rig.state().await, SessionState::Connecting);
    let problem = rig.problem().await;
    assert!(problem.contains(&proxy.address().to_string()), "{problem}");
    refuse.end();
    rig.connected().await;
    assert_eq!(rig.state().await, SessionState::Connected, "and nothing was said twice");
    rig.close().await;
}

#[tokio::test]
async fn credentials_go_first_on_every_connection() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let proxy = FaultProxy::start(server).unwrap();
    let mut rig = Rig::observer(&proxy.connect_string(), seconds(20.0), digest("me:secret"));
    rig.connected().await;
    rig.create("/m").await;
    let mut other = RawClient::connect(server, seconds(20.0), None).await.unwrap();
    assert!(matches!(other.get_data("/m").await, Err(WireError::Refused(_))), "only its creator may read it");
    for _ in 0..5 {
        proxy.cut();
        rig.disconnected().await;
        rig.connected().await;
        match rig.ask_on_any_connection(read("/m")).await {
            Reply::Found(node) => assert_eq!(node.data, b"here:1"),
            other => panic!("not read: {other:?}"),
        }
    }
    let record = proxy.record();
    let first = |connection| record.requests.iter().find(|request| request.connection == connection);
    // A handshake that is not answered in time is followed by nothing.
    let firsts = record.handshakes.iter().filter_map(|handshake| first(handshake.connection));
    let firsts: Vec<_> = firsts.map(|request| request.op).collect();
    assert!(firsts.len() >= 6 && firsts.iter().all(|op| *op == OpCode::Auth), "{firsts:?}");
    rig.close().await;
}

#[tokio::test]
async fn a_denied_node_is_refused() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let mut raw = RawClient::connect(server, seconds(10.0), None).await.unwrap();
    raw.create("/closed", b"", &Acl::read_only(), Default::default()).await.unwrap();
    let mut rig = Rig::start(&ensemble.connect_string(), seconds(20.0));
    rig.connected().await;
    assert_eq!(rig.ask(create("/closed/m")).await, Reply::Refused(Refusal::NoAuth));
    rig.create("/m").await;
    assert_eq!(rig.ask(create("/m")).await, Reply::Refused(Refusal::NodeExists));
    assert_eq!(rig.ask(create("/m/n")).await, Reply::Refused(Refusal::EphemeralParent));
    assert_eq!(rig.ask(create("/no/n")).await, Reply::Refused(Refusal::NoParent));
    assert_eq!(rig.ask(read("/no")).await, Reply::Missing);
    assert_eq!(rig.ask(Operation::Delete { path: "/no".into() }).await, Reply::Missing);
    assert_eq!(rig.ask(Operation::Delete { path: "/m".into() }).await, Reply::Done);
    rig.close().await;
}

#[tokio::test]
async fn rejected_credentials_are_a_problem_told_once() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let auth = vec![Auth { scheme: "nonsense".into(), credentials: "x".into() }];
    let mut rig = Rig::observer(&proxy.connect_string(), seconds(10.0), auth);
    let problem = rig.problem().await;
    assert!(problem.contains("rejects the nonsense credentials"), "{problem}");
    let begun = Instant::now();
    proxy.wait_for(TEST_TIMEOUT, |record| record.handshakes.len() >= 6).await.unwrap();
    // Pauses of at least 20, 40, 80 and 160 ms; the first may have begun before.
    assert!(begun.elapsed() >= Duration::from_millis(280), "paced: {:?}", begun.elapsed());
    assert_eq!(proxy.record().sessions().len(), 1, "one session, however often it is attached");
    let closed = rig.start_to_close();
    timeout(TEST_TIMEOUT, closed).await.unwrap().unwrap();
    assert_eq!(rig.state().await, SessionState::Closed, "without another problem");
}

#[tokio::test]
async fn paths_are_below_the_chroot_which_is_created() {
    let ensemble = Ensemble::single().await.unwrap();
    let mut rig = Rig::start(&format!("{}/app/x", ensemble.connect_string()), seconds(20.0));
    rig.connected().await;
    assert_eq!(rig.ask(create("/m")).await, Reply::Refused(Refusal::NoParent));
    assert_eq!(rig.ask(Operation::CreateParents { path: "/m".into() }).await, Reply::Done);
    rig.create("/m").await;
    let armed = rig.send(watch("/m"));
    assert!(matches!(rig.notice().await, Notice::Answered(op, Reply::Found(_)) if op == armed));
    let mut raw = RawClient::connect(ensemble.server(0).address(), seconds(20.0), None).await.unwrap();
    raw.delete("/app/x/m", None).await.unwrap();
    assert_eq!(rig.event(armed).await, WatchEvent::Deleted);
    rig.close().await;
}
