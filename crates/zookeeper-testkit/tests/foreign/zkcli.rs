//! `zkCli.sh`, ZooKeeper's own command line.
//!
//! Two of them are told one command after the other, so that everything has its order, zxids included.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::Program;

/// Asks for nothing, and its answer shows that the command before it is done: there are no prompts to wait for, unless
/// zkCli.sh finds JLine.
const MARK: &str = "printwatches";
const MARK_ANSWER: &str = "printwatches is on\n";
const REMEDY: &str = "`cargo xtask setup` installs ZooKeeper, which brings zkCli.sh.";

pub(crate) const MILESTONES: &[&str] = &[
    "first: create /zkcli/data one",
    "Created /zkcli/data",
    "event: NodeDataChanged /zkcli/data",
    "event: NodeChildrenChanged /zkcli",
    "event: NodeDeleted /zkcli/lock",
    "Created /zkcli/lock",
    "Created /zkcli/election/n_0000000001",
    "event: NodeDeleted /zkcli/election/n_0000000000",
    "[n_0000000001]",
];

/// One command line at its prompt.
struct Cli {
    name: &'static str,
    program: Program,
    /// How much of its output was told.
    told: usize,
    /// How many events were told.
    events: usize,
}

/// The session as the two tell it.
pub(crate) fn session(server: SocketAddr) -> String {
    let mut told = String::new();
    let mut first = Cli::start("first", server);
    reads_and_writes(&mut first, &mut told);
    let mut second = Cli::start("second", server);
    watches(&mut first, &mut second, &mut told);
    access(&mut first, &mut second, &mut told);
    lock(&mut first, &mut second, &mut told);
    election(first, second, &mut told);
    told
}

fn reads_and_writes(first: &mut Cli, told: &mut String) {
    for command in [
        "ls /",
        "create /zkcli",
        "create /zkcli/data one",
        "get -s /zkcli/data",
        "set -s /zkcli/data two",
        "set -v 0 /zkcli/data three",
        "get /zkcli/data",
        "create /zkcli/data again",
        "create /zkcli/none/below",
        "get /zkcli/none",
        "create -s /zkcli/sequence-",
        "create -s -e /zkcli/sequence-",
        "create -c /zkcli/container",
        "create -e /zkcli/container/ephemeral",
        "create /zkcli/container/ephemeral/below",
        "stat /zkcli/container",
        "ls -s /zkcli",
        "ls -R /zkcli",
        "delete -v 5 /zkcli/data",
        "delete /zkcli",
        "sync /zkcli",
        "version",
    ] {
        first.tell(command, told);
    }
}

fn watches(first: &mut Cli, second: &mut Cli, told: &mut String) {
    second.tell("get -w /zkcli/data", told);
    second.tell("ls -w /zkcli", told);
    first.tell("set /zkcli/data three", told);
    second.event(told);
    first.tell("create /zkcli/new", told);
    second.event(told);
    second.tell("stat -w /zkcli/new", told);
    second.tell("removewatches /zkcli/new", told);
    second.event(told);
    second.tell("removewatches /zkcli/new", told);
    second.tell("stat -w /zkcli/new", told);
    first.tell("delete /zkcli/new", told);
    second.event(told);
}

fn access(first: &mut Cli, second: &mut Cli, told: &mut String) {
    for command in [
        "addauth digest user:password",
        "create /zkcli/secret hidden auth::cdrwa",
        "getAcl -s /zkcli/secret",
        "get /zkcli/secret",
    ] {
        first.tell(command, told);
    }
    for command in [
        "get /zkcli/secret",
        "set /zkcli/secret mine",
        "getAcl /zkcli/secret",
        "setAcl /zkcli/data world:anyone:r",
        "set /zkcli/data refused",
        "setAcl /zkcli/data nonsense",
        "whoami",
    ] {
        second.tell(command, told);
    }
}

fn lock(first: &mut Cli, second: &mut Cli, told: &mut String) {
    first.tell("create -e /zkcli/lock first", told);
    second.tell("create -e /zkcli/lock second", told);
    second.tell("stat -w /zkcli/lock", told);
    first.tell("delete /zkcli/lock", told);
    second.event(told);
    second.tell("create -e /zkcli/lock second", told);
    first.tell("get -s /zkcli/lock", told);
}

