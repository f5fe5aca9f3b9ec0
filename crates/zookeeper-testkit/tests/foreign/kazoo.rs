//! kazoo, the client for Python.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::program::Program;

/// Where `cargo xtask setup` puts it. Not what the system has: its version may be any.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/kazoo-2.11.0");
const REMEDY: &str = "`cargo xtask setup` installs kazoo.";

pub(crate) const MILESTONES: &[&str] = &[
    "create -> /kazoo/deep/node",
    "set stale !! BadVersionError",
    "['RolledBackError', 'BadVersionError', 'RuntimeInconsistency']",
    "get by another !! NoAuthError",
    "event: DELETED /kazoo/watched/child",
    "children: ['a', 'b']",
    "second in time !! LockTimeout",
    "second: True",
    "leads: first",
    "candidates: ['first', 'second']",
    "leads: second",
    "== end",
];

pub(crate) fn session(server: SocketAddr) -> String {
    assert!(Path::new(FOLDER).is_dir(), "there is no {FOLDER}. {REMEDY}");
    let mut command = Command::new(python());
    command.env("PYTHONPATH", FOLDER).args(["-c", include_str!("session.py"), &server.to_string()]);
    Program::start(command, REMEDY).finish(REMEDY)
}

/// The first Python that runs kazoo: the first on the path need not be the one that it was installed with.
fn python() -> &'static str {
    let has_kazoo = |python: &&str| {
        let mut command = Command::new(python);
        command.env("PYTHONPATH", FOLDER).args(["-c", "import kazoo.client"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_kazoo);
    found.unwrap_or_else(|| panic!("no python3 runs kazoo from {FOLDER}. {REMEDY}"))
}
