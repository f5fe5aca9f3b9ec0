//! What is the least that an application has to do?
//!
//! Write a role actor with two handlers, start a session and an election, and close the session in the end.
//!
//! ```text
//! cargo run --example hello_role [HOSTS]
//! ```
//!
//! HOSTS is `127.0.0.1:2181` unless it is given. Start it twice, and end the first with ctrl-c.

#![allow(clippy::print_stdout, reason = "it says what happens to it")]

use actix_election::prelude::*;

struct Worker;

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Worker {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        println!(
            "master, token {}: start to work, and check lease.is_valid() before every step",
            lease.token()
        );
    }
}

impl Handler<BecameStandby> for Worker {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, .. }: BecameStandby, _: &mut Self::Context) {
        println!("standby ({reason}): stop working before this handler returns");
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hosts = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let session = Session::builder(&hosts).start()?;
    let worker = Worker.start();
    let _election = Election::builder("/hello").role(&worker).campaign(&session).await?;
    actix_election::shutdown_signal().await?;
    session.close().await;
    Ok(())
}
