//! Can the tests of the core fail? Each mutant is one mistake, made in a copy of the shipped core, and names the suite that
//! has to catch it: the model, or one of the tables.
//!
//! A mutant is a list of texts, each of which has to occur exactly once in its file, and what stands there instead. The
//! copy lives in `target/mutants`, with a manifest of its own; nothing of the workspace is changed.

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use crate::Outcome;
use crate::command::{Failure, cargo, root};
use list::{MUTANTS, Mutant, Suite};

/// How many random worlds may be tried until one breaks a promise.
const MANY: &str = "20000";

/// Runs the suites against every mutant whose name contains `part`, and prints what caught each.
pub(crate) fn check(part: &str) -> Outcome {
    let copy = root().join("target").join("mutants");
    tables_pass(&copy)?;
    let mut found = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| mutant.name.contains(part)) {
        make(&copy, mutant)?;
        let started = Instant::now();
        let caught = catch(&copy, mutant)?;
        let verdict = caught.as_deref().unwrap_or("SURVIVES");
        println!("{}: {verdict} ({:.0} s)", mutant.name, started.elapsed().as_secs_f64());
        found.push((mutant.name, caught));
    }
    println!("\n{:<80} caught by", "mutant");
    for (name, caught) in &found {
        println!("{name:<80} {}", caught.as_deref().unwrap_or("nothing"));
    }
    let survivors: Vec<&str> =
        found.iter().filter(|(_, caught)| caught.is_none()).map(|(name, _)| *name).collect();
    match survivors.as_slice() {
        [] if found.is_empty() => Err(Failure::Found(format!("no mutant's name contains {part:?}"))),
        [] => Ok(()),
        _ => Err(Failure::Found(format!("these mutants survive: {}", survivors.join("; ")))),
    }
}

/// Tables that fail anyway would catch everything. (What the model says names the promise that is broken.)
fn tables_pass(copy: &Path) -> Outcome {
    copy_core(copy)?;
    for table in ["candidate", "session"] {
        let output = run(copy, &mut cargo_test(copy, table))?;
        if !output.status.success() {
            return Err(Failure::Found(format!("the tables `{table}` fail without a mutant")));
        }
    }
    Ok(())
}

/// Copies the core, and makes the mistake.
fn make(copy: &Path, mutant: &Mutant) -> Outcome {
    copy_core(copy)?;
    for (file, text, instead) in mutant.changes {
        let path = copy.join("src").join(file);
        let source = read(&path)?;
        let mutated = replace(&source, text, instead).map_err(|count| {
            Failure::Found(format!("{}: {text:?} occurs {count} times in {file}", mutant.name))
        })?;
        write(&path, &mutated)?;
    }
    Ok(())
}

/// Copies what the suites need of the core.
fn copy_core(copy: &Path) -> Outcome {
    let core = root().join("crates").join("actix-election-core");
    for folder in ["src", "tests/model", "tests/candidate", "tests/session", "tests/common"] {
        let to = copy.join(folder);
        if to.exists() {
            fs::remove_dir_all(&to).map_err(|error| cannot("remove", &to, &error))?;
        }
        copy_folder(&core.join(folder), &to)?;
    }
    write(&copy.join("Cargo.toml"), MANIFEST)
}

/// Puts `instead` in the place of `text`, which has to occur exactly once; how often it occurs otherwise.
fn replace(source: &str, text: &str, instead: &str) -> Result<String, usize> {
    match source.matches(text).count() {
        1 => Ok(source.replacen(text, instead, 1)),
        count => Err(count),
    }
}

