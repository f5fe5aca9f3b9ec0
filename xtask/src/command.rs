//! Running other programs: cargo above all, from the workspace's root.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A program ran and failed; it has said why itself.
    #[error("`{line}` failed ({status})")]
    Failed {
        /// The command line, as printed before it ran.
        line: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program could not be started at all.
    #[error("`{line}` could not be started: {source}")]
    NotStarted {
        /// The command line.
        line: String,
        /// What the system said.
        source: io::Error,
    },
    /// The task itself found something wrong.
    #[error("{0}")]
    Found(String),
}

impl Failure {
    /// The exit code to end with: the failed program's own where there is one.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Failed { status, .. } => code_of(*status),
            Failure::NotStarted { .. } | Failure::Found(_) => 1,
        }
    }
}

/// The exit code as a shell would give it: 128 and the signal's number for a program that a signal ended.
fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return u8::try_from(128 + signal).unwrap_or(1);
        }
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The workspace's root.
///
/// Taken from the variable that `cargo run` sets, since the checkout may have moved since the binary was built.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// The cargo that runs this task, so that a `cargo +toolchain xtask` stays on its toolchain.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Prints the command, runs it to its end and insists on success.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = line_of(command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed { line, status }),
        Err(source) => Err(Failure::NotStarted { line, source }),
    }
}

/// Runs the command unannounced and returns what it wrote to standard output; standard error is passed through.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let line = line_of(command);
    match command.stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(Failure::Failed { line, status: output.status }),
        Err(source) => Err(Failure::NotStarted { line, source }),
    }
}

/// The command line for a person to read and repeat: variables first, the program by its name.
fn line_of(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy().into_owned();
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
    });
    let program = Path::new(command.get_program()).file_name().map(OsString::from).unwrap_or_default();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    variables
        .chain([program.to_string_lossy().into_owned()])
        .chain(arguments)
        .collect::<Vec<String>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps", "it's", ""]);
        assert_eq!(line_of(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s' ''");
    }

    #[cfg(unix)]
    #[test]
    fn exit_codes_are_handed_on() {
        for (script, code) in [("exit 101", 101), ("exit 3", 3), ("kill -TERM $$", 143)] {
            let failure = output(Command::new("sh").args(["-c", script])).unwrap_err();
            assert_eq!(failure.exit_code(), code, "{script}");
        }
    }

    #[test]
    fn a_missing_program_is_a_failure_that_names_it() {
        let failure = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(failure.exit_code(), 1);
        assert!(failure.to_string().contains("no-such-program-anywhere"), "{failure}");
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("xtask").join("Cargo.toml").is_file());
    }
}
