//! A short storm by a script, which an elector that trusts its client cannot pass.

use std::time::Duration;

use super::account::Account;
use super::field::Field;
use super::plan::{Move, What, Who};
use super::settings::{Elector, Settings};
use super::{nemesis, say, weather};
use zookeeper_testkit::proxy::Direction;

/// Plays the script to the elector that trusts its client's state events, which must have two masters each time, and to
/// `elect`, which must never. Returns whether it came out like that.
///
/// # Panics
///
/// If the servers or processes cannot be started: that is no result.
pub async fn self_test() -> bool {
    // One after the other: both want the machine for themselves.
    let naive = play(Elector::Naive).await;
    let elect = play(Elector::Elect).await;
    let mut right = true;
    for ((name, naive), (_, elect)) in naive.iter().zip(&elect) {
        say(&format!(
            "self-test: {name}: two masters for {naive:.2} s if naive, for {elect:.2} s with elect"
        ));
        right &= *naive > 0.0 && *elect == 0.0;
    }
    right
}

/// What is done, for how many T. In each case the session is dead long before its client has reason to complain.
fn script() -> [(&'static str, What, f64); 2] {
    [
        ("master cut off in silence", What::Part(Who::Master(0), Direction::Both), 2.5),
        ("master's follower isolated", What::IsolateFollower { election: 0, alone: true }, 2.0),
    ]
}

/// Returns for how long there were two masters in each scene.
async fn play(elector: Elector) -> Vec<(&'static str, f64)> {
    let field = Field::set_up(Settings::self_test(elector)).await;
    let timeout = field.settings.longest_timeout();
    let mut scenes = Vec::new();
    let mut seen = 0;
    let script = async {
        for (name, what, length) in script() {
            let length = timeout.mul_f64(length);
            let one = Move { after: Duration::ZERO, length, short: false, what };
            // What is wrong with how a process ends is no matter here.
            let _ = nemesis::carry_out(&field, &one).await;
            field.calm().await.unwrap_or_else(|trouble| panic!("{trouble}"));
            let mut account = Account::new();
            account.judge(&field, super::now());
            let overlaps = account.overlaps();
            for overlap in &overlaps[seen..] {
                say(&format!("self-test: {elector:?}: {overlap}"));
            }
            let longest =
                overlaps[seen..].iter().map(|overlap| overlap.until - overlap.from).fold(0.0, f64::max);
            scenes.push((name, longest));
            seen = overlaps.len();
        }
    };
    tokio::select! {
        () = script => {}
        never = weather::observe(&field) => match never {},
    }
    scenes
}
