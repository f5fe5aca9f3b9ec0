//! What happens when the master dies, and how fast?
//!
//! Three nodes compete, each a process of its own. The master is killed with `kill -9`; when its session has expired
//! another one leads. That one is then asked to leave in order, and the third leads within milliseconds. In the end
//! it says who led when.
//!
//! ```text
//! cargo run --example failover                       with a server inside this process
//! cargo run --example failover -- --zookeeper HOSTS
//! cargo run --example failover -- --svg FILE         and draws it; each master leads for a second, so that it can be seen
//! ```
//!
//! It asks for a session timeout T of 2 s, which the server that it starts grants. Other servers may grant no less
//! than 4 s, and the takeover then takes longer: T + 1.5 ticks + 1 s at most.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what happens")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{FencingToken, Timestamp, clock};
use election_examples::{ZooKeeper, path_of_this_run};
use tokio::sync::oneshot;

mod picture;

use picture::{Life, Mastership};

/// What is asked for.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long anything may take before this gives up.
const LIMIT: Duration = Duration::from_secs(30);

#[actix::main]
async fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--node", hosts, path, name] => node(hosts, path, name).await,
        [.., "--svg", file] => direct(Some(file)).await,
        _ => direct(None).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the application would be.
struct Role;

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        println!("master {} {}", clock::now().as_nanos(), lease.token());
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, .. }: BecameStandby, _: &mut Self::Context) {
        println!("standby {} {reason}", clock::now().as_nanos());
    }
}

/// Competes until its standard input is closed: by the director, or because the director is gone.
async fn node(hosts: &str, path: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let session = Session::builder(hosts).session_timeout(SESSION_TIMEOUT).start()?;
    let role = Role.start();
    let address = format!("{name}.example:80");
    let _election = Election::builder(path).address(&address).role(&role).campaign(&session).await?;
    let (leave, asked_to_leave) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(leave);
    });
    let _ = asked_to_leave.await;
    session.close().await;
    Ok(())
}

/// One node's process.
struct Node {
    name: &'static str,
    process: Child,
    /// Closed, it leaves.
    stdin: Option<ChildStdin>,
    from: Timestamp,
    /// When it was killed, or left.
    until: Option<(Timestamp, End)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Left,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a node said.
struct Said {
    node: &'static str,
    at: Timestamp,
    /// `None` for standby.
    master: Option<FencingToken>,
    reason: String,
}

/// A mastership.
struct Term {
    node: &'static str,
    token: FencingToken,
    from: Timestamp,
    until: Option<(Timestamp, &'static str)>,
}

/// Starts the nodes, kills one, and keeps the record.
struct Director {
    began: Timestamp,
    nodes: Vec<Node>,
    lines: mpsc::Receiver<(&'static str, String)>,
    terms: Vec<Term>,
}

async fn direct(svg: Option<&str>) -> Result<(), Box<dyn Error>> {
    println!("looking for a ZooKeeper");
    let zookeeper = ZooKeeper::given_or_started(&svg.map_or(vec![], |file| vec!["--svg", file])).await?;
    let path = path_of_this_run("failover");
    println!("three nodes compete for {path} at {}", zookeeper.hosts());
    let (sender, lines) = mpsc::channel();
    let mut director = Director { began: clock::now(), nodes: Vec::new(), lines, terms: Vec::new() };
    for name in ["ada", "ben", "cleo"] {
        director.nodes.push(start(name, zookeeper.hosts(), &path, sender.clone())?);
        director.next_from(name)?;
    }
    drop(sender);

    let to_be_seen = || std::thread::sleep(svg.map_or(Duration::ZERO, |_| Duration::from_secs(1)));
    let dead = director.first_master()?;
    to_be_seen();
    director.end_term(dead, "killed");
    director.node(dead)?.process.kill()?;
    director.ends(dead, End::Killed)?;
    director.tell(dead, "KILLED with kill -9");
    let second = director.next_master()?;
    to_be_seen();

    director.tell(second, "asked to leave in order");
    director.node(second)?.stdin.take();
    director.ends(second, End::Left)?;
    let third = director.next_master()?;
    to_be_seen();

    director.tell(third, "asked to leave in order");
    director.node(third)?.stdin.take();
    director.node(third)?.process.wait()?;
    director.ends(third, End::Left)?;
    while director.hear().is_ok() {}
    director.sum_up()?;
    match svg {
        Some(file) => Ok(std::fs::write(file, director.draw())?),
        None => Ok(()),
    }
}

fn start(
    name: &'static str,
    hosts: &str,
    path: &str,
    said: mpsc::Sender<(&'static str, String)>,
) -> Result<Node, Box<dyn Error>> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["--node", hosts, path, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = process.stdout.take().ok_or("a node without standard output")?;
    let stdin = process.stdin.take();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The director may be done.
            let _ = said.send((name, line));
        }
    });
    Ok(Node { name, process, stdin, from: clock::now(), until: None })
}

impl Director {
    fn since_start(&self, at: Timestamp) -> f64 {
        at.since(self.began).as_secs_f64()
    }

