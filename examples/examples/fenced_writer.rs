//! What stops an old master that does not know yet that it is one?
//!
//! Code that already runs does not stop by itself. A write that was begun by one master can arrive when the next
//! one has long been at work: after a pause of the process, say, or because somebody forgot to end a job. The
//! resource has to refuse it, and needs nothing for that but the fencing token, which grows with every mastership.
//!
//! Two nodes in this process compete. The first begins a slow write and loses the mastership over it; its write
//! comes late, and is refused.
//!
//! ```text
//! cargo run --example fenced_writer                       with a server inside this process
//! cargo run --example fenced_writer -- --zookeeper HOSTS
//! ```
//!
//! A resource that has not heard of the new master yet cannot know that the old one is old: let a new master write
//! first of all, if only to say that it is there, before it relies on what it reads.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what happens")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{FencingToken, SessionBuilder};
use election_examples::{ZooKeeper, path_of_this_run};
use tokio::sync::{mpsc, oneshot};

/// What the masters write to: a database or a file server, elsewhere.
#[derive(Default)]
struct Ledger {
    highest: Option<FencingToken>,
    entries: Vec<String>,
}

/// The writer is not the newest that the ledger has seen.
#[derive(Debug)]
struct Refused {
    highest: FencingToken,
}

impl Ledger {
    /// All there is to fencing: refuse a token that is smaller than the greatest seen.
    fn write(&mut self, token: FencingToken, entry: &str) -> Result<(), Refused> {
        if let Some(highest) = self.highest.filter(|highest| token < *highest) {
            return Err(Refused { highest });
        }
        self.highest = Some(token);
        self.entries.push(entry.to_owned());
        Ok(())
    }
}

/// The ledger, shared by everybody who can reach it.
type SharedLedger = Arc<Mutex<Ledger>>;

fn write(ledger: &SharedLedger, token: FencingToken, entry: &str) -> Result<(), Refused> {
    let outcome = ledger.lock().unwrap_or_else(PoisonError::into_inner).write(token, entry);
    match &outcome {
        Ok(()) => println!("ledger: token {token} wrote {entry:?}"),
        Err(Refused { highest }) => {
            println!("ledger: token {token} REFUSED, {highest} has been here: {entry:?}")
        }
    }
    outcome
}

/// A role that tells of its turns.
struct Node {
    name: &'static str,
    turns: mpsc::UnboundedSender<Turn>,
}

enum Turn {
    Master(Lease),
    Standby,
}

impl Actor for Node {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Node {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        println!("{}: master, token {}", self.name, lease.token());
        // The program may be done already.
        let _ = self.turns.send(Turn::Master(lease));
    }
}

impl Handler<BecameStandby> for Node {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, .. }: BecameStandby, _: &mut Self::Context) {
        println!("{}: standby ({reason})", self.name);
        let _ = self.turns.send(Turn::Standby);
    }
}

/// A node in the election, with a session of its own as if it were a process of its own.
struct Member {
    session: Session,
    _election: Election,
    turns: mpsc::UnboundedReceiver<Turn>,
}

impl Member {
    async fn join(name: &'static str, session: SessionBuilder, path: &str) -> Result<Self, Box<dyn Error>> {
        let session = session.start()?;
        let (sender, turns) = mpsc::unbounded_channel();
        let node = Node { name, turns: sender }.start();
        let election = Election::builder(path).role(&node).campaign(&session).await?;
        Ok(Member { session, _election: election, turns })
    }

    async fn next_turn(&mut self) -> Result<Turn, Box<dyn Error>> {
        let turn = tokio::time::timeout(Duration::from_secs(30), self.turns.recv()).await;
        turn.map_err(|_| "nothing happened for 30 s: is the ensemble there?")?
            .ok_or("the node is gone".into())
    }

    async fn becomes_master(&mut self) -> Result<Lease, Box<dyn Error>> {
        loop {
            if let Turn::Master(lease) = self.next_turn().await? {
                return Ok(lease);
            }
        }
    }

    async fn becomes_standby(&mut self) -> Result<(), Box<dyn Error>> {
        while let Turn::Master(_) = self.next_turn().await? {}
        Ok(())
    }
}

#[actix::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let zookeeper = ZooKeeper::given_or_started(&[]).await?;
    let path = path_of_this_run("fenced-writer");
    let session = Session::builder(zookeeper.hosts());
    let ledger = SharedLedger::default();

    let mut first = Member::join("first", session.clone(), &path).await?;
    let old = first.becomes_master().await?;
    write(&ledger, old.token(), "first: opened").map_err(|_| "an empty ledger refuses nobody")?;

    // The lease is checked before the step, as it should be. Then the step takes its time.
    let (arrive, arrives) = oneshot::channel::<()>();
    let late_write = actix::spawn({
        let (ledger, lease) = (Arc::clone(&ledger), old.clone());
        async move {
            println!("first: begins a slow write; its lease is valid: {}", lease.is_valid());
            let _ = arrives.await;
            println!("first: the write arrives; its lease is valid: {}", lease.is_valid());
            write(&ledger, lease.token(), "first: too late")
        }
    });

    let mut second = Member::join("second", session, &path).await?;
    second.becomes_standby().await?;
    println!("first: resigns, and forgets that a write is under way");
    old.resign();
    let new = second.becomes_master().await?;
    write(&ledger, new.token(), "second: opened").map_err(|_| "the newest token was refused")?;

    let _ = arrive.send(());
    let refused = late_write.await?.is_err();
    write(&ledger, new.token(), "second: goes on").map_err(|_| "the newest token was refused")?;

    second.session.close().await;
    first.session.close().await;
    let entries = ledger.lock().unwrap_or_else(PoisonError::into_inner).entries.join("; ");
    println!("\nthe ledger holds: {entries}");
    if !refused || old.is_valid() {
        return Err("the late write of the old master was accepted".into());
    }
    println!("the late write of the old master was refused");
    Ok(())
}
