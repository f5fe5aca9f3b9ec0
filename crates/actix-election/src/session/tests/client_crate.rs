//! Facts about zookeeper-async 5.0.0 that the adapter leans on, or is built around. An upgrade that changes one
//! turns a test red.
//!
//! Since the crate's client lives for one connection to the relay, most of what it does when a connection ends is
//! moot: it never comes to it. The facts by number, in short, and what became of each:
//!
//! | # | fact | handled | pinned by |
//! |---|---|---|---|
//! | 1 | silence is noticed late | the monitor leaves silent servers; the client's timeout is days | [`a_timeout_of_weeks_is_asked_for_and_taken`] |
//! | 2 | opens a new session after an expiry | one client for one connection | [`after_an_expiry_it_opens_a_new_session`] |
//! | 3 | no `Drop` | a runtime for each connection, dropped with it | [`dropped_it_lives_on_and_with_its_runtime_it_ends`] |
//! | 4 | watches are not set again | every request ends with its connection; who watches asks again | [`watches_are_not_set_again`] |
//! | 5 | requests wait for a reconnect | moot: there is none | [`requests_wait_while_it_is_disconnected`] |
//! | 6 | no `sync` | probes | the compiler |
//! | 7 | no session id, no timeout | the dialler reads the handshake | the compiler |
//! | 8 | credentials are not sent again; replies out of band | sent first on every connection, one at a time | [`credentials_are_not_sent_again`], [`credentials_have_an_answer`] |
//! | 9 | `connect` returns once TCP stands | only ever the relay is dialled | [`connected_before_the_handshake`] |
//! | 10 | names are resolved once | `servers`; the client is given an address | moot |
//! | 11 | a short timeout is a storm of reconnects | the timeout is never short | [`a_timeout_of_weeks_is_asked_for_and_taken`] |
//! | 12 | listeners run in its own task | none is used; watchers only send to a channel without bounds | moot |
//! | 13 | its ping waits for itself | it never pings: the relay does. No more than 256 requests are under way | [`a_timeout_of_weeks_is_asked_for_and_taken`] |
//! | 14 | the first `Connected` can be missed | no listener is used | moot |
//! | 15 | its recipes | not used | moot |
//! | 16 | logs the password | it only ever sees the relay's, which is zeros | moot |
//! | 17 | bytes survive a reconnect; replies by order | never reconnects; the relay checks the order | [`replies_are_matched_by_order`] |
//! | 18 | a reconnect can hang | never reconnects; the runtime is dropped whatever hangs in it | `nothing_of_an_old_connection_comes_after_a_new_one` |
//! | 19 | requests are written before `Connected` | the relay's session is attached before the client is there | [`connected_before_the_handshake`] |
//! | 20 | an expiry can be watched on its own runtime | the relay sees it first | moot |

use super::fake::{FakeConnection, FakeServer, NO_NODE, node};
use super::*;
use futures::FutureExt;
use std::net::SocketAddr;
use zookeeper_async::{Acl, CreateMode, WatchedEvent, WatchedEventType, ZkError, ZkState, ZooKeeper};
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::wire::{OpCode, RawClient, expire_session};
use zookeeper_testkit::{Ensemble, FaultProxy, four_letter};

const T: Duration = Duration::from_secs(20);

async fn client(address: SocketAddr, asked: Duration) -> ZooKeeper {
    let address = address.to_string();
    let connect = ZooKeeper::connect(&address, asked, |_: WatchedEvent| ());
    timeout(TEST_TIMEOUT, connect).await.expect("connected in time").unwrap()
}

/// The crate's client, and the made-up server that it is attached to.
async fn attached(asked: Duration) -> (ZooKeeper, FakeConnection) {
    let server = FakeServer::start().await;
    let (client, (connection, _)) = tokio::join!(client(server.address(), asked), server.attach(1, asked));
    (client, connection)
}

async fn create_ephemeral(client: &ZooKeeper, path: &str) -> Result<(), ZkError> {
    client.create(path, Vec::new(), Acl::open_unsafe().clone(), CreateMode::Ephemeral).await.map(drop)
}

#[tokio::test]
async fn a_timeout_of_weeks_is_asked_for_and_taken() {
    let server = FakeServer::start().await;
    let weeks = Duration::from_millis(i32::MAX as u64);
    let (client, (mut connection, request)) =
        tokio::join!(client(server.address(), weeks), server.attach(1, weeks));
    assert_eq!((request.timeout, request.session_id, request.last_zxid), (weeks, 0, 0));
    for _ in 0..2 {
        let (read, ()) = tokio::join!(client.get_data("/m", false), async {
            let request = connection.request().await.unwrap();
            assert_eq!(request.op, OpCode::GetData, "no ping before it, and no reconnect");
            connection.reply(request.xid, 0, &node(b"x", 3, 4)).await;
        });
        let (data, stat) = read.unwrap();
        assert_eq!((data, stat.czxid, stat.ephemeral_owner), (b"x".to_vec(), 3, 4));
        // Time flies by: with timers of days, nothing but what is asked goes out.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3600)).await;
        tokio::time::resume();
    }
}

