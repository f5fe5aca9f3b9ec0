//! A load of sessions that only probe or ping: a process of its own, so that its own cost is not counted with the servers'.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zookeeper_testkit::wire::{OpCode, open_session, ping_frame, request_frame};

use crate::Outcome;
use crate::subject::{answer, input};

/// What a session sends, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rhythm {
    Ping(Duration),
    Probe(Duration),
}

/// Opens `sessions` sessions, evenly at all servers. Each line of standard input then sets the rhythm of every session:
/// `ping MILLIS` or `probe MILLIS`.
pub(crate) async fn run(connect: &str, sessions: u32, timeout: Duration) -> Outcome<()> {
    let servers: Vec<SocketAddr> = connect.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let rhythm = Arc::new(watch::Sender::new(Rhythm::Ping(timeout / 3)));
    for session in 0..sessions {
        let stream = open_session(servers[session as usize % servers.len()], timeout).await?;
        // Spread over the period, whatever it is.
        tokio::spawn(talk(stream, f64::from(session) / f64::from(sessions), rhythm.subscribe()));
    }
    let mut lines = input();
    answer("")?;
    while let Some(line) = lines.recv().await {
        let (kind, millis) = line.split_once(' ').ok_or("a kind and a period")?;
        let period = Duration::from_millis(millis.parse()?);
        rhythm.send_replace(if kind == "ping" { Rhythm::Ping(period) } else { Rhythm::Probe(period) });
        answer("")?;
    }
    Ok(())
}

async fn talk(stream: TcpStream, phase: f64, mut rhythm: watch::Receiver<Rhythm>) -> Outcome<()> {
    let (mut from, mut to) = stream.into_split();
    // Nobody looks at the replies; they only have to be taken.
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok(1..) = from.read(&mut buffer).await {}
    });
    let (ping, probe) = (ping_frame(), probe());
    loop {
        let now = *rhythm.borrow_and_update();
        let (period, message) = match now {
            Rhythm::Ping(period) => (period, &ping),
            Rhythm::Probe(period) => (period, &probe),
        };
        let mut next = Instant::now() + period.mul_f64(phase);
        loop {
            tokio::select! {
                () = sleep_until(next) => to.write_all(message).await?,
                changed = rhythm.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return Ok(()),
                },
            }
            next += period;
        }
    }
}

/// As the library's: to delete what is below a znode that never exists.
fn probe() -> Vec<u8> {
    request_frame(1, OpCode::Delete, |body| _ = body.string("/actix-election-probe/none").int(-1))
}
