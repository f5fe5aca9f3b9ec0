//! `elect dev`: a ZooKeeper inside this process.

use std::io;

use tracing::level_filters::LevelFilter;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::server::DataError;

use crate::args::DevArgs;
use crate::exit::Ending;
use crate::logs;
use crate::output::Output;
use crate::runtime;
use crate::stop::{Kind, Stop};

pub(crate) fn run(args: &DevArgs) -> Ending {
    match args.log {
        Some(level) => logs::start_for("zookeeper_testkit", level.into()),
        None => logs::start(LevelFilter::WARN),
    }
    let stop = match Stop::on_signals(Kind::Endless) {
        Ok(stop) => stop,
        Err(ending) => return ending,
    };
    let runtime = match runtime::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return runtime::no_runtime(error),
    };
    runtime.block_on(serve(args, &stop)).unwrap_or_else(|ending| ending)
}

async fn serve(args: &DevArgs, stop: &Stop) -> Result<Ending, Ending> {
    let output = Output::start(stop.clone())
        .map_err(|error| Ending::Failed(format!("cannot write to standard output: {error}")))?;
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
        error = server.disk_failure() => Err(Ending::Failed(format!("ended, for data cannot be kept: {error}"))),
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
