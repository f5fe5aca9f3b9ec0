//! Each assumption that the lease rests on, taken away: the model finds what breaks.
//!
//! A test begins with the seed at which a violation was found last and goes on from there, so that it stays true when
//! the model changes. `MODEL_SHOW=1` prints the shortest account that is found of each.

use crate::judge::Property;
use crate::random::{Random, number};
use crate::runner::{account, run};
use crate::setting::Setting;

/// How many seeds are tried.
const SEEDS: u64 = 20_000;

/// A world in which every assumption holds, several processes compete and nobody lays hands on it.
fn sound(seed: u64) -> Setting {
    let setting = Setting::random(&mut Random(seed));
    let grants = vec![setting.timeout(); setting.voters];
    let processes = setting.processes.max(2);
    Setting { grants, processes, hands: false, raises: false, parent: true, ..setting }
}

/// Looks for a broken promise of this kind from `first` on.
fn breaks(first: u64, property: Property, unsound: impl Fn(Setting) -> Setting) {
    for seed in first..first + number("MODEL_SEEDS").unwrap_or(SEEDS) {
        let setting = unsound(sound(seed));
        let Some(failure) = run(&setting, seed).1.filter(|failure| failure.broken.property == property)
        else {
            continue;
        };
        let broken = &failure.broken;
        println!("{property:?} is broken at seed {seed}: {}", broken.what);
        if number("MODEL_SHOW").is_some() {
            println!("{}", account(&format!("seed {seed}"), &setting, seed, failure));
        }
        return;
    }
    panic!("nothing breaks in {SEEDS} worlds: is the assumption needed?");
}

#[test]
fn without_t_of_two_ticks_it_breaks() {
    breaks(2_814, Property::LeaseWithinSession, |setting| {
        let timeout = setting.tick * 6 / 5;
        Setting { grants: vec![timeout; setting.voters], ping_lag: timeout / 58, ..setting }
    });
}

#[test]
fn without_the_same_t_everywhere_it_breaks() {
    breaks(8471, Property::LeaseWithinSession, |setting| {
        let mut grants = vec![2 * setting.timeout(); setting.voters];
        grants[0] = setting.timeout();
        Setting { grants, excuse_unheard_grants: false, ..setting }
    });
}

#[test]
fn without_the_leaders_rhythm_it_breaks() {
    breaks(1589, Property::LeaseWithinSession, |setting| {
        let timeout = 2 * setting.tick;
        Setting { grants: vec![timeout; setting.voters], ping_lag: timeout / 4, ..setting }
    });
}

#[test]
fn without_clocks_of_about_one_rate_it_breaks() {
    breaks(8788, Property::LeaseWithinSession, |setting| Setting { ppm: 25_000, ..setting });
}

#[test]
fn without_servers_that_follow_the_leader_itself_it_breaks() {
    breaks(25_620, Property::LeaseWithinSession, |setting| {
        let timeout = 2 * setting.tick;
        let grants = vec![timeout; setting.voters + 4];
        Setting { observers: 4, grants, ..setting }
    });
}

#[test]
fn without_hands_off_the_lock_it_breaks() {
    breaks(66, Property::OneMaster, |setting| Setting { hands: true, hands_count: true, ..setting });
}

#[test]
fn without_the_ensembles_data_tokens_do_not_grow() {
    breaks(10, Property::TokensGrow, |setting| Setting { wipes: true, ..setting });
}
