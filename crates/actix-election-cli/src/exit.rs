//! How a command ends: its exit code, and the one line on standard error that goes with a failure.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use actix_election::{StartError, flush_logs, printable};

use crate::colour::{self, Colour};
use crate::output::Output;

/// Everything went as it should.
pub(crate) const SUCCESS: u8 = 0;
/// Something did not work.
pub(crate) const FAILURE: u8 = 1;
/// The arguments cannot be used.
pub(crate) const UNUSABLE: u8 = 2;
/// `status`: there is no master.
pub(crate) const NO_MASTER: u8 = 3;
/// A signal ended it: this, plus the signal's number.
pub(crate) const SIGNAL: u8 = 128;

/// How long the last lines of logs, and why it failed, may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is longer is cut in the middle: an argument of a megabyte would hide what is wrong with it.
const LONGEST: usize = 2_000;

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With this code, and nothing to say about it.
    Code(u8),
    /// It did not work, for this reason.
    Failed(String),
    /// The arguments cannot be used, for this reason.
    Unusable(String),
}

impl Ending {
    /// What is to be printed cannot be.
    pub(crate) fn output_failed(error: impl fmt::Display) -> Self {
        Ending::Failed(format!("cannot write to standard output: {error}"))
    }

    /// Says what there is to say.
    pub(crate) fn conclude(self) -> ExitCode {
        flush(LAST_WORDS);
        match self {
            Ending::Code(code) => code.into(),
            Ending::Failed(why) => {
                complain(&why);
                FAILURE.into()
            }
            Ending::Unusable(why) => {
                complain(&why);
                UNUSABLE.into()
            }
        }
    }
}

impl From<StartError> for Ending {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Invalid(_) => Ending::Unusable(error.to_string()),
            error => Ending::Failed(error.to_string()),
        }
    }
}

/// One line on standard error, whatever the text holds.
pub(crate) fn complain(why: &str) {
    let line = format!("{} {}", Colour::of_stderr().paint(colour::BAD, "elect:"), shorten(one_line(why)));
    match Output::errors() {
        Some(errors) => {
            errors.print(line);
            // If nobody reads standard error, the exit code has to do.
            errors.flush(LAST_WORDS);
        }
        None => drop(writeln!(std::io::stderr(), "{line}")),
    }
}

/// Waits for logs to be written, the library's first.
pub(crate) fn flush(limit: Duration) {
    flush_logs(limit / 2);
    if let Some(errors) = Output::errors() {
        errors.flush(limit / 2);
    }
}

/// Panics are told through the same queue: no thread may hang in saying that it panicks, nor its lease outlive that.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let Some(errors) = Output::errors() else { return };
        errors.print(format!("elect: thread {name}: {}", one_line(&panic.to_string())));
        let backtrace = std::backtrace::Backtrace::capture();
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            errors.print(backtrace.to_string());
        }
        // With this one the process ends.
        if name == "main" {
            errors.flush(LAST_WORDS);
        }
    }));
}

/// Prints what `--help` and `--version` ask for.
pub(crate) fn show(text: &str) -> Ending {
    match write!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush()) {
        Ok(()) => Ending::Code(SUCCESS),
        Err(error) => Ending::output_failed(error),
    }
}

/// The text on one line, and harmless to a terminal.
pub(crate) fn one_line(text: &str) -> String {
    printable(text, usize::MAX)
}

/// What is wrong stands at the beginning, and what was expected at the end.
fn shorten(line: String) -> String {
    let length = line.chars().count();
    if length <= LONGEST {
        return line;
    }
    let begin: String = line.chars().take(LONGEST / 2).collect();
    let end: String = line.chars().skip(length - LONGEST / 2).collect();
    format!("{begin} [...] {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_stays_on_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m é"), "a\\nb\\u{1b}[31m é");
    }

    #[test]
    fn a_long_line_keeps_its_beginning_and_its_end() {
        assert_eq!(shorten("short".into()), "short");
        let line = shorten(format!("invalid {}: expected", "é".repeat(100_000)));
        assert!(line.starts_with("invalid éé") && line.ends_with("éé: expected"));
        assert_eq!(line.chars().count(), LONGEST + 7);
    }
}
