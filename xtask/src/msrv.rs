//! Does the declared minimum Rust version (MSRV) hold?
//!
//! Three things can break it. A dependency may need a newer compiler: found here by comparing what packages
//! declare. The workspace may use newer syntax: found here by compiling it with that toolchain, where rustup has
//! it. It may use a newer part of the standard library: found by clippy's `incompatible_msrv`, in the lint task.

use std::collections::HashSet;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Outcome;
use crate::command::{Failure, cargo, output, root, run};
use crate::version::RustVersion;

/// What is read of `cargo metadata --format-version 1`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: HashSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// Compares what the dependencies declare, then compiles with the oldest toolchain if it is installed.
pub(crate) fn check() -> Outcome {
    let json = output(cargo().args(["metadata", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_slice(&json)
        .map_err(|error| Failure::Found(format!("`cargo metadata` wrote what cannot be read: {error}")))?;
    let msrv = declared(&metadata).map_err(Failure::Found)?;
    println!("{}", compare(&metadata, msrv).map_err(Failure::Found)?);
    compile(msrv)
}

/// The one version that all members of the workspace declare.
fn declared(metadata: &Metadata) -> Result<RustVersion, String> {
    let mut found: Option<RustVersion> = None;
    for member in metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id))
    {
        let name = &member.name;
        let Some(text) = &member.rust_version else {
            return Err(format!("{name} declares no rust-version: write `rust-version.workspace = true`"));
        };
        let version: RustVersion = text.parse().map_err(|error| format!("{name}'s rust-version: {error}"))?;
        match found {
            Some(other) if other != version => {
                return Err(format!("{name} declares rust-version {version}, another member {other}"));
            }
            _ => found = Some(version),
        }
    }
    found.ok_or_else(|| "the workspace has no members".to_owned())
}

/// Looks for packages that need a newer compiler, on any platform. Says what it has seen, or what is wrong.
fn compare(metadata: &Metadata, msrv: RustVersion) -> Result<String, String> {
    let resolved: HashSet<&str> = metadata.resolve.nodes.iter().map(|node| node.id.as_str()).collect();
    let mut silent = 0;
    let mut offenders = Vec::new();
    for package in metadata.packages.iter().filter(|package| resolved.contains(package.id.as_str())) {
        let Some(text) = &package.rust_version else {
            silent += 1;
            continue;
        };
        match text.parse::<RustVersion>() {
            Ok(version) if version <= msrv => {}
            Ok(version) => offenders.push(format!("{} {} needs {version}", package.name, package.version)),
            Err(error) => offenders.push(format!("{} {}: {error}", package.name, package.version)),
        }
    }
    if offenders.is_empty() {
        let judged = resolved.len() - silent;
        return Ok(format!("{judged} packages declare Rust {msrv} or older; {silent} declare none"));
    }
    offenders.sort();
    Err(format!("the workspace declares Rust {msrv}, but\n  {}", offenders.join("\n  ")))
}

/// Compiles the workspace with the very toolchain, and says plainly if that could not be done.
fn compile(msrv: RustVersion) -> Outcome {
    let listing = Command::new("rustup").args(["toolchain", "list"]).stderr(Stdio::null()).output();
    let Ok(listing) = listing else {
        println!("NOT compiled with Rust {msrv}: there is no rustup");
        return Ok(());
    };
    let Some(toolchain) = pick(&String::from_utf8_lossy(&listing.stdout), msrv) else {
        println!("NOT compiled with Rust {msrv}: to have that done, `rustup toolchain install {msrv}`");
        return Ok(());
    };
    // By way of rustup: the cargo that runs this task belongs to a toolchain and does not know `+1.88`.
    run(Command::new("rustup")
        .args(["run", &toolchain, "cargo", "check", "--workspace", "--all-targets"])
        .env_remove("CARGO")
        .current_dir(root())
        .stdin(Stdio::null()))?;
    println!("compiled with {toolchain}");
    Ok(())
}

/// The toolchain of that version among those of `rustup toolchain list`; of several patch releases, the oldest.
fn pick(listing: &str, msrv: RustVersion) -> Option<String> {
    listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter_map(|name| {
            let version: RustVersion = name.split('-').next()?.parse().ok()?;
            (version >= msrv && version.same_minor(msrv)).then_some((version, name))
        })
        .min()
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages by name and declared version; those named `member-*` are the workspace's.
    fn metadata(packages: &[(&str, Option<&str>)]) -> Metadata {
        let package = |(name, rust_version): &(&str, Option<&str>)| Package {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            version: "1.2.3".to_owned(),
            rust_version: rust_version.map(str::to_owned),
        };
        Metadata {
            packages: packages.iter().map(package).collect(),
            workspace_members: packages
                .iter()
                .filter(|(name, _)| name.starts_with("member-"))
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            resolve: Resolve {
                nodes: packages.iter().map(|(name, _)| Node { id: (*name).to_owned() }).collect(),
            },
        }
    }

    fn version(text: &str) -> RustVersion {
        text.parse().unwrap()
    }

    #[test]
    fn members_declare_one_version() {
        let one =
            metadata(&[("member-a", Some("1.88")), ("member-b", Some("1.88.0")), ("dep", Some("1.60"))]);
        assert_eq!(declared(&one), Ok(version("1.88")));

        let two = metadata(&[("member-a", Some("1.88")), ("member-b", Some("1.87"))]);
        assert!(declared(&two).unwrap_err().contains("member-b declares rust-version 1.87"));

        let silent = metadata(&[("member-a", Some("1.88")), ("member-b", None)]);
        assert!(declared(&silent).unwrap_err().contains("member-b declares no rust-version"));
    }

    #[test]
    fn dependencies_may_be_older_equal_or_silent() {
        let seen =
            compare(&metadata(&[("a", Some("1.9")), ("b", Some("1.88.0")), ("c", None)]), version("1.88"));
        assert_eq!(seen.unwrap(), "2 packages declare Rust 1.88 or older; 1 declare none");
    }

    #[test]
    fn newer_dependencies_are_named_with_their_versions() {
        let packages = metadata(&[("z", Some("1.100")), ("fine", Some("1.56")), ("b", Some("1.88.1"))]);
        let wrong = compare(&packages, version("1.88")).unwrap_err();
        assert_eq!(
            wrong,
            "the workspace declares Rust 1.88, but\n  b 1.2.3 needs 1.88.1\n  z 1.2.3 needs 1.100"
        );
    }

    #[test]
    fn packages_outside_the_resolved_graph_do_not_count() {
        let mut packages = metadata(&[("a", Some("1.60")), ("unused", Some("1.99"))]);
        packages.resolve.nodes.retain(|node| node.id != "unused");
        assert!(compare(&packages, version("1.88")).is_ok());
    }

    #[test]
    fn only_the_very_toolchain_is_picked() {
        let listing = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                       nightly-x86_64-unknown-linux-gnu\n\
                       1.88.1-x86_64-unknown-linux-gnu\n\
                       1.88-x86_64-unknown-linux-gnu\n\
                       1.95.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(pick(listing, version("1.88")).as_deref(), Some("1.88-x86_64-unknown-linux-gnu"));
        assert_eq!(pick(listing, version("1.88.1")).as_deref(), Some("1.88.1-x86_64-unknown-linux-gnu"));
        assert_eq!(pick(listing, version("1.95")).as_deref(), Some("1.95.0-x86_64-unknown-linux-gnu"));
        assert_eq!(pick(listing, version("1.89")), None);
        assert_eq!(pick("no installed toolchains\n", version("1.88")), None);
    }
}
