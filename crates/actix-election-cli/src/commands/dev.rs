//! `elect dev`: a ZooKeeper inside this process.

use std::io;

use tracing::level_filters::LevelFilter;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::server::DataError;

use super::Context;
use crate::args::DevArgs;
use crate::exit::Ending;
use crate::logs;

pub(super) fn start_logs(args: &DevArgs) {
    match args.log {
        Some(level) => logs::start_for("zookeeper_testkit", level.into()),
        None => logs::start(LevelFilter::WARN),
    }
}

pub(super) async fn run(args: &DevArgs, Context { output, stop }: &Context) -> Result<Ending, Ending> {
    let mut builder = TestServer::builder()
        .listen(args.listen)
        .tick(args.tick)
        .max_client_connections(args.max_connections)
        .container_interval(args.container_interval);
    if let Some(folder) = &args.data {
        builder = builder.data(folder);
    }
    let server = builder.start().await.map_err(|error| not_started(args, &error))?;
    output.print(format!("listening on {}", server.address()));
    let why = tokio::select! {
        why = stop.requested() => Ok(why),
        error = server.disk_failure() => Err(Ending::Failed(format!("stopped, because data cannot be kept: {error}"))),
    };
    let closed = server.close();
    output.finish().await;
    let why = why?;
    closed.map_err(|error| Ending::Failed(format!("data cannot be kept: {error}")))?;
    Ok(stop.ending(why))
}

fn not_started(args: &DevArgs, error: &io::Error) -> Ending {
    let data = error.get_ref().is_some_and(|error| error.is::<DataError>());
    Ending::Failed(match data {
        true => format!("cannot keep data: {error}"),
        false => format!("cannot listen on {}: {error}", args.listen),
    })
}