#[tokio::test]
async fn after_an_expiry_it_opens_a_new_session() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let client = client(proxy.address(), T).await;
    client.exists("/", false).await.unwrap();
    let first = proxy.handshakes()[0].response.clone().unwrap();
    expire_session(proxy.upstream(), first.session_id, &first.password).await.unwrap();
    proxy.wait_for(TEST_TIMEOUT, |record| record.sessions().len() > 1).await.unwrap();
}

#[tokio::test]
async fn dropped_it_lives_on_and_with_its_runtime_it_ends() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let address = proxy.address();
    let (end, ended) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = client(address, seconds(2.0)).await;
            create_ephemeral(&client, "/m").await.unwrap();
            drop(client);
            let _ = ended.await;
        });
        runtime.shutdown_timeout(Duration::ZERO);
    });
    proxy.wait_for(TEST_TIMEOUT, |record| record.count(OpCode::Ping) > 1).await.unwrap();
    assert_eq!(proxy.open_connections(), 1, "nobody holds it, and it pings");
    drop(end);
    proxy.wait_for(TEST_TIMEOUT, |record| record.open == 0).await.unwrap();
    thread.join().unwrap();
}

#[tokio::test]
async fn watches_are_not_set_again() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let client = client(proxy.address(), T).await;
    client.exists_w("/m", |_| ()).await.unwrap();
    assert_eq!(four_letter::watch_count(proxy.upstream()).await.unwrap(), 1);
    proxy.cut();
    proxy.wait_for(TEST_TIMEOUT, |record| record.handshakes.len() > 1).await.unwrap();
    client.exists("/", false).await.unwrap();
    assert_eq!(four_letter::watch_count(proxy.upstream()).await.unwrap(), 0);
}

#[tokio::test]
async fn requests_wait_while_it_is_disconnected() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let address = proxy.connect_string();
    let connect =
        ZooKeeper::connect_with_retry_time(&address, T, |_: WatchedEvent| (), Duration::from_millis(10));
    let client = connect.await.unwrap();
    client.exists("/", false).await.unwrap();
    let (states, mut noticed) = mpsc::unbounded_channel();
    client.add_listener(move |state| states.send(state).unwrap());
    let refuse = proxy.refuse();
    proxy.cut();
    assert_eq!(timeout(TEST_TIMEOUT, noticed.recv()).await.unwrap(), Some(ZkState::Connecting));
    let create = timeout(Duration::from_millis(300), create_ephemeral(&client, "/late")).await;
    assert!(create.is_err(), "it has no deadline of its own");
    refuse.end();
    // Given up long ago, and created all the same.
    proxy.wait_for(TEST_TIMEOUT, |record| record.count(OpCode::Create) > 0).await.unwrap();
}

#[tokio::test]
async fn credentials_are_not_sent_again() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let client = client(proxy.address(), T).await;
    client.add_auth("digest", b"me:secret".to_vec()).await.unwrap();
    client.create("/m", Vec::new(), Acl::creator_all().clone(), CreateMode::Ephemeral).await.unwrap();
    client.get_data("/m", false).await.unwrap();
    proxy.cut();
    proxy.wait_for(TEST_TIMEOUT, |record| record.handshakes.len() > 1).await.unwrap();
    assert_eq!(client.get_data("/m", false).await.map(drop), Err(ZkError::NoAuth));
}

