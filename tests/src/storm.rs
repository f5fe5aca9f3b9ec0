//! The storm: real servers, real processes, and a nemesis that hurts both for hours, by a seed.
//!
//! # Layout
//!
//! `settings` is what a run is made from, `plan` draws the nemesis's moves from the seed, and `nemesis` carries them out on
//! the `field`: the servers, and a `stand` for each candidate. `weather` notes what happens without the nemesis, `log`
//! what is in force when. `account` has it all judged, and adds it up. `self_test` is a short storm that follows a script, on
//! electors of which one has to fail.

mod account;
mod field;
mod log;
mod nemesis;
mod plan;
mod self_test;
mod settings;
mod stand;
mod weather;

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use account::Account;
use field::Field;
use plan::Plan;

pub use self_test::self_test;
pub use settings::{Elector, Settings};

/// How long a round may take from its first move to the last healing.
const ROUND_LIMIT: Duration = Duration::from_secs(240);

/// How long everything may take that is done when the time is over.
pub const END_LIMIT: Duration = Duration::from_secs(600);

/// Seconds of the clock that histories are written in.
pub fn now() -> f64 {
    actix_election::clock::now().as_secs_f64()
}

/// Rages for so long, and prints what came of it. Returns whether all is well.
///
/// # Panics
///
/// If the servers or processes cannot be started: that is no result.
pub async fn storm(settings: Settings, length: Duration) -> bool {
    say(&format!("{settings}"));
    let end = Instant::now() + length;
    let field = Field::set_up(settings).await;
    let mut account = Account::new();
    let rounds = async {
        let mut plan = Plan::new(&field.settings);
        loop {
            if let Err(trouble) = field.calm().await {
                account.trouble(trouble);
            }
            account.judge(&field, now());
            if account.has_violations() || Instant::now() >= end {
                break;
            }
            sleep(plan.rest()).await;
            let round = plan.round();
            account.rounds += 1;
            let moves: Vec<_> = round.iter().map(ToString::to_string).collect();
            say(&format!("{:8.1} round {}: {}", field.age(), account.rounds, moves.join("; ")));
            let moves = join_all(round.iter().map(|one| nemesis::carry_out(&field, one)));
            match timeout(ROUND_LIMIT, moves).await {
                Ok(troubles) => troubles.into_iter().flatten().for_each(|trouble| account.trouble(trouble)),
                Err(_) => account.trouble(format!("round {} did not end in {ROUND_LIMIT:?}", account.rounds)),
            }
            field.forget_records();
        }
        // Leaks show only where everything was left in order.
        if !account.has_violations() {
            let over = now();
            field.stop_all().await.into_iter().for_each(|trouble| account.trouble(trouble));
            if let Err(left) = field.clean().await {
                account.trouble(left);
            }
            account.judge(&field, over);
        }
    };
    tokio::select! {
        () = rounds => {}
        never = weather::observe(&field) => match never {},
    }
    say(&account.table(&field));
    if account.has_violations() {
        let kept = keep(&field);
        say(&account.violations(&field, kept.as_deref(), length));
    }
    !account.has_violations()
}

/// Writes histories, faults and the servers' logs to where they outlive the run.
fn keep(field: &Field) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("storm-{}-{}", field.settings.seed, std::process::id()));
    match field.keep(&folder) {
        Ok(()) => Some(folder),
        Err(error) => {
            say(&format!("the histories could not be kept in {}: {error}", folder.display()));
            None
        }
    }
}

/// The storm reports to a person, or to a log.
#[allow(clippy::print_stdout, reason = "speaking on standard output is what it is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
