//! What a process said on its standard output.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a test waits for what has to happen: long enough for any machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// One line of `--json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// When, in seconds of `CLOCK_BOOTTIME`: the same clock for all processes of a machine.
    pub at: f64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The session's state changed.
    Session {
        /// Its new state.
        state: String,
    },
    /// The role handled `BecameStandby`.
    BecameStandby {
        /// Why.
        reason: String,
        /// The master, if known.
        master: Option<Master>,
    },
    /// The role handled `BecameMaster`.
    BecameMaster {
        /// Who says so.
        id: String,
        /// Its token.
        token: i64,
        /// Seconds of the lease at `at`; `None` of a Curator's, which has none.
        remaining: Option<f64>,
    },
    /// The lease was valid at `at`.
    Holding {
        /// Its token.
        token: i64,
        /// Seconds of the lease at `at`; `None` of a Curator's, which has none.
        remaining: Option<f64>,
    },
    /// `elect watch`: the master changed.
    MasterChanged {
        /// The new one.
        master: Option<Master>,
    },
    /// Something is wrong.
    Error {
        /// What.
        message: String,
    },
    /// A program of these tests was asked something on its standard input.
    Answer {
        /// What it was asked.
        to: String,
        /// What it says.
        answer: serde_json::Value,
    },
}

/// The master, as lines name it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Master {
    /// Its address.
    pub address: String,
    /// Its token.
    pub token: i64,
}

/// What a process last said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// The token of its term, if it is master.
    pub master: Option<i64>,
    /// When it last held a lease, if that was since it was last told anything.
    pub held: Option<f64>,
    /// Whether its session is connected.
    pub connected: bool,
}

/// Everything that one process has said so far.
#[derive(Default)]
pub struct History {
    said: Mutex<Said>,
    more: Notify,
    /// Whether only the first and the last of many `holding` in a row are kept.
    folds: bool,
}

#[derive(Default)]
struct Said {
    events: Vec<Event>,
    /// Lines that are not what the contract says.
    garbage: Vec<String>,
    ended: bool,
}

impl History {
    /// A history that keeps of many `holding` in a row only the first and the last, for runs of hours.
    pub fn folding() -> History {
        History { folds: true, ..History::default() }
    }

    /// Takes in one line.
    pub fn line(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match serde_json::from_str(line) {
            Ok(event) => {
                if self.folds && said.repeats(&event) {
                    said.events.pop();
                }
                said.events.push(event);
            }
            Err(error) => said.garbage.push(format!("{line} ({error})")),
        }
        self.more.notify_waiters();
    }

    /// The process says no more.
    pub fn end(&self) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.more.notify_waiters();
    }

    /// Everything so far.
    pub fn events(&self) -> Vec<Event> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }

    /// Lines that could not be read.
    pub fn garbage(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).garbage.clone()
    }

    /// How many events there are so far: what comes after them is new.
    pub fn mark(&self) -> usize {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).events.len()
    }

    /// What the process last said of itself.
    pub fn standing(&self) -> Standing {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = Standing::default();
        let (mut told, mut session) = (false, false);
        for event in said.events.iter().rev() {
            match &event.what {
                What::BecameMaster { token, .. } if !told => (told, standing.master) = (true, Some(*token)),
                What::BecameStandby { .. } => told = true,
                What::Holding { .. } if standing.held.is_none() => standing.held = Some(event.at),
                What::Session { state } if !session => {
                    (session, standing.connected) = (true, state == "connected")
                }
                _ => {}
            }
            if told && session {
                break;
            }
        }
        standing
    }

    /// Waits for an event after `mark` that `wanted` takes, and returns it with the mark behind it.
    ///
    /// # Panics
    ///
    /// If it does not come in 90 s, or the process ends before.
    pub async fn wait(&self, mark: usize, name: &str, wanted: impl Fn(&What) -> bool) -> (Event, usize) {
        let search = async {
            loop {
                let more = self.more.notified();
                tokio::pin!(more);
                // Before the look: what comes in between wakes us.
                more.as_mut().enable();
                let ended = {
                    let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                    let found =
                        said.events.iter().enumerate().skip(mark).find(|(_, event)| wanted(&event.what));
                    if let Some((index, event)) = found {
                        return Some((event.clone(), index + 1));
                    }
                    said.ended
                };
                if ended {
                    return None;
                }
                more.await;
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the process ended without: {name}\n{self:?}"),
            Err(_) => panic!("in {PATIENCE:?} there was no: {name}\n{self:?}"),
        }
    }
}

impl Said {
    /// Whether the two last events and this one say the same.
    fn repeats(&self, event: &Event) -> bool {
        let held = |event: &Event| match event.what {
            What::Holding { token, .. } => Some(token),
            _ => None,
        };
        match self.events.as_slice() {
            [.., first, last] => {
                let token = held(event);
                token.is_some() && held(first) == token && held(last) == token
            }
            _ => false,
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut holding = 0;
        for event in &said.events {
            // One of many says as much as all of them.
            if matches!(event.what, What::Holding { .. }) {
                holding += 1;
                continue;
            }
            if holding > 0 {
                writeln!(f, "    ... holding, {holding} times")?;
                holding = 0;
            }
            writeln!(f, "    {:.3} {:?}", event.at, event.what)?;
        }
        if holding > 0 {
            writeln!(f, "    ... holding, {holding} times")?;
        }
        said.garbage.iter().try_for_each(|line| writeln!(f, "    GARBAGE {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_the_first_and_the_last_holding_of_each_row() {
        let history = History::folding();
        for (at, token) in [(1, 5), (2, 5), (3, 5), (4, 5), (5, 6), (6, 6), (7, 6)] {
            history.line(&format!(r#"{{"at":{at}.0,"event":"holding","token":{token},"remaining":1.0}}"#));
        }
        history.line(r#"{"at":8.0,"event":"session","state":"lost"}"#);
        history.line(r#"{"at":9.0,"event":"holding","token":6,"remaining":1.0}"#);
        let kept: Vec<_> = history.events().iter().map(|event| event.at).collect();
        assert_eq!(kept, [1.0, 4.0, 5.0, 7.0, 8.0, 9.0]);
    }
}
