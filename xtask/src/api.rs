//! The public API of what is published, in files, so that every change of it is seen.
//!
//! rustdoc writes the API as JSON, which takes permission on a stable compiler and whose format changes with it. The crate
//! public-api makes a list of that, of one format: it is pinned in this package's manifest, and [`FORMAT`] goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::TargetKind;
use clap::Args;
use public_api::Builder;
use serde::Deserialize;

use crate::Outcome;
use crate::command::{Failure, cargo, root, run};
use crate::metadata::{members_only, published};

/// The format that the lists are made from, which is that of Rust 1.95. To go to another: the newest public-api, this
/// number, the toolchain of `.github/workflows/ci.yml`, and `cargo xtask api --bless`.
const FORMAT: u32 = 57;

/// What rustdoc says of its format.
#[derive(Deserialize)]
struct Header {
    format_version: u32,
}

/// What `cargo xtask api` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Take the public API as it is into `docs/api`
    #[arg(long)]
    bless: bool,
}

/// Compares the public API with the lists of it, or makes them anew.
pub(crate) fn api(options: &Options) -> Outcome {
    let metadata = members_only()?;
    let mut changed = Vec::new();
    write_json()?;
    for member in published(&metadata) {
        let Some(library) = member.targets.iter().find(|target| target.kind.contains(&TargetKind::Lib))
        else {
            continue;
        };
        let json = metadata.target_directory.join("doc").join(format!("{}.json", library.name));
        let format = format_of(json.as_std_path())?;
        if format != FORMAT {
            let said = format!("the lists are made from format {FORMAT}, and this rustdoc writes {format}");
            // Not to compare is a gap, and is said. Not to bless is a failure: the lists would remain as they were.
            if options.bless {
                return Err(Failure::Found(said));
            }
            println!("public API NOT compared: {said}");
            return Ok(());
        }
        let list = root().join("docs").join("api").join(format!("{}.txt", member.name));
        let now = listing(json.as_std_path())?;
        if options.bless {
            write(&list, &now)?;
        } else if differs(
            &list,
            metadata.target_directory.join(format!("api-{}.txt", member.name)).into(),
            &now,
        )? {
            changed.push(member.name.as_str());
        }
    }
    if changed.is_empty() {
        println!("public API: as in docs/api");
        return Ok(());
    }
    Err(Failure::Found(format!(
        "the public API of {} has changed, as shown above. If that is meant: `cargo xtask api --bless`, and say in \
         CHANGELOG.md what it means for users",
        changed.join(", ")
    )))
}

/// Has rustdoc write the libraries as JSON, with all features: in one run of cargo, so that nothing is compiled twice.
fn write_json() -> Outcome {
    let mut command = cargo();
    command.env("RUSTDOC", root().join("xtask").join("rustdoc-json.sh"));
    command.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    run(command.args(["doc", "--quiet", "--workspace", "--no-deps", "--lib", "--all-features"]))
}

fn format_of(json: &Path) -> Result<u32, Failure> {
    let text = fs::read(json).map_err(|error| cannot("read", json, &error))?;
    let header: Header = serde_json::from_slice(&text).map_err(|error| cannot("read", json, &error))?;
    Ok(header.format_version)
}

/// A line for every public item. What follows from those by itself is left out.
fn listing(json: &Path) -> Result<String, Failure> {
    let builder = Builder::from_rustdoc_json(json);
    let builder = builder.omit_blanket_impls(true).omit_auto_trait_impls(true).omit_auto_derived_impls(true);
    let api = builder.build().map_err(|error| cannot("read", json, &error))?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// Whether the API is another than in the list. Prints how they differ.
fn differs(list: &Path, now_at: PathBuf, now: &str) -> Result<bool, Failure> {
    write(&now_at, now)?;
    let mut diff = Command::new("git");
    diff.args(["--no-pager", "diff", "--no-index", "--unified=0", "--"])
        .arg(list)
        .arg(&now_at)
        .stdin(Stdio::null());
    let status = diff.status().map_err(|error| cannot("compare", list, &error))?;
    Ok(!status.success())
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::Found(format!("cannot {what} {}: {error}", path.display()))
}