#[tokio::test]
async fn credentials_have_an_answer() {
    let (client, mut connection) = attached(T).await;
    for (error, expected) in [(0, Ok(())), (-115, Err(ZkError::AuthFailed))] {
        let (answer, ()) = tokio::join!(client.add_auth("digest", b"me:x".to_vec()), async {
            let request = connection.request().await.unwrap();
            assert_eq!((request.xid, request.op), (-4, OpCode::Auth));
            connection.reply(-4, error, &[]).await;
        });
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn connected_before_the_handshake() {
    let server = FakeServer::start().await;
    let (client, mut connection) = tokio::join!(client(server.address(), T), server.accept());
    // Connected, and nothing was answered yet; a request goes out right behind the handshake.
    let mut exists = Box::pin(client.exists("/m", false));
    assert!(exists.as_mut().now_or_never().is_none());
    connection.handshake().await;
    let request = connection.request().await.unwrap();
    assert_eq!(request.op, OpCode::Exists);
    connection.grant(1, T).await;
    connection.reply(request.xid, NO_NODE, &[]).await;
    assert_eq!(timeout(TEST_TIMEOUT, exists).await.unwrap().map(|stat| stat.is_none()), Ok(true));
}

#[tokio::test]
async fn replies_are_matched_by_order() {
    let (client, mut connection) = attached(T).await;
    let (first, second, ()) =
        tokio::join!(client.get_data("/a", false), client.get_data("/b", false), async {
            let requests = [connection.request().await.unwrap(), connection.request().await.unwrap()];
            assert_eq!(requests[0].path.as_deref(), Some("/a"), "and requests go out in order");
            assert_eq!(requests[1].xid, requests[0].xid + 1, "with numbers that count up");
            connection.reply(requests[1].xid, 0, &node(b"of b", 1, 1)).await;
            connection.reply(requests[0].xid, 0, &node(b"of a", 1, 1)).await;
        });
    assert_eq!(first.unwrap().0, b"of b", "without the relay's check, a wrong answer");
    assert_eq!(second.unwrap().0, b"of a");
}

#[tokio::test]
async fn error_codes_keep_their_meaning() {
    let (client, mut connection) = attached(T).await;
    for (code, expected) in [
        (-4, ZkError::ConnectionLoss),
        (-5, ZkError::MarshallingError),
        (-7, ZkError::OperationTimeout),
        (-101, ZkError::NoNode),
        (-102, ZkError::NoAuth),
        (-108, ZkError::NoChildrenForEphemerals),
        (-110, ZkError::NodeExists),
        (-111, ZkError::NotEmpty),
        (-112, ZkError::SessionExpired),
        (-118, ZkError::SessionMoved),
        (-12345, ZkError::Unimplemented),
    ] {
        let (answer, ()) = tokio::join!(client.delete("/m", None), async {
            let request = connection.request().await.unwrap();
            connection.reply(request.xid, code, &[]).await;
        });
        assert_eq!(answer, Err(expected), "{code}");
    }
    let (answer, ()) = tokio::join!(client.get_data("/m", false), async {
        let request = connection.request().await.unwrap();
        connection.reply(request.xid, 0, &[1, 2, 3]).await;
    });
    assert_eq!(answer.map(drop), Err(ZkError::MarshallingError), "an answer that is cut short");
}

#[tokio::test]
async fn the_end_of_the_connection_ends_what_is_under_way() {
    let (client, mut connection) = attached(T).await;
    let (answer, ()) = tokio::join!(client.get_data("/m", false), async {
        connection.request().await.unwrap();
        drop(connection);
    });
    assert_eq!(answer.map(drop), Err(ZkError::ConnectionLoss));
}

#[tokio::test]
async fn which_requests_arm_a_watch_on_a_missing_node() {
    let ensemble = Ensemble::single().await.unwrap();
    let server = ensemble.server(0).address();
    let client = client(server, T).await;
    let (events, mut fired) = mpsc::unbounded_channel();
    let watcher = |name: &'static str| {
        let events = events.clone();
        move |event: WatchedEvent| events.send((name, event.event_type)).unwrap()
    };
    let read = client.get_data_w("/m", watcher("read")).await;
    assert_eq!(read.map(drop), Err(ZkError::NoNode));
    assert_eq!(four_letter::watch_count(server).await.unwrap(), 0, "a read arms none");
    assert!(client.exists_w("/m", watcher("exists")).await.unwrap().is_none());
    assert_eq!(four_letter::watch_count(server).await.unwrap(), 1, "a look does");
    create_ephemeral(&client, "/m").await.unwrap();
    let mut names = Vec::new();
    for _ in 0..2 {
        let (name, event) = timeout(TEST_TIMEOUT, fired.recv()).await.unwrap().unwrap();
        assert_eq!(event, WatchedEventType::NodeCreated);
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(names, ["exists", "read"], "both are called: the adapter has to know better");
}

#[tokio::test]
async fn closing_does_not_wait_for_the_answer() {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    let client = client(proxy.address(), T).await;
    create_ephemeral(&client, "/m").await.unwrap();
    let hold = proxy.hold(Direction::ToClient);
    // It waits for no answer: this is why the relay closes sessions itself.
    timeout(TEST_TIMEOUT, client.close()).await.unwrap().unwrap();
    hold.end();
    let mut raw = RawClient::connect(proxy.upstream(), T, None).await.unwrap();
    let gone = async { while raw.exists("/m").await.unwrap().is_some() {} };
    timeout(TEST_TIMEOUT, gone).await.unwrap();
    assert_eq!(create_ephemeral(&client, "/n").await, Err(ZkError::ConnectionLoss), "it is over");
}
