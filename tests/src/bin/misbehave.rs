//! A candidate whose role actor misbehaves on command.
//!
//! `misbehave CONNECT PATH NAME TIMEOUT_MS STRATEGY` speaks on standard output as `elect campaign --json --holding 10ms` does,
//! and takes commands on standard input: `panic`, `stop`, `block MS` (its thread), `drop` (every handle, without a
//! farewell, while the process lives on), `add` (a new role actor), `quit` (leave in order and end).

#![allow(clippy::print_stdout, reason = "speaking on standard output is what it is for")]

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use actix_election::{
    BecameMaster, BecameStandby, Election, Lease, Problem, Session, SessionChanged, Strategy, clock,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Shared = Arc<Mutex<Option<Lease>>>;

struct Role {
    name: String,
    lease: Shared,
}

#[derive(Message)]
#[rtype(result = "()")]
enum Do {
    Panic,
    Stop,
    Block(Duration),
}

fn say(mut line: Value) {
    line["at"] = json!(clock::now().as_secs_f64());
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Self::Context) {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let token = message.lease.token().as_i64();
        let remaining = message.lease.remaining().as_secs_f64();
        say(json!({"event": "became_master", "id": self.name, "token": token, "remaining": remaining}));
        *lease = Some(message.lease);
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, message: BecameStandby, _: &mut Self::Context) {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        *lease = None;
        say(json!({"event": "became_standby", "reason": message.reason.as_str(), "master": null}));
    }
}

impl Handler<Do> for Role {
    type Result = ();

    fn handle(&mut self, order: Do, ctx: &mut Self::Context) {
        match order {
            Do::Panic => panic!("as ordered"),
            Do::Stop => ctx.stop(),
            Do::Block(time) => std::thread::sleep(time),
        }
    }
}

/// Says what the library reports.
struct Reporter;

impl Actor for Reporter {
    type Context = Context<Self>;
}

impl Handler<SessionChanged> for Reporter {
    type Result = ();

    fn handle(&mut self, message: SessionChanged, _: &mut Self::Context) {
        say(json!({"event": "session", "state": message.state.as_str()}));
    }
}

impl Handler<Problem> for Reporter {
    type Result = ();

    fn handle(&mut self, problem: Problem, _: &mut Self::Context) {
        say(json!({"event": "error", "message": problem.message}));
    }
}

fn role(name: &str, lease: &Shared) -> Addr<Role> {
    let (name, lease) = (name.to_owned(), Arc::clone(lease));
    Role::start_in_arbiter(&Arbiter::new().handle(), move |_| Role { name, lease })
}

fn hold(lease: &Shared) {
    loop {
        std::thread::sleep(Duration::from_millis(10));
        let held = lease.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = &*held {
            let now = clock::now();
            let remaining = lease.remaining_at(now);
            if !remaining.is_zero() {
                let (at, token) = (now.as_secs_f64(), lease.token().as_i64());
                println!(
                    r#"{{"at":{at},"event":"holding","token":{token},"remaining":{}}}"#,
                    remaining.as_secs_f64()
                );
            }
        }
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, connect, path, name, timeout, strategy] = arguments.as_slice() else {
        return Err("five arguments".into());
    };
    let strategy = if strategy == "queue" { Strategy::Queue } else { Strategy::Lock };
    let lease = Shared::default();
    let holder = Arc::clone(&lease);
    std::thread::spawn(move || hold(&holder));
    let reporter = Reporter.start();
    let session =
        Session::builder(connect).session_timeout(Duration::from_millis(timeout.parse()?)).start()?;
    session.report_changes(reporter.clone().recipient());
    session.report_problems(reporter.clone().recipient());
    let mut actor = role(name, &lease);
    let election = Election::builder(path)
        .strategy(strategy)
        .address(&format!("{name}:1"))
        .failure_pause(Duration::from_secs(1))
        .role(&actor)
        .campaign(&session)
        .await?;
    let mut handles = Some((session, election));
    let (lines, mut orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(order) = orders.recv().await {
        match order.split(' ').collect::<Vec<_>>()[..] {
            ["panic"] => actor.do_send(Do::Panic),
            ["stop"] => actor.do_send(Do::Stop),
            ["block", ms] => actor.do_send(Do::Block(Duration::from_millis(ms.parse()?))),
            ["drop"] => handles = None,
            ["add"] => {
                actor = role(name, &lease);
                if let Some((_, election)) = &handles {
                    election.add_role(&actor);
                }
            }
            ["quit"] => break,
            _ => return Err(format!("unknown order {order:?}").into()),
        }
    }
    if let Some((session, _election)) = handles {
        session.close().await;
    }
    Ok(())
}
