//! How does a process follow who is master without competing?
//!
//! It observes: an election without a role says who is master, now and on every change, "nobody" included. A client
//! or a proxy that has to find the master does this.
//!
//! ```text
//! cargo run --example observer 127.0.0.1:2181 /demo
//! ```
//!
//! Run some nodes of `multi_node` beside it. While the ensemble cannot be reached nothing is said, and the last
//! master is only the last one known: the status tells how old that knowledge is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what it sees")]

use std::process::ExitCode;

use actix_election::prelude::*;

struct Follower;

impl Actor for Follower {
    type Context = Context<Self>;
}

impl Handler<MasterChanged> for Follower {
    type Result = ();

    fn handle(&mut self, MasterChanged { path, master, .. }: MasterChanged, _: &mut Self::Context) {
        match master {
            Some(master) => {
                println!("{path}: the master is \"{}\", token {}", master.printable_address(), master.token)
            }
            None => println!("{path}: there is no master"),
        }
    }
}

#[actix::main]
async fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [hosts, path] = args.as_slice() else {
        eprintln!("usage: observer HOSTS PATH, such as 127.0.0.1:2181 /demo");
        return ExitCode::from(2);
    };
    match run(hosts, path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(hosts: &str, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let session = Session::builder(hosts).start()?;
    let election = Election::builder(path).observe(&session).await?;
    election.observe(Follower.start().recipient());
    actix_election::shutdown_signal().await?;
    let status = election.status();
    let session_state = status.session.as_str();
    match status.quorum_answer_age {
        Some(age) => println!("session {session_state}; the quorum last answered {age:.1?} ago"),
        None => println!("session {session_state}; the quorum has never answered"),
    }
    session.close().await;
    Ok(())
}
