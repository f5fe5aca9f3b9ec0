//! What cargo knows of the workspace.

use cargo_metadata::{Metadata, MetadataCommand};

use crate::command::{Failure, cargo, output};

/// The workspace with all packages that it depends on, on any platform.
pub(crate) fn metadata() -> Result<Metadata, Failure> {
    parse(&["metadata", "--format-version", "1"])
}

/// The workspace alone, which needs no look at any index.
pub(crate) fn members_only() -> Result<Metadata, Failure> {
    parse(&["metadata", "--format-version", "1", "--no-deps"])
}

fn parse(arguments: &[&str]) -> Result<Metadata, Failure> {
    let json = output(cargo().args(arguments))?;
    MetadataCommand::parse(String::from_utf8_lossy(&json))
        .map_err(|error| Failure::Found(format!("`cargo metadata` wrote what cannot be read: {error}")))
}
