//! A subject: a process that stands in elections as it is told to, whatever it is written with.
//!
//! It reads one command a line from standard input and answers each with a line that begins with `ok`. Times are
//! nanoseconds of `CLOCK_MONOTONIC`, taken in the subject itself, so that the way to and from it costs nothing.
//!
//! | command | what it does | answer |
//! |---|---|---|
//! | `session S CONNECT MILLIS` | opens session S and waits until it is connected | |
//! | `campaign S PATH COUNT` | session S stands in the elections `PATH/0` to `PATH/COUNT-1` | the time before the first |
//! | `masters S COUNT` | waits until S is master in COUNT elections | when any handler last heard that it is |
//! | `told S COUNT` | waits until COUNT candidates of S were told what they are; not of all subjects | when the last was |
//! | `next TIME` | waits until some session becomes master after TIME | when, and which session |
//! | `standing S` | waits until every candidate of S is master, or waits in turn | |
//! | `resign S` | gives up the first election of S, and stands in it again | the time before |
//! | `close S` | ends session S; not of all subjects | the time before |
//! | `log S` | what the first candidate of S heard: `+TIME` for master, `-TIME` for standby | |
//! | `live` | collects garbage; not of all subjects | the KiB that are in use after it |

pub(crate) mod board;
pub(crate) mod ours;
pub(crate) mod raw;

use std::io::{BufRead, Write};
use std::time::Duration;

use board::Board;
use tokio::sync::mpsc;

use crate::Outcome;

/// Below which path handovers are measured.
pub(crate) const HANDOVER: &str = "/handover";

/// What the subjects written in Rust differ in.
pub(crate) trait Candidates {
    /// Opens a session.
    async fn session(&mut self, session: u32, connect: &str, timeout: Duration) -> Outcome<()>;
    /// Stands in `count` elections below `path`. Returns without waiting for what comes of it.
    async fn campaign(&mut self, session: u32, path: &str, count: usize) -> Outcome<()>;
    /// Returns once all candidates of the session are master, or wait in turn.
    async fn standing(&mut self, session: u32) -> Outcome<()>;
    /// Gives up the session's first election and stands in it again.
    async fn resign(&mut self, session: u32) -> Outcome<()>;
    /// Ends a session.
    async fn close(&mut self, session: u32) -> Outcome<()>;
}

/// Does what standard input says, until it ends.
pub(crate) async fn serve(mut candidates: impl Candidates, board: &Board) -> Outcome<()> {
    let mut lines = input();
    answer("")?;
    while let Some(line) = lines.recv().await {
        let words: Vec<_> = line.split(' ').collect();
        let before = now();
        match words.as_slice() {
            ["session", session, connect, millis] => {
                let timeout = Duration::from_millis(millis.parse()?);
                candidates.session(session.parse()?, connect, timeout).await?;
                answer("")?;
            }
            ["campaign", session, path, count] => {
                candidates.campaign(session.parse()?, path, count.parse()?).await?;
                answer(&before.to_string())?;
            }
            ["masters", session, count] => {
                answer(&board.masters(session.parse()?, count.parse()?).await.to_string())?;
            }
            ["told", session, count] => {
                answer(&board.told(session.parse()?, count.parse()?).await.to_string())?;
            }
            ["next", after] => {
                let (at, session) = board.next(after.parse()?).await;
                answer(&format!("{at} {session}"))?;
            }
            ["standing", session] => {
                candidates.standing(session.parse()?).await?;
                answer("")?;
            }
            ["resign", session] => {
                candidates.resign(session.parse()?).await?;
                answer(&before.to_string())?;
            }
            ["close", session] => {
                candidates.close(session.parse()?).await?;
                answer(&before.to_string())?;
            }
            ["log", session] => answer(&board.log(session.parse()?))?,
            _ => return Err(format!("no such command: {line}").into()),
        }
    }
    Ok(())
}

/// The clock that Java and Python read as well.
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

pub(crate) fn answer(text: &str) -> Outcome<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "ok {text}")?;
    Ok(output.flush()?)
}

/// The lines of standard input, read by a thread of their own.
pub(crate) fn input() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
