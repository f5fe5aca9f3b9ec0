//! What do several processes see of each other?
//!
//! One node a terminal, against any ZooKeeper. Each prints whether it is master or standby, and who is master:
//!
//! ```text
//! cargo run --example multi_node 127.0.0.1:2181 /demo 10.0.0.1:8080
//! cargo run --example multi_node 127.0.0.1:2181 /demo 10.0.0.2:8080
//! ```
//!
//! The address is what the others are shown; nobody connects to it. End the master with ctrl-c, and the other takes
//! over in milliseconds; end it with `kill -9`, and that takes until its session expires.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what happens to it")]

use std::process::ExitCode;
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{Problem, SessionChanged};

struct Node {
    address: String,
}

impl Actor for Node {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Node {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        println!("{} is master, token {}", self.address, lease.token());
    }
}

impl Handler<BecameStandby> for Node {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, master, .. }: BecameStandby, _: &mut Self::Context) {
        match master {
            Some(master) => {
                println!(
                    "{} is standby ({reason}): the master is \"{}\"",
                    self.address,
                    master.printable_address()
                );
            }
            None => println!("{} is standby ({reason}): no master is known", self.address),
        }
    }
}

impl Handler<SessionChanged> for Node {
    type Result = ();

    fn handle(&mut self, SessionChanged { state, .. }: SessionChanged, _: &mut Self::Context) {
        println!("session {}", state.as_str());
    }
}

impl Handler<Problem> for Node {
    type Result = ();

    fn handle(&mut self, Problem { message, .. }: Problem, _: &mut Self::Context) {
        println!("problem: {message}");
    }
}

#[actix::main]
async fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [hosts, path, address] = args.as_slice() else {
        eprintln!("usage: multi_node HOSTS PATH ADDRESS, such as 127.0.0.1:2181 /demo 10.0.0.1:8080");
        return ExitCode::from(2);
    };
    match run(hosts, path, address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(hosts: &str, path: &str, address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let session = Session::builder(hosts).session_timeout(Duration::from_secs(6)).start()?;
    let node = Node { address: address.to_owned() }.start();
    session.report_changes(node.clone().recipient());
    session.report_problems(node.clone().recipient());
    let election = Election::builder(path).address(address).role(&node).campaign(&session).await?;
    election.report_problems(node.recipient());
    actix_election::shutdown_signal().await?;
    println!("leaving");
    session.close().await;
    Ok(())
}