/// The master leaves without a word; its session ends with it.
fn election(mut first: Cli, mut second: Cli, told: &mut String) {
    first.tell("create /zkcli/election", told);
    first.tell("create -e -s /zkcli/election/n_ first", told);
    second.tell("create -e -s /zkcli/election/n_ second", told);
    first.tell("ls /zkcli/election", told);
    second.tell("get -w /zkcli/election/n_0000000000", told);
    first.leave();
    second.event(told);
    second.tell("ls /zkcli/election", told);
    second.tell("deleteall /zkcli/container", told);
    second.tell("ls -R /zkcli", told);
    second.leave();
}

impl Cli {
    fn start(name: &'static str, server: SocketAddr) -> Self {
        let mut command = Command::new(find());
        command.args(["-timeout", "10000", "-server", &server.to_string()]);
        let mut cli = Self { name, program: Program::start(command, REMEDY), told: 0, events: 0 };
        cli.told = cli.wait_for_mark();
        cli
    }

    /// Gives a command and tells what came of it, events aside.
    fn tell(&mut self, command: &str, told: &mut String) {
        self.program.say(command);
        let (from, to) = (self.told, self.wait_for_mark());
        self.told = to;
        let output = self.program.text()[from..to].trim_end_matches(MARK_ANSWER);
        told.push_str(&format!("{}: {command}\n", self.name));
        let lines = output.lines().map(|line| without_prompt(line).trim_end());
        for line in lines.filter(|line| !is_noise(line, command)) {
            told.push_str(&normalised(line));
            told.push('\n');
        }
    }

    /// Tells the next event, waiting for it.
    fn event(&mut self, told: &mut String) {
        let index = self.events;
        self.events += 1;
        let text = self.program.wait_for("event", |text| events(text).count() > index);
        told.push_str(&format!("{}\n", events(text).nth(index).unwrap()));
    }

    fn leave(mut self) {
        self.program.say("quit");
        self.program.finish(REMEDY);
    }

    /// Where the answer to a mark ends that is set now.
    fn wait_for_mark(&mut self) -> usize {
        self.program.say(MARK);
        let from = self.told;
        let text = self.program.wait_for(MARK, |text| text[from..].contains(MARK_ANSWER));
        from + text[from..].find(MARK_ANSWER).unwrap() + MARK_ANSWER.len()
    }
}

fn find() -> PathBuf {
    let home = std::env::var_os("ZOOKEEPER_HOME").filter(|home| !home.is_empty());
    home.as_deref().map_or(Path::new("/usr/share/zookeeper"), Path::new).join("bin/zkCli.sh")
}

/// `event: KIND PATH` of each whole line that tells of a node.
fn events(text: &str) -> impl Iterator<Item = String> {
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.filter_map(|line| {
        let (kind, path) = line.trim_end().split_once("WatchedEvent ")?.1.split_once(" path:")?;
        let kind = kind.split_once("type:")?.1;
        (kind != "None").then(|| format!("event: {kind} {path}"))
    })
}

fn without_prompt(line: &str) -> &str {
    let command = line.strip_prefix("[zk: ").and_then(|rest| rest.split_once("] "));
    command.map_or(line, |(_, command)| command)
}

/// What is typed, events, and the log.
fn is_noise(line: &str, command: &str) -> bool {
    let event = line.starts_with("WATCHER::") || line.starts_with("WatchedEvent ");
    let log = line.starts_with("SLF4J") || line.contains("[myid:");
    line.is_empty() || line == command || line == MARK || event || log
}

/// Without what differs from run to run.
fn normalised(line: &str) -> String {
    match line.split_once(" = ") {
        Some((name @ ("ctime" | "mtime"), _)) => format!("{name} = some time"),
        Some(("ephemeralOwner", owner)) if owner != "0x0" => "ephemeralOwner = a session".to_owned(),
        _ => line.to_owned(),
    }
}
