//! kazoo, the client for Python.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::program::Program;

const REMEDY: &str = "`cargo xtask zookeeper` installs kazoo; elsewhere: pip install kazoo.";

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
    let mut command = Command::new(python());
    command.args(["-c", include_str!("session.py"), &server.to_string()]);
    Program::start(command, REMEDY).finish(REMEDY)
}

/// The first Python that has kazoo: Debian's packages are for Debian's Python only.
fn python() -> &'static str {
    let has_kazoo = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import kazoo"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_kazoo);
    found.unwrap_or_else(|| panic!("no python3 has the module kazoo. {REMEDY}"))
}
