//! `elect campaign` processes: the subjects of what users ask for.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use election_tests::{Node, What};

use crate::Outcome;

/// How candidates compete, in words of the command line.
pub(crate) const STRATEGIES: [&str; 2] = ["queue", "lock"];

/// As the tables call a strategy.
pub(crate) fn named(strategy: &str) -> &'static str {
    if strategy == "queue" { "`Queue`" } else { "`Lock`" }
}

/// Where and how a candidate stands.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) zookeeper: String,
    pub(crate) path: String,
    pub(crate) strategy: &'static str,
    pub(crate) timeout: Duration,
}

impl Place {
    /// Starts a candidate here.
    pub(crate) fn stand(&self, name: &str) -> Outcome<Node> {
        let mut command = Command::new(elect()?);
        command.args(["campaign", &self.path, "--strategy", self.strategy, "--json", "--holding", "10ms"]);
        command.args(["--id", name, "--address", &format!("{name}:1"), "--zookeeper", &self.zookeeper]);
        // Servers that are gone are what is measured, not news.
        command
            .env("RUST_LOG", "off")
            .args(["--session-timeout", &format!("{}ms", self.timeout.as_millis())]);
        Ok(Node::start(name, command))
    }

    /// As it is, at these servers.
    pub(crate) fn at(&self, zookeeper: impl Into<String>) -> Self {
        Place { zookeeper: zookeeper.into(), ..self.clone() }
    }

    /// Starts two candidates, and waits until the first is master and the second waits in turn.
    pub(crate) async fn pair(&self, master_at: &str) -> Outcome<(Node, Node)> {
        let master = self.at(master_at).stand("first")?;
        master.master(0).await;
        let standby = self.stand("second")?;
        standby.standby(0, "outranked").await;
        Ok((master, standby))
    }
}

/// The command, built in the same profile as this program.
fn elect() -> Outcome<PathBuf> {
    let elect = std::env::current_exe()?.with_file_name("elect");
    if !elect.is_file() {
        return Err(format!("there is no {}; `cargo xtask bench` builds it", elect.display()).into());
    }
    Ok(elect)
}

/// By the clock of the histories.
pub(crate) fn now() -> f64 {
    actix_election::clock::now().as_secs_f64()
}

/// When a candidate last said that it holds the lease of the term with this token; the beginning of time if never.
pub(crate) fn last_held(node: &Node, term: i64) -> f64 {
    let events = node.history.events();
    let of_term = |what: &What| matches!(what, What::Holding { token, .. } if *token == term);
    let held = events.iter().rev().find(|event| of_term(&event.what));
    held.map_or(0.0, |event| event.at)
}

/// When it was first told, after `mark`, that it is standby, whatever the reason.
pub(crate) async fn stepped_down(node: &Node, mark: usize) -> f64 {
    let wanted = |what: &What| matches!(what, What::BecameStandby { .. });
    node.history.wait(mark, "became_standby", wanted).await.0.at
}