/// What caught the mutant; `None` if nothing did.
fn catch(copy: &Path, mutant: &Mutant) -> Result<Option<String>, Failure> {
    let (suite, first) = match mutant.caught_by {
        Suite::Table(table) => (table, None),
        Suite::World(seed) => (MODEL, Some((RANDOM, "MODEL_SEED", seed.to_string()))),
        Suite::Explored(world) => (MODEL, Some((world, PHASES, "2".to_owned()))),
    };
    // A mutant that is no program would pass for one that is caught.
    let build = run(copy, cargo_test(copy, suite).arg("--no-run"))?;
    if !build.status.success() {
        eprint!("{}", String::from_utf8_lossy(&build.stderr));
        return Err(Failure::Found(format!("{}: the mutant does not compile", mutant.name)));
    }
    match first {
        None => in_tables(copy, suite),
        Some(first) => in_the_model(copy, first),
    }
}

/// A test that fails.
fn in_tables(copy: &Path, suite: &str) -> Result<Option<String>, Failure> {
    let output = run(copy, &mut cargo_test(copy, suite))?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // The list of those that failed is the last thing that is said, indented.
    let failed = text.lines().rev().find_map(|line| line.strip_prefix("    "));
    Ok(Some(format!("{suite}: {}", failed.unwrap_or("?"))))
}

/// The promise that breaks, and in which world: first where it broke last, then in all the others.
fn in_the_model(copy: &Path, first: Attempt) -> Result<Option<String>, Failure> {
    let more = [(RANDOM, WORLDS, MANY.to_owned()), ("small_worlds", PHASES, "16".to_owned())];
    for (filter, variable, value) in std::iter::once(first).chain(more) {
        let mut test = cargo_test(copy, MODEL);
        // In haste: without looking for the shortest account.
        test.args(["--", "--nocapture", filter]).env(variable, value).env("MODEL_HASTE", "1");
        let output = run(copy, &mut test)?;
        let text = String::from_utf8_lossy(&output.stderr);
        let account = text.lines().find_map(|line| line.strip_prefix(CAUGHT));
        if let Some(account) = account.filter(|_| !output.status.success()) {
            // The first words say it; what follows is for whoever replays it.
            let end = [" at ", ": "].into_iter().filter_map(|end| account.find(end)).min();
            return Ok(Some(account[..end.unwrap_or(account.len())].to_owned()));
        }
    }
    Ok(None)
}

/// What to run of the model, and a variable for it.
type Attempt = (&'static str, &'static str, String);

const MODEL: &str = "model";
const RANDOM: &str = "random_worlds_keep_every_promise";
const WORLDS: &str = "MODEL_WORLDS";
const PHASES: &str = "MODEL_PHASES";

/// What stands in the line in which the model says what broke.
const CAUGHT: &str = "BROKEN ";

/// One suite of the copy, and no variable that it goes by.
fn cargo_test(copy: &Path, suite: &str) -> Command {
    let mut test = cargo();
    test.current_dir(copy).args(["test", "--offline", "--quiet", "--test", suite]).env("RUST_BACKTRACE", "0");
    for variable in ["MODEL_SEED", "MODEL_HASTE", WORLDS, PHASES] {
        test.env_remove(variable);
    }
    test
}

fn run(copy: &Path, command: &mut Command) -> Result<Output, Failure> {
    command.output().map_err(|error| cannot("run", copy, &error))
}

/// The copy is no member of the workspace, and depends on nothing.
const MANIFEST: &str = r#"[package]
name = "actix-election-core"
version = "0.0.0"
edition = "2024"
publish = false

[profile.dev]
opt-level = 1
debug = false

[workspace]
"#;

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| cannot("make", to, &error))?;
    let entries = fs::read_dir(from).map_err(|error| cannot("read", from, &error))?;
    for entry in entries {
        let path: PathBuf = entry.map_err(|error| cannot("read", from, &error))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(|error| cannot("copy", &path, &error))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Found(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_to_occur_exactly_once() {
        assert_eq!(replace("a b c", "b", "x"), Ok("a x c".into()));
        assert_eq!(replace("a b b", "b", "x"), Err(2));
        assert_eq!(replace("a", "b", "x"), Err(0));
    }

    #[test]
    fn every_mutant_fits_the_source() {
        let folder = tempfile::tempdir().unwrap();
        for mutant in MUTANTS {
            make(folder.path(), mutant).unwrap();
        }
    }
}
