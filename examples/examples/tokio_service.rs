//! How does a program without actors take part?
//!
//! By a future for each term: `on_master` spawns it, drops it at the end of the term, and only then is the lock released. Code
//! elsewhere asks the election for its lease.
//!
//! ```text
//! cargo run --example tokio_service [HOSTS]
//! ```
//!
//! HOSTS is `127.0.0.1:2181` unless it is given. Start it twice, and end the first with ctrl-c.

#![allow(clippy::print_stdout, reason = "it says what happens to it")]

use std::time::Duration;

use actix_election::{Election, Lease, Session};

/// What has to be put in order at the end of a term.
struct Work(Lease);

impl Drop for Work {
    fn drop(&mut self) {
        println!("stopped, term {}", self.0.token());
    }
}

/// The work of a master: one step after the other, each under a valid lease.
async fn work(lease: Lease) {
    let work = Work(lease);
    while work.0.is_valid() {
        println!("a step, token {}", work.0.token());
        // Here it may be dropped, as at every await.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hosts = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let session = Session::builder(&hosts).start()?;
    let election = Election::builder("/tokio-service").on_master(work).campaign(&session).await?;

    let watched = election.clone();
    tokio::spawn(async move {
        if let Ok(lease) = watched.until_master().await {
            println!("master for the first time, token {}", lease.token());
        }
    });
    tokio::signal::ctrl_c().await?;
    session.close().await;
    println!("left");
    Ok(())
}
