//! How does an actix-web service hand over when it is stopped?
//!
//! By nothing that it does: on SIGTERM actix-web finishes the requests under way, `main` returns, and the handles of the
//! election go with it. The session is closed before the process ends, so that another one is master at once.
//!
//! ```text
//! cargo run --example actix_web_service LISTEN [HOSTS]
//! ```
//!
//! LISTEN is an address such as `127.0.0.1:8080`, and HOSTS is `127.0.0.1:2181` unless it is given.

#![allow(clippy::print_stdout, reason = "it says what happens to it")]

use actix_election::prelude::*;
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse, HttpServer};

/// The background work of the master: a scheduler, say.
struct Scheduler;

impl Actor for Scheduler {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Scheduler {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, _: &mut Self::Context) {
        println!("master, token {}", lease.token());
    }
}

impl Handler<BecameStandby> for Scheduler {
    type Result = ();

    fn handle(&mut self, BecameStandby { reason, .. }: BecameStandby, _: &mut Self::Context) {
        println!("standby ({reason})");
    }
}

/// What only the master may do.
async fn next_number(election: Data<Election>) -> HttpResponse {
    match election.lease() {
        Some(lease) => HttpResponse::Ok().body(format!("written with token {}\n", lease.token())),
        None => HttpResponse::ServiceUnavailable().body(format!("{}\n", election.leadership())),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().ok_or("usage: actix_web_service LISTEN [HOSTS]")?;
    let hosts = args.next().unwrap_or_else(|| "127.0.0.1:2181".into());

    let listener = std::net::TcpListener::bind(&listen)?;
    let address = listener.local_addr()?.to_string();
    let session = Session::builder(&hosts).start()?;
    let scheduler = Scheduler.start();
    let election = Election::builder("/actix-web-service").address(&address).role(&scheduler);
    let election = Data::new(election.campaign(&session).await?);
    println!("listening on {address}");

    let app = move || App::new().app_data(election.clone()).route("/number", get().to(next_number));
    HttpServer::new(app).workers(2).listen(listener)?.run().await?;
    Ok(())
}
