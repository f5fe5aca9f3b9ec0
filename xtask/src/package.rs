//! Could the crates be published as they are?

use std::fs;
use std::process::{Command, Stdio};

use cargo_metadata::{Metadata, Package};
use toml::Table;

use crate::Outcome;
use crate::command::{Failure, cargo, root, run};
use crate::metadata::{members_only, published};

/// What is published: each after those that it depends on, as CONTRIBUTING.md has them, too. Every other member has to say
/// `publish = false`.
const PUBLISHED: [&str; 5] =
    ["zookeeper-wire", "actix-election-core", "zookeeper-testkit", "actix-election", "actix-election-cli"];

/// What every package has to hold. The licences are links to those of the workspace, which cargo follows.
const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// The host of a repository's address that nobody has filled in.
const PLACEHOLDER: &str = "repository.invalid";

/// Makes the packages, and compiles each from what it holds, its tests included.
///
/// Cargo's own verification would do so, too; but it takes a package of a version that it has seen for one that cannot have
/// changed, and builds the others with what was packaged some time before.
pub(crate) fn package() -> Outcome {
    let metadata = members_only()?;
    let members = published(&metadata);
    let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut expected = PUBLISHED;
    names.sort_unstable();
    expected.sort_unstable();
    if names != expected {
        return Err(Failure::Found(format!(
            "the members without `publish = false` are {names:?}, and xtask/src/package.rs publishes {expected:?}"
        )));
    }
    members.iter().try_for_each(|member| holds_what_it_has_to(member))?;

    // What is not committed counts as well: this is a check, and nothing is published.
    let mut command = cargo();
    command.args(["package", "--locked", "--allow-dirty", "--no-verify"]);
    for member in &members {
        command.args(["-p", &member.name]);
    }
    run(&mut command)?;
    compile(&metadata, &members)?;
    if members.iter().any(|member| member.repository.as_deref().is_none_or(|at| at.contains(PLACEHOLDER))) {
        println!("NOT to be published yet: `repository` in Cargo.toml is a placeholder");
    }
    Ok(())
}

/// Unpacks the packages into a workspace of their own, where each stands for what will be published, and compiles them.
fn compile(metadata: &Metadata, members: &[&Package]) -> Outcome {
    let made = metadata.target_directory.join("package");
    let workspace = made.join("unpacked");
    let cannot =
        |what: &str, error: std::io::Error| Failure::Found(format!("cannot {what} {workspace}: {error}"));
    if workspace.exists() {
        fs::remove_dir_all(&workspace).map_err(|error| cannot("remove", error))?;
    }
    fs::create_dir_all(&workspace).map_err(|error| cannot("make", error))?;
    for member in members {
        let mut unpack = Command::new("tar");
        // The files of a package are as old as each other, and cargo tells by their age what has changed.
        unpack
            .args(["--extract", "--gzip", "--touch", "--file"])
            .arg(made.join(format!("{}.crate", folder(member))));
        run(unpack.arg("--directory").arg(&workspace).stdin(Stdio::null()))?;
    }
    let own = fs::read_to_string(root().join("Cargo.toml")).map_err(|error| cannot("describe", error))?;
    let own: Table = own.parse().map_err(|error| Failure::Found(format!("Cargo.toml: {error}")))?;
    fs::write(workspace.join("Cargo.toml"), manifest(members, own).to_string())
        .and_then(|()| fs::copy(root().join("Cargo.lock"), workspace.join("Cargo.lock")))
        .map_err(|error| cannot("describe", error))?;
    let mut check = cargo();
    check.args(["check", "--offline", "--workspace", "--all-targets", "--manifest-path"]);
    run(check.arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(&metadata.target_directory))
}

/// The manifest of a workspace in which these packages are found before those of crates.io. It has the profiles of `own`,
/// the manifest of this workspace, so that what both depend on is compiled once.
fn manifest(packages: &[&Package], mut own: Table) -> Table {
    let mut patches = Table::new();
    for package in packages {
        let path = Table::from_iter([("path".to_owned(), folder(package).into())]);
        patches.insert(package.name.to_string(), path.into());
    }
    let members: Vec<String> = packages.iter().map(|package| folder(package)).collect();
    let mut workspace = Table::new();
    workspace.insert("resolver".to_owned(), "3".into());
    workspace.insert("members".to_owned(), members.into());
    let mut manifest = Table::new();
    manifest.insert("workspace".to_owned(), workspace.into());
    manifest.insert("patch".to_owned(), Table::from_iter([("crates-io".to_owned(), patches.into())]).into());
    manifest.extend(own.remove_entry("profile"));
    manifest
}

/// The folder in which a package unpacks itself.
fn folder(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// Sees that a package has its README, whose links do not depend on where it is shown, and its licences.
fn holds_what_it_has_to(member: &Package) -> Outcome {
    let Some(folder) = member.manifest_path.parent() else { return Ok(()) };
    if let Some(missing) = FILES.iter().find(|file| !folder.join(file).is_file()) {
        return Err(Failure::Found(format!("{} has no {missing}", member.name)));
    }
    let readme = folder.join("README.md");
    let text = fs::read_to_string(&readme).map_err(|error| Failure::Found(format!("{readme}: {error}")))?;
    match relative_link(&text) {
        Some(link) => {
            Err(Failure::Found(format!("{readme}: the link {link:?} leads nowhere away from the repository")))
        }
        None => Ok(()),
    }
}

/// The first link of a page that is not absolute.
fn relative_link(page: &str) -> Option<&str> {
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.into_iter().find(|link| !link.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_stands_for_what_will_be_published() {
        let metadata = members_only().unwrap();
        let own: Table = "[profile.dev]\ndebug = false\n[workspace]\nmembers = []".parse().unwrap();
        let manifest = manifest(&published(&metadata), own);
        assert_eq!(manifest["workspace"]["members"].as_array().unwrap().len(), PUBLISHED.len());
        assert_eq!(manifest["profile"]["dev"]["debug"].as_bool(), Some(false));
        let wire = manifest["patch"]["crates-io"]["zookeeper-wire"]["path"].as_str().unwrap();
        assert_eq!(wire, format!("zookeeper-wire-{}", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn relative_links_are_found() {
        assert_eq!(relative_link("[a](https://docs.rs/a) and [b](docs/b.md)."), Some("docs/b.md"));
        assert_eq!(relative_link("[a](https://docs.rs/a), b[0](c"), Some("c"));
        assert_eq!(relative_link("[a](https://docs.rs/a) (b)"), None);
    }
}
