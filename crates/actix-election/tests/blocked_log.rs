//! A subscriber that blocks holds up no election and no stop. A binary of its own, for it is the only one of the process.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{StandbyReason, flush_logs};
use common::{Role, path, session, soon};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::{FaultProxy, TestServer};

const T: Duration = Duration::from_secs(4);

/// Never comes back, as a write(2) to a pipe that nobody reads.
struct Deaf;

impl<S: Subscriber> Layer<S> for Deaf {
    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        // The server of this test logs from its own thread, and is to go on.
        metadata.target().starts_with("actix_election") && *metadata.level() <= Level::INFO
    }

    fn on_event(&self, _: &Event<'_>, _: LayerContext<'_, S>) {
        loop {
            std::thread::park();
        }
    }
}

#[actix::test]
async fn a_master_whose_log_nobody_takes_is_told_and_can_be_stopped() {
    tracing_subscriber::registry().with(Deaf).init();
    when_the_machine_runs(T / 50, async |_| {
        let server = TestServer::builder().tick(Duration::from_millis(500)).start().await.unwrap();
        let proxy = FaultProxy::start(server.address()).unwrap();
        let session = session(proxy.address(), T);
        let mut role = Role::start();
        let election = Election::builder(&path("deaf")).role(&role.address).campaign(&session).await.unwrap();
        role.master().await;
        assert!(!flush_logs(Duration::from_millis(1)), "the subscriber hangs");

        let silence = proxy.hold(Direction::Both);
        // With this reason it is told before the lease ends, and not after.
        role.standby(StandbyReason::LeaseEnding).await;
        silence.end();
        role.master().await;
        election.resign();
        role.standby(StandbyReason::Resigned).await;
        soon(session.close(), "closed").await;
    })
    .await;
}
