//! May everything that comes with the dependencies be used? `deny.toml` says what may.

use std::fs;
use std::process::Stdio;

use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::Outcome;
use crate::command::{Failure, cargo, root, run};
use crate::metadata::metadata;

/// What is read of `deny.toml`.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// Checks the licences of all dependencies; and with cargo-deny, where it is installed, where they come from and what is
/// known against them.
pub(crate) fn check() -> Outcome {
    let path = root().join("deny.toml");
    let wrong = |error: String| Failure::Found(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let deny: Deny = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let packages = metadata()?.packages;
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !is_allowed(package.license.as_deref(), &deny.licenses.allow))
        .map(|package| {
            format!("{} {}: {}", package.name, package.version, package.license.as_deref().unwrap_or("none"))
        })
        .collect();
    if !refused.is_empty() {
        return Err(wrong(format!("these licences are not allowed:\n  {}", refused.join("\n  "))));
    }
    println!("licences: those of {} packages are allowed", packages.len());

    let mut installed = cargo();
    installed.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if installed.status().is_ok_and(|status| status.success()) {
        return run(cargo().args(["deny", "check"]));
    }
    println!(
        "NOT checked for advisories, bans and sources: to have that done, `cargo install --locked cargo-deny`"
    );
    Ok(())
}

/// Whether the licences that are allowed are enough for this expression, which may be of the old kind with a slash.
fn is_allowed(licence: Option<&str>, allowed: &[String]) -> bool {
    let Some(Ok(expression)) = licence.map(|licence| Expression::parse_mode(licence, ParseMode::LAX)) else {
        return false;
    };
    expression.evaluate(|required| {
        let id = required.license.id();
        required.addition.is_none() && id.is_some_and(|id| allowed.iter().any(|name| name == id.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_to_comply_is_enough_and_needs_all_of_its_parts() {
        let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
        for fine in ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 / MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"]
        {
            assert!(is_allowed(Some(fine), &allowed), "{fine}");
        }
        for wrong in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "Apache-2.0 WITH LLVM-exception", "my own", ""]
        {
            assert!(!is_allowed(Some(wrong), &allowed), "{wrong}");
        }
        assert!(!is_allowed(None, &allowed));
    }
}
