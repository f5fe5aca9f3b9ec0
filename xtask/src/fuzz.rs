//! Coverage-guided fuzzing of the testkit, by libFuzzer.
//!
//! All that libFuzzer needs is to be told where the program has been, and the stable compiler hands on to LLVM what makes it
//! count. There is no `unsafe` for a sanitizer to watch.
//!
//! cargo-fuzz could do this as well, with `--sanitizer none`. It would take the place of the flags and of the call that builds,
//! and every fresh machine would have to compile it first; what is about its choice of folders and seconds would remain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::Outcome;
use crate::command::{Failure, cargo, output, root, run};
use crate::zookeeper;

/// How long all targets together are fuzzed unless told otherwise.
const SECONDS: u64 = 30;

/// What makes LLVM count. `fuzzing` is what the crates around libFuzzer look for.
const INSTRUMENTATION: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// libFuzzer is written in C++.
const COMPILER_PACKAGE: &str = "g++";

/// What is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The decoders of the wire protocol
    Wire,
    /// The in-process server's state machine, under virtual time
    Machine,
    /// The in-process server, by its sockets
    Server,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Target::Wire => "wire",
            Target::Machine => "machine",
            Target::Server => "server",
        }
    }
}

/// What `cargo xtask fuzz` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// What to fuzz; everything unless given
    #[arg(value_enum)]
    target: Option<Target>,
    /// For how long, all targets together [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Run one input that has crashed a target, instead of looking for others
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with = "seconds")]
    replay: Option<PathBuf>,
}

/// Builds the targets and fuzzes them, or replays a crash.
pub(crate) fn fuzz(options: &Options) -> Outcome {
    let here = env::current_dir().unwrap_or_default();
    let targets = options.target.as_ref().map_or(Target::value_variants(), std::slice::from_ref);
    let binaries = build(targets)?;
    if let Some(input) = &options.replay {
        // The target runs in the workspace's root, which need not be where the path was typed.
        return binaries.iter().try_for_each(|binary| run(Command::new(binary).arg(here.join(input))));
    }
    let each = (options.seconds.unwrap_or(SECONDS) / targets.len() as u64).max(1);
    targets.iter().zip(&binaries).try_for_each(|(target, binary)| search(*target, binary, each))
}

/// Formatting and clippy of the targets, which are no part of the workspace.
pub(crate) fn lint() -> Outcome {
    provide_compiler()?;
    run(cargo().current_dir(root().join("fuzz")).args(["fmt", "--check"]))?;
    let triple = host()?;
    run(instrumented("clippy", &triple).args(["--all-targets", "--", "-D", "warnings"]))
}

/// Looks for inputs that crash a target. What it has found to lead anywhere is kept for the next time.
fn search(target: Target, binary: &Path, seconds: u64) -> Outcome {
    let name = target.name();
    let corpus = folder().join("corpus").join(name);
    fs::create_dir_all(&corpus).map_err(|error| Failure::Found(format!("{}: {error}", corpus.display())))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let crash = folder().join(format!("crash-{name}-{now}"));
    let mut command = Command::new(binary);
    command
        .arg(format!("-max_total_time={seconds}"))
        // An input may take as long as that before it counts as one that hangs: others use this machine, too.
        .args(["-timeout=60", "-verbosity=0", "-print_final_stats=1"])
        .arg(format!("-exact_artifact_path={}", crash.display()))
        .arg(&corpus);
    run(&mut command).map_err(|failure| {
        if !crash.is_file() {
            return failure;
        }
        let input = crash.strip_prefix(root()).unwrap_or(&crash).display();
        Failure::Found(format!("{failure}\nto replay it: cargo xtask fuzz {name} --replay {input}"))
    })
}

/// The targets, compiled so that they count where they have been. With all checks that a debug build has.
fn build(targets: &[Target]) -> Result<Vec<PathBuf>, Failure> {
    provide_compiler()?;
    let triple = host()?;
    let mut command = instrumented("build", &triple);
    for target in targets {
        command.args(["--bin", target.name()]);
    }
    run(&mut command)?;
    let built = folder().join(&triple).join("release");
    Ok(targets.iter().map(|target| built.join(target.name())).collect())
}

/// A cargo for the targets. Only where a target is named are build scripts and macros compiled without the flags.
fn instrumented(subcommand: &str, triple: &str) -> Command {
    let mut command = cargo();
    command
        .env("RUSTFLAGS", INSTRUMENTATION.join(" "))
        .arg(subcommand)
        .args(["--manifest-path", "fuzz/Cargo.toml", "--locked", "--release", "--quiet", "--target", triple])
        .arg("--target-dir")
        .arg(folder());
    command
}

/// Where everything is that comes of fuzzing.
fn folder() -> PathBuf {
    root().join("target").join("fuzz")
}

/// The triple of this machine, as cargo takes it for a target.
fn host() -> Result<String, Failure> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = output(Command::new(rustc).arg("-vV"))?;
    host_in(&String::from_utf8_lossy(&said))
        .ok_or_else(|| Failure::Found("`rustc -vV` names no host".to_owned()))
}

fn host_in(said: &str) -> Option<String> {
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

/// Makes sure of a C++ compiler.
pub(crate) fn provide_compiler() -> Outcome {
    if !compiles() {
        zookeeper::install(&[COMPILER_PACKAGE], advice)?;
    }
    if compiles() { Ok(()) } else { Err(Failure::Found(advice(COMPILER_PACKAGE))) }
}

fn compiles() -> bool {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(compiler);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn advice(missing: &str) -> String {
    format!(
        "fuzzing needs a C++ compiler, and {missing} could not be found or installed. Do one of these:\n  \
         - on Debian or Ubuntu, as root: apt-get update && apt-get install -y --no-install-recommends \
         {COMPILER_PACKAGE}\n  \
         - elsewhere: put a C++ compiler on the PATH as `c++`, or set CXX to it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_and_no_program_is_left_out() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let programs: Vec<_> = manifest
            .split("[[bin]]\n")
            .skip(1)
            .filter_map(|part| part.lines().next()?.strip_prefix("name = "))
            .map(|name| name.trim_matches('"'))
            .collect();
        let targets: Vec<_> = Target::value_variants().iter().map(|target| target.name()).collect();
        assert_eq!(programs, targets);
    }

    #[test]
    fn the_host_is_found_in_what_rustc_says() {
        let said = "rustc 1.88.0 (6b00bc388 2025-06-23)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host_in(said).as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host_in("rustc 1.88.0"), None);
    }
}
