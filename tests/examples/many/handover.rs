//! The time from a master's resignation to the handler of the next one.

use std::time::{Duration, Instant};

use actix_election::prelude::*;
use actix_election::{CandidateState, Close, GetStatus, Strategy};
use tokio::sync::mpsc;

use super::floor::Floor;
use super::subject::Subject;
use super::{Outcome, SESSION_TIMEOUT};

/// Rounds that do not count: what a server has not done before takes it long.
const WARM_UP: usize = 200;
const ROUNDS: usize = 200;

/// Says when it is master.
struct Role(usize, mpsc::UnboundedSender<(usize, Instant, Lease)>);

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        let _ = self.1.send((self.0, Instant::now(), message.lease));
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {}
}

pub(crate) async fn measure(subject: &Subject, strategy: Strategy) -> Outcome<()> {
    let mut floor = Floor::open(&subject.addresses()).await?;
    let (told, mut news) = mpsc::unbounded_channel();
    let mut sides = Vec::new();
    for number in 0..2 {
        let session = Session::builder(&subject.connect_string()).session_timeout(SESSION_TIMEOUT).start()?;
        let told = told.clone();
        let role = Role::start_in_arbiter(&Arbiter::new().handle(), move |_| Role(number, told));
        let builder = Election::builder("/handover").strategy(strategy).role(&role);
        let builder = builder.resign_pause(Duration::from_millis(10));
        let election = builder.campaign(&session).await?;
        sides.push((session, election));
    }
    let (mut took, mut events, mut creates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut master, _, mut lease) = news.recv().await.ok_or("no role")?;
    for round in 0..WARM_UP + ROUNDS {
        // Until the other one stands by.
        loop {
            let status = sides[1 - master].1.send(GetStatus).await?;
            if status.state == CandidateState::Standby
                && status.master.flatten().is_some_and(|at| at.token == lease.token())
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (event, created) = floor.round().await?;
        let started = Instant::now();
        lease.resign();
        let (next, at, next_lease) = news.recv().await.ok_or("no role")?;
        if round >= WARM_UP && next != master {
            took.push(at.duration_since(started));
            events.push(event);
            creates.push(created);
        }
        (master, lease) = (next, next_lease);
    }
    show("floor: delete -> event", events);
    show("floor: delete -> event -> create", creates);
    show("handover: resign -> next handler", took);
    for (session, _) in sides {
        session.send(Close).await?;
    }
    Ok(())
}

fn show(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{what:32} {:9.3} ms median, {:.3} ms p99, {} rounds", at(0.5), at(0.99), took.len());
}
