//! Which replies, watch events and requests faults choose: by operation, by path or by session.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use std::time::{Duration, Instant};

use common::frames::{Came, DEADLINE, Frames, set_data, watched};
use zookeeper_testkit::server::ReplyFilter;
use zookeeper_testkit::wire::{ErrorCode, OpCode};
use zookeeper_testkit::{FaultProxy, ServerFault, TestServer};

/// By what a fault chooses.
#[derive(Debug, Clone, Copy)]
enum By {
    Operation,
    Path,
    Session,
}

/// What is chosen: the reply to the victim's `exists` on `/a`, or the event of its watch there.
#[derive(Debug, Clone, Copy)]
enum What {
    Reply,
    Event,
}

struct Scene {
    server: TestServer,
    victim: Frames,
    other: Frames,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::builder().max_session_timeout(common::TIMEOUT).start().await.unwrap();
        let mut victim = Frames::connect(server.address()).await;
        for path in ["/a", "/b"] {
            victim.create(path).await;
            victim.watch(OpCode::GetData, path).await;
        }
        let other = Frames::connect(server.address()).await;
        Self { server, victim, other }
    }

    fn filter(&self, what: What, by: By) -> ReplyFilter {
        let any = match what {
            What::Reply => ReplyFilter::any(),
            What::Event => ReplyFilter::to(OpCode::Notification),
        };
        match (what, by) {
            (What::Reply, By::Operation) => ReplyFilter::to(OpCode::Exists),
            (What::Event, By::Operation) => any,
            (_, By::Path) => any.on("/a"),
            (_, By::Session) => any.of(self.victim.session),
        }
    }

    /// Something passes that is nearly what is chosen.
    async fn spare(&mut self, what: What, by: By) {
        match (what, by) {
            (What::Reply, By::Operation) => {
                drop(self.victim.call(OpCode::GetChildren, watched("/a", false)).await)
            }
            (What::Reply, By::Path) => drop(self.victim.stat("/b").await),
            (What::Reply, By::Session) => drop(self.other.stat("/a").await),
            (What::Event, By::Operation) => drop(self.victim.stat("/a").await),
            (What::Event, By::Path) => {
                self.other.set("/b", b"").await;
                assert_eq!(self.victim.event().await, (3, "/b".to_owned()));
            }
            (What::Event, By::Session) => {
                self.other.watch(OpCode::Exists, "/c").await;
                assert_eq!(self.other.create("/c").await.events, [(1, "/c".to_owned())]);
            }
        }
    }

    async fn provoke(&mut self, what: What) {
        match what {
            What::Reply => self.victim.send(OpCode::Exists, watched("/a", false)).await,
            What::Event => self.other.send(OpCode::SetData, set_data("/a", b"", -1)).await,
        };
    }
}

/// `begin` begins a fault, which spares what it is not for; `strikes` looks at the victim of one that is met.
async fn in_every_way(
    begin: impl Fn(&TestServer, ReplyFilter) -> ServerFault,
    strikes: impl AsyncFn(&mut Frames, ServerFault),
) {
    for what in [What::Reply, What::Event] {
        for by in [By::Operation, By::Path, By::Session] {
            let mut scene = Scene::new().await;
            let fault = begin(&scene.server, scene.filter(what, by));
            scene.spare(what, by).await;
            assert_eq!(fault.met(), None, "{fault}");
            scene.provoke(what).await;
            fault.wait_until_met(DEADLINE).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
            strikes(&mut scene.victim, fault).await;
        }
    }
}

#[tokio::test]
async fn lost_by_operation_path_or_session() {
    in_every_way(
        |server, filter| server.swallow_reply(filter),
        async |victim, fault| {
            assert_eq!(victim.ping().await.events, [], "{fault}");
            drop(fault);
        },
    )
    .await;
}

#[tokio::test]
async fn held_by_operation_path_or_session() {
    in_every_way(
        |server, filter| server.hold_reply(filter),
        async |victim, fault| {
            let said = fault.to_string();
            let waiting = victim.next();
            tokio::pin!(waiting);
            tokio::select! {
                biased;
                came = &mut waiting => panic!("{said}: {came:?}"),
                () = std::future::ready(()) => {}
            }
            drop(fault);
            assert_ne!(waiting.await, Came::Closed, "{said}");
        },
    )
    .await;
}

#[tokio::test]
async fn delayed_by_operation_path_or_session() {
    let by = Duration::from_millis(40);
    for what in [What::Reply, What::Event] {
        for choice in [By::Operation, By::Path, By::Session] {
            let mut scene = Scene::new().await;
            let fault = scene.server.delay_reply(scene.filter(what, choice), by);
            scene.spare(what, choice).await;
            assert_eq!(fault.met(), None, "{fault}");
            let provoked = Instant::now();
            scene.provoke(what).await;
            assert_ne!(scene.victim.next().await, Came::Closed);
            assert!(provoked.elapsed() >= by, "{fault}");
        }
    }
}

#[tokio::test]
async fn cut_by_operation_path_or_session() {
    in_every_way(
        |server, filter| server.cut_before_reply(filter),
        async |victim, fault| {
            assert!(victim.is_closed().await, "{fault}");
            drop(fault);
        },
    )
    .await;
}

#[tokio::test]
async fn refused_by_operation_path_or_session() {
    for by in [By::Operation, By::Path, By::Session] {
        let mut scene = Scene::new().await;
        let fault = scene.server.answer_error(scene.filter(What::Reply, by), ErrorCode::NoAuth);
        scene.spare(What::Reply, by).await;
        assert_eq!(fault.met(), None, "{fault}");
        for _ in 0..2 {
            let refused = scene.victim.call(OpCode::Exists, watched("/a", false)).await;
            assert_eq!(refused.error(), Some(ErrorCode::NoAuth), "{fault}");
        }
        drop(fault);
        assert!(scene.victim.stat("/a").await.is_some());
    }
}

/// The proxy chooses as the server does, from what it sees.
#[tokio::test]
async fn the_proxy_chooses_by_operation_path_or_session() {
    for what in [What::Reply, What::Event] {
        for by in [By::Operation, By::Path, By::Session] {
            let mut scene = Scene::new().await;
            let proxy = FaultProxy::start(scene.server.address()).unwrap();
            for client in [&mut scene.victim, &mut scene.other] {
                *client = client.attach(proxy.address()).await;
            }
            for path in ["/a", "/b"] {
                scene.victim.watch(OpCode::GetData, path).await;
            }
            let swallowing = proxy.swallow_reply(scene.filter(what, by));
            scene.spare(what, by).await;
            assert_eq!(swallowing.met(), None, "{swallowing}");
            scene.provoke(what).await;
            swallowing.wait_until_met(DEADLINE).await.unwrap_or_else(|error| panic!("{swallowing}: {error}"));
            assert_eq!(scene.victim.ping().await.events, [], "{swallowing}");
        }
    }
}
