//! Logs: to standard error, as `RUST_LOG` says, but never a password, and never waited for.

use std::io::{self, Write, stderr};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::colour::Colour;
use crate::exit::complain;
use crate::output::Output;

/// Starts logging; `unless_set` is the level where `RUST_LOG` says nothing.
pub(crate) fn start(unless_set: LevelFilter) {
    let setting = std::env::var("RUST_LOG").unwrap_or_default();
    let parse = |setting: &str| EnvFilter::builder().with_default_directive(unless_set.into()).parse(setting);
    let filter = parse(&setting).unwrap_or_else(|error| {
        complain(&format!("RUST_LOG is ignored: {error}"));
        EnvFilter::new(unless_set.to_string())
    });
    install(filter);
}

/// Starts logging, of `target` at this level and of everything else warnings, whatever `RUST_LOG` says.
pub(crate) fn start_for(target: &str, level: LevelFilter) {
    install(EnvFilter::new(format!("warn,{target}={level}")));
}

fn install(filter: EnvFilter) {
    let lines = fmt::layer().with_writer(|| Queue).with_ansi(Colour::of_stderr() == Colour::On);
    // Complaints about a log that cannot be written panic where nobody reads them either.
    let lines = lines.log_internal_errors(false);
    let layer = lines.with_filter(filter).with_filter(filter_fn(may_be_shown));
    // It fails only if there is a subscriber already.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// Never blocks: what finds no room is dropped and counted. It is written by a thread that nothing waits for, except for
/// a moment at the very end.
///
/// tracing-appender has such a queue, too. But it says nothing of what it drops, and at the end it complains with
/// `println!`, into the midst of the events and for as long as it takes.
struct Queue;

impl Write for Queue {
    /// Called once for each record, with all of it.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        match Output::errors() {
            Some(errors) => errors.print_if_read(String::from_utf8_lossy(record).trim_end().to_owned()),
            None => stderr().write_all(record)?,
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The client crate logs the session's password at info, and requests with all they hold below that.
fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    let client = metadata.target().split("::").next() == Some("zookeeper_async");
    !client || *metadata.level() <= Level::WARN
}
