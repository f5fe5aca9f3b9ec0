//! Curator, the recipes for Java.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::classpath::{REMEDY, classpath};
use super::program::Program;

pub(crate) const MILESTONES: &[&str] = &[
    "create -> /curator/deep/node",
    "set stale !! BADVERSION",
    "bad !! BADVERSION",
    "get by another !! NOAUTH",
    "event: NodeDeleted /curator/watched",
    "event: NodeChildrenChanged /curator/PERSISTENT",
    "event: NodeCreated /curator/PERSISTENT_RECURSIVE/child",
    "remove again !! NOWATCHER",
    "children: CHILD_REMOVED /curator/cache/a two",
    "tree: initialized",
    "tree: changed /curator/tree/a/b two to /curator/tree/a/b three",
    "tree: deleted /curator/tree/a one",
    "second in time -> false",
    "second: true",
    "two: false, leader Participant{id='one', isLeader=true}",
    "two: true, leader Participant{id='two', isLeader=true}",
    "leads: selector 1, selector 1",
    "leads: selector 2, selector 2",
    "== end",
];

pub(crate) fn session(server: SocketAddr) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/Session.java");
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &classpath()]);
    command.arg(source).arg(server.to_string());
    let text = Program::start(command, REMEDY).finish(REMEDY);
    // The compiler has its say first.
    text.lines().filter(|line| !line.starts_with("Note: ")).map(|line| format!("{line}\n")).collect()
}
