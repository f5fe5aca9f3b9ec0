//! Does the declared minimum Rust version (MSRV) hold?
//!
//! The compiler of that version says it best. Where it is not installed, what packages declare is compared instead, and
//! clippy's `incompatible_msrv`, in the lint task, finds parts of the standard library that are too new.

use std::process::{Command, Stdio};

use cargo_metadata::{Metadata, semver::Version};

use crate::Outcome;
use crate::command::{Failure, root, run};
use crate::metadata::metadata;

/// What this workspace declares: this task is a member of it.
const MSRV: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks the workspace with the very toolchain, or compares what packages declare.
pub(crate) fn check() -> Outcome {
    if rustup(&["cargo", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
    {
        return run(&mut rustup(&["cargo", "check", "--locked", "--workspace", "--all-targets"]));
    }
    println!("NOT compiled with Rust {MSRV}: to have that done, `rustup toolchain install {MSRV}`");
    let newer = newer(&metadata()?, &oldest()?);
    if !newer.is_empty() {
        return Err(Failure::Found(format!(
            "the workspace declares Rust {MSRV}, but\n  {}",
            newer.join("\n  ")
        )));
    }
    println!("no package declares that it needs a Rust newer than {MSRV}");
    Ok(())
}

/// The packages that declare a newer Rust, with what they declare.
fn newer(metadata: &Metadata, msrv: &Version) -> Vec<String> {
    let declared =
        metadata.packages.iter().filter_map(|package| Some((package, package.rust_version.as_ref()?)));
    let newer = declared.filter(|(_, declared)| *declared > msrv);
    newer
        .map(|(package, declared)| format!("{} {} needs {declared}", package.name, package.version))
        .collect()
}

fn oldest() -> Result<Version, Failure> {
    // A version as manifests write it need not have a patch number.
    let full = format!("{MSRV}{}", if MSRV.matches('.').count() == 1 { ".0" } else { "" });
    full.parse().map_err(|error| Failure::Found(format!("the rust-version {MSRV:?}: {error}")))
}

/// By way of rustup: the cargo that runs this task belongs to another toolchain.
fn rustup(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", MSRV]).args(arguments).env_remove("CARGO").current_dir(root()).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::members_only;

    #[test]
    fn newer_packages_are_named_with_what_they_need() {
        let metadata = members_only().unwrap();
        let newer = newer(&metadata, &"1.0.0".parse().unwrap());
        let of_this = format!("xtask {} needs {}", env!("CARGO_PKG_VERSION"), oldest().unwrap());
        assert!(newer.contains(&of_this), "{newer:?}");
    }

    #[test]
    fn every_member_declares_the_same() {
        for member in members_only().unwrap().packages {
            assert_eq!(member.rust_version, Some(oldest().unwrap()), "{}", member.name);
        }
    }
}
