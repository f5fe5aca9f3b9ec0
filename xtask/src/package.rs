//! Could the crates be published as they are?

use std::fs;

use cargo_metadata::Package;

use crate::Outcome;
use crate::command::{Failure, cargo, run};
use crate::metadata::{members_only, published};

/// What is published: each after those that it depends on, as CONTRIBUTING.md has them, too. Every other member has to say
/// `publish = false`.
const PUBLISHED: [&str; 5] =
    ["zookeeper-wire", "actix-election-core", "zookeeper-testkit", "actix-election", "actix-election-cli"];

/// What every package has to hold. The licences are links to those of the workspace, which cargo follows.
const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// The host of a repository's address that nobody has filled in.
const PLACEHOLDER: &str = "repository.invalid";

/// Makes the packages, and builds each from what it holds alone, with the others from where they will be published. The
/// tests of the workspace have built what they depend on, so this compiles little but the packages.
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
    command.args(["package", "--locked", "--allow-dirty"]);
    PUBLISHED.iter().for_each(|name| {
        command.args(["-p", name]);
    });
    run(&mut command)?;
    if members.iter().any(|member| member.repository.as_deref().is_none_or(|at| at.contains(PLACEHOLDER))) {
        println!("NOT to be published yet: `repository` in Cargo.toml is a placeholder");
    }
    Ok(())
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
    fn relative_links_are_found() {
        assert_eq!(relative_link("[a](https://docs.rs/a) and [b](docs/b.md)."), Some("docs/b.md"));
        assert_eq!(relative_link("[a](https://docs.rs/a), b[0](c"), Some("c"));
        assert_eq!(relative_link("[a](https://docs.rs/a) (b)"), None);
    }
}
