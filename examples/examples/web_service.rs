//! How does a web service answer only while it is master?
//!
//! By a look at `election.lease()` for each request, which waits for nobody. Whoever is not master says who is, unless that
//! would send the client in a circle.
//!
//! ```text
//! cargo run --example web_service LISTEN [HOSTS]
//! ```
//!
//! LISTEN is an address such as `127.0.0.1:8080`, and HOSTS is `127.0.0.1:2181` unless it is given.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it says what happens to it")]

use actix_election::{Election, Leadership, Session};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

/// What only the master may do.
async fn next_number(State(election): State<Election>) -> (StatusCode, String) {
    match election.lease() {
        // Hand the token on to whatever stores the number, so that it can refuse a late writer.
        Some(lease) => (StatusCode::OK, format!("written with token {}\n", lease.token())),
        None => (StatusCode::SERVICE_UNAVAILABLE, elsewhere(&election.leadership())),
    }
}

/// Where to ask instead.
fn elsewhere(leadership: &Leadership) -> String {
    match leadership {
        Leadership::Held { master, is_self: false, .. } => {
            format!("ask {}\n", master.printable_address())
        }
        // Of itself it knows no more than that it is not master now.
        _ => "ask again later\n".to_owned(),
    }
}

/// Why this process is not master.
async fn status(State(election): State<Election>) -> String {
    let status = election.status();
    format!("{}, master: {}\n", status.state, status.leadership)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().ok_or("usage: web_service LISTEN [HOSTS]")?;
    let hosts = args.next().unwrap_or_else(|| "127.0.0.1:2181".into());

    let listener = tokio::net::TcpListener::bind(&listen).await?;
    let address = listener.local_addr()?.to_string();
    let session = Session::builder(&hosts).start()?;
    let election = Election::builder("/web-service").address(&address).without_role();
    let election = election.campaign(&session).await?;
    println!("listening on {address}");

    let routes = Router::new()
        .route("/number", get(next_number))
        .route("/status", get(status))
        .with_state(election.clone());
    axum::serve(listener, routes)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    session.close().await;
    Ok(())
}
