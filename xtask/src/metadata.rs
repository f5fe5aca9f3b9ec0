//! What cargo knows of the workspace.

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::command::{Failure, cargo, output};

/// The workspace with all packages that it depends on, on any platform.
pub(crate) fn metadata() -> Result<Metadata, Failure> {
    parse(&["metadata", "--format-version", "1"])
}

/// The workspace alone, which needs no look at any index.
pub(crate) fn members_only() -> Result<Metadata, Failure> {
    parse(&["metadata", "--format-version", "1", "--no-deps"])
}

/// The members that may be published.
pub(crate) fn published(metadata: &Metadata) -> Vec<&Package> {
    let mut members = metadata.workspace_packages();
    members.retain(|member| member.publish.is_none());
    members
}

fn parse(arguments: &[&str]) -> Result<Metadata, Failure> {
    let json = output(cargo().args(arguments))?;
    MetadataCommand::parse(String::from_utf8_lossy(&json))
        .map_err(|error| Failure::Found(format!("`cargo metadata` wrote what cannot be read: {error}")))
}
