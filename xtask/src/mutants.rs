//! Can the tests of the core fail? Each mutant is one mistake, made in a copy of the shipped core, and names the suite that
//! has to catch it: the model, or one of the tables.
//!
//! A mutant is a patch in `xtask/mutants`, under two lines that say the mistake and what has to catch it:
//!
//! ```text
//! mistake: a ping counts as proof
//! caught by: world 2
//! ```
//!
//! - `world SEED`: the model. The random world of this seed, where it was found last, or else some other world.
//! - `explored TEST`: the model. The small world that this test explores, or else some other world.
//! - `table TEST`: the tables of this integration test.
//!
//! The model has to find what breaks a promise. A table has to catch what breaks a rule that no promise shows, or only in a
//! world that chance would have to find.
//!
//! The copy lives in `target/mutants`, with a manifest of its own; nothing of the workspace is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use clap::Args;

use crate::Outcome;
use crate::command::{Failure, cargo, root};

/// How many random worlds may be tried until one breaks a promise.
const MANY: &str = "20000";

/// What `cargo xtask mutants` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Only those with this in the names of their files
    #[arg(default_value = "", hide_default_value = true)]
    name: String,
    /// Only see that every patch still fits the core
    #[arg(long)]
    check: bool,
}

impl Options {
    /// Whether all fit, and no more.
    pub(crate) fn check() -> Self {
        Options { check: true, ..Options::default() }
    }
}

/// One mistake.
#[derive(Debug)]
struct Mutant {
    /// The name of its file, without the ending.
    name: String,
    patch: PathBuf,
    caught_by: Suite,
}

/// What has to catch a mutant.
#[derive(Debug, PartialEq)]
enum Suite {
    World(u64),
    Explored(String),
    Table(String),
}

/// Runs the suites against the mutants, and prints what caught each.
pub(crate) fn mutants(options: &Options) -> Outcome {
    let mutants = select(&options.name)?;
    if options.check {
        return fit(&mutants);
    }
    let copy = root().join("target").join("mutants");
    tables_pass(&copy)?;
    let mut survivors = Vec::new();
    for mutant in &mutants {
        make(&copy, mutant)?;
        let started = Instant::now();
        let caught = catch(&copy, mutant)?;
        let verdict = caught.as_deref().unwrap_or("SURVIVES");
        println!("{}: {verdict} ({:.0} s)", mutant.name, started.elapsed().as_secs_f64());
        if caught.is_none() {
            survivors.push(mutant.name.as_str());
        }
    }
    match survivors.as_slice() {
        [] => Ok(()),
        _ => Err(Failure::Found(format!("these mutants survive: {}", survivors.join("; ")))),
    }
}

/// Sees that every patch fits, and names all those that do not.
fn fit(mutants: &[Mutant]) -> Outcome {
    let copy = root().join("target").join("mutants-check");
    let made = mutants.iter().map(|mutant| make(&copy, mutant).map_err(|failure| failure.to_string()));
    let misfits: Vec<String> = made.filter_map(Result::err).collect();
    if !misfits.is_empty() {
        return Err(Failure::Found(misfits.join("\n")));
    }
    println!("mutants: {} fit the core", mutants.len());
    Ok(())
}

