//! What is measured, one section a question.

mod departures;
mod handover;
mod herd;
mod idle;
mod many;
mod probes;
mod rolling;
mod step_down;

use std::time::Duration;

use clap::ValueEnum;
use zookeeper_testkit::Ensemble;
use zookeeper_testkit::wire::{Acl, CreateMode, ErrorCode, RawClient, WireError};

use crate::Outcome;
use crate::report::Part;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    /// Enough to see that the harness works; the figures mean nothing.
    Quick,
    Full,
}

impl Scale {
    pub(crate) fn is_quick(self) -> bool {
        self == Scale::Quick
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Section {
    /// The master resigns; when does the handler of the next one run?
    Handover,
    /// 5,000 and 10,000 elections on one session: elect, join, take over, memory
    Many,
    /// 10, 100 and 500 candidates in one election: what a change costs
    Herd,
    /// Processor and requests of a process while nothing happens
    Idle,
    /// What the probes of 1,000 processes cost the servers
    Probes,
    /// `kill -9`: when is another one master?
    Crash,
    /// SIGTERM: when is another one master?
    Exit,
    /// A master that is cut off: how early it steps down, and for how long there are two, beside Curator
    StepDown,
    /// Rolling restarts of the servers: who steps down for nothing, beside Curator
    Rolling,
}

impl Section {
    pub(crate) async fn run(self, scale: Scale) -> Outcome<Part> {
        match self {
            Section::Handover => handover::run(scale).await,
            Section::Many => many::run(scale).await,
            Section::Herd => herd::run(scale).await,
            Section::Idle => idle::run(scale).await,
            Section::Probes => probes::run(scale).await,
            Section::Crash => departures::crash(scale).await,
            Section::Exit => departures::exit(scale).await,
            Section::StepDown => step_down::run(scale).await,
            Section::Rolling => rolling::run(scale).await,
        }
    }
}

/// Where a session is to connect: the same server for the same session of each subject, as a follower is further from
/// the quorum than the leader. Sessions 1 and 2 are at followers.
async fn servers_for(ensemble: &Ensemble) -> Outcome<Vec<String>> {
    let followers = ensemble.followers().await?;
    let order = followers.into_iter().chain([ensemble.leader().await?]);
    Ok(order.map(|index| ensemble.server(index).address().to_string()).collect())
}

/// That server of `servers`.
fn server_of(servers: &[String], session: u32) -> &str {
    &servers[(session as usize + servers.len() - 1) % servers.len()]
}

/// Creates znodes that stay.
async fn create(ensemble: &Ensemble, paths: impl IntoIterator<Item = String>) -> Outcome<()> {
    let server = ensemble.server(ensemble.leader().await?).address();
    let mut client = RawClient::connect(server, Duration::from_secs(10), None).await?;
    for path in paths {
        match client.create(&path, b"", &Acl::open(), CreateMode::Persistent).await {
            Ok(_) | Err(WireError::Refused(ErrorCode::NodeExists)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(client.close().await?)
}
