//! `elect dev`: a ZooKeeper inside this process.

use tracing::level_filters::LevelFilter;
use zookeeper_testkit::TestServer;

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
    let server = TestServer::builder()
        .listen(args.listen)
        .tick(args.tick)
        .max_client_connections(args.max_connections)
        .container_interval(args.container_interval)
        .start()
        .await
        .map_err(|error| Ending::Failed(format!("cannot listen on {}: {error}", args.listen)))?;
    output.print(format!("listening on {}", server.address()));
    let why = stop.requested().await;
    output.finish().await;
    Ok(stop.ending(why))
}