    fn tell(&self, node: &str, what: &str) {
        println!("{:7.3} s  {node:5} {what}", self.since_start(clock::now()));
    }

    fn node(&mut self, name: &str) -> Result<&mut Node, Box<dyn Error>> {
        self.nodes.iter_mut().find(|node| node.name == name).ok_or("no such node".into())
    }

    fn ends(&mut self, name: &str, end: End) -> Result<(), Box<dyn Error>> {
        self.node(name)?.until = Some((clock::now(), end));
        Ok(())
    }

    /// Waits for the next thing that a node says, and keeps the record.
    fn hear(&mut self) -> Result<Said, Box<dyn Error>> {
        let (node, line) = self.lines.recv_timeout(LIMIT).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => "nothing happened for 30 s: is the ensemble there?",
            mpsc::RecvTimeoutError::Disconnected => "all nodes have ended",
        })?;
        let said = parse(node, &line).ok_or_else(|| format!("{node} said {line:?}"))?;
        match said.master {
            Some(token) => {
                println!("{:7.3} s  {node:5} MASTER, token {token}", self.since_start(said.at));
                self.terms.push(Term { node, token, from: said.at, until: None });
            }
            None => {
                println!("{:7.3} s  {node:5} standby ({})", self.since_start(said.at), said.reason);
                self.end_term_at(node, said.at, "left in order");
            }
        }
        Ok(said)
    }

    /// Waits until this node has said something.
    fn next_from(&mut self, node: &str) -> Result<(), Box<dyn Error>> {
        while self.hear()?.node != node {}
        Ok(())
    }

    /// Whoever leads once all nodes are there.
    fn first_master(&mut self) -> Result<&'static str, Box<dyn Error>> {
        loop {
            if let Some(term) = self.terms.last().filter(|term| term.until.is_none()) {
                return Ok(term.node);
            }
            self.hear()?;
        }
    }

    /// Whoever comes to lead next.
    fn next_master(&mut self) -> Result<&'static str, Box<dyn Error>> {
        loop {
            let said = self.hear()?;
            if said.master.is_some() {
                return Ok(said.node);
            }
        }
    }

    fn end_term(&mut self, node: &str, how: &'static str) {
        self.end_term_at(node, clock::now(), how);
    }

    fn end_term_at(&mut self, node: &str, at: Timestamp, how: &'static str) {
        if let Some(term) = self.terms.last_mut().filter(|term| term.node == node && term.until.is_none()) {
            term.until = Some((at, how));
        }
    }

    /// Says who led when, and checks that never two led at once.
    fn sum_up(&self) -> Result<(), Box<dyn Error>> {
        println!("\nwho led when:");
        let mut before: Option<(&Term, Timestamp)> = None;
        for term in &self.terms {
            let (until, how) =
                term.until.ok_or_else(|| format!("{} has never stopped to lead", term.node))?;
            let gap = before.map_or_else(String::new, |(last, end)| {
                format!(", {:.3} s after {}", term.from.since(end).as_secs_f64(), last.node)
            });
            let (from, to) = (self.since_start(term.from), self.since_start(until));
            println!("  {:5} {from:7.3} s to {to:7.3} s, token {}, {how}{gap}", term.node, term.token);
            if before.is_some_and(|(last, end)| term.from < end || term.token <= last.token) {
                return Err(format!("{} began to lead too early, or with an old token", term.node).into());
            }
            before = Some((term, until));
        }
        println!("never two at once, and every token was greater than the one before");
        Ok(())
    }
}

impl Director {
    fn draw(&self) -> String {
        let now = clock::now();
        let lives = self.nodes.iter().map(|node| Life {
            node: node.name,
            from: self.since_start(node.from),
            until: self.since_start(node.until.map_or(now, |(at, _)| at)),
            killed: node.until.is_some_and(|(_, end)| end == End::Killed),
        });
        let masterships = self.terms.iter().map(|term| Mastership {
            node: term.node,
            from: self.since_start(term.from),
            until: self.since_start(term.until.map_or(now, |(at, _)| at)),
            token: short(term.token),
        });
        picture::draw(&lives.collect::<Vec<_>>(), &masterships.collect::<Vec<_>>())
    }
}

/// The end of a token: a server that starts in the middle of an ensemble's life has long ones.
fn short(token: FencingToken) -> String {
    let digits = token.to_string();
    match digits.len().checked_sub(4) {
        Some(cut @ 1..) => format!("…{}", &digits[cut..]),
        _ => digits,
    }
}

fn parse(node: &'static str, line: &str) -> Option<Said> {
    let mut words = line.splitn(3, ' ');
    let (state, at, rest) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let master = match state {
        "master" => Some(FencingToken::new(rest.parse().ok()?)),
        "standby" => None,
        _ => return None,
    };
    Some(Said { node, at: Timestamp::from_nanos(at), master, reason: rest.to_owned() })
}