/// The mutants whose names contain `part`, in the order of their names.
fn select(part: &str) -> Result<Vec<Mutant>, Failure> {
    let folder = root().join("xtask").join("mutants");
    let mut mutants = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| cannot("read", &folder, &error))? {
        let patch = entry.map_err(|error| cannot("read", &folder, &error))?.path();
        let Some(name) = patch.file_name().and_then(|name| name.to_str()?.strip_suffix(".patch")) else {
            return Err(Failure::Found(format!("{}: a mutant is a file NAME.patch", patch.display())));
        };
        if name.contains(part) {
            let caught_by = suite_in(&read(&patch)?)
                .map_err(|wrong| Failure::Found(format!("{}: {wrong}", patch.display())))?;
            mutants.push(Mutant { name: name.to_owned(), caught_by, patch });
        }
    }
    if mutants.is_empty() {
        return Err(Failure::Found(format!("no mutant's name contains {part:?}")));
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

/// What has to catch the mutant, by the lines above its patch.
fn suite_in(patch: &str) -> Result<Suite, String> {
    let mut lines = patch.lines();
    if !lines.next().is_some_and(|line| line.starts_with("mistake: ")) {
        return Err("the first line has to be `mistake: WHAT IS WRONG`".to_owned());
    }
    let line = lines.next().unwrap_or_default();
    let words: Vec<&str> = line.strip_prefix("caught by: ").unwrap_or_default().split(' ').collect();
    let suite = match words.as_slice() {
        ["world", seed] => seed.parse().ok().map(Suite::World),
        ["explored", test] => Some(Suite::Explored((*test).to_owned())),
        ["table", test] => Some(Suite::Table((*test).to_owned())),
        _ => None,
    };
    suite.ok_or_else(|| {
        format!(
            "the second line has to be `caught by: world SEED`, `explored TEST` or `table TEST`, not {line:?}"
        )
    })
}

/// Tables that fail anyway would catch everything. (What the model says names the promise that is broken.)
fn tables_pass(copy: &Path) -> Outcome {
    copy_core(copy)?;
    for table in ["candidate", "session"] {
        if let Some(failed) = in_tables(copy, table)? {
            return Err(Failure::Found(format!("there is no mutant, and yet this fails: {failed}")));
        }
    }
    Ok(())
}

/// Copies the core, and makes the mistake.
fn make(copy: &Path, mutant: &Mutant) -> Outcome {
    copy_core(copy)?;
    let mut apply = Command::new("git");
    // Inside a repository, git would look for the files from the repository's root, and pass over what it does not find.
    apply
        .current_dir(copy)
        .env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy))
        .env_remove("GIT_DIR");
    apply.arg("apply").arg(&mutant.patch).stdin(Stdio::null());
    let output = run(copy, &mut apply)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Found(format!(
        "the mutant {} does not fit the core any more: {}",
        mutant.name,
        said.trim_end()
    )))
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

/// What caught the mutant; `None` if nothing did.
fn catch(copy: &Path, mutant: &Mutant) -> Result<Option<String>, Failure> {
    let (suite, first) = match &mutant.caught_by {
        Suite::Table(table) => (table.as_str(), None),
        Suite::World(seed) => (MODEL, Some((RANDOM, "MODEL_SEED", seed.to_string()))),
        Suite::Explored(world) => (MODEL, Some((world.as_str(), PHASES, "2".to_owned()))),
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
fn in_the_model(copy: &Path, first: Attempt<'_>) -> Result<Option<String>, Failure> {
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
type Attempt<'a> = (&'a str, &'static str, String);

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
    fn the_lines_above_a_patch_say_what_catches_it() {
        let said = |line: &str| suite_in(&format!("mistake: something\n{line}\n\n--- a/src/lease.rs\n"));
        assert_eq!(said("caught by: world 12"), Ok(Suite::World(12)));
        assert_eq!(said("caught by: explored worlds"), Ok(Suite::Explored("worlds".into())));
        assert_eq!(said("caught by: table session"), Ok(Suite::Table("session".into())));
        for wrong in ["", "caught by: world", "caught by: world x", "caught by: luck", "table session"] {
            assert!(said(wrong).unwrap_err().contains(&format!("not {wrong:?}")), "{wrong:?}");
        }
        assert!(suite_in("--- a/src/lease.rs\n").unwrap_err().contains("first line"));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let patch = folder.path().join("misfit.patch");
        fs::write(&patch, "mistake: m\ncaught by: table t\n\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n").unwrap();
        let mutant = Mutant { name: "misfit".into(), patch, caught_by: Suite::Table("t".into()) };
        let said = make(&folder.path().join("copy"), &mutant).unwrap_err().to_string();
        assert!(said.contains("misfit") && said.contains("src/lib.rs"), "{said}");
    }

    #[test]
    fn a_patch_changes_the_copy() {
        let copy = tempfile::tempdir().unwrap();
        let mutant = select("a-gap-of-a-tenth-of-t").unwrap().remove(0);
        make(copy.path(), &mutant).unwrap();
        let source = fs::read_to_string(copy.path().join("src/timeout.rs")).unwrap();
        assert!(source.contains("self.0 / 10"), "{source}");
    }
}
