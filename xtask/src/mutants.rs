//! Can the model fail? Each mutant is one mistake, made in a copy of the shipped core; the model has to find it.
//!
//! A mutant is a list of texts, each of which has to occur exactly once in its file, and what stands there instead. The
//! copy lives in `target/mutants`, with a manifest of its own; nothing of the workspace is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::command::{Failure, cargo, root};

/// How many random worlds may be tried until one breaks a promise.
const MANY: &str = "20000";

/// One mistake.
struct Mutant {
    name: &'static str,
    /// File below `src`, what stands there, and what is put in its place.
    changes: &'static [(&'static str, &'static str, &'static str)],
    /// The random world in which it was found last; `None` for one of those that are explored.
    seed: Option<u64>,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a ping counts as proof",
        changes: &[
            (
                "session.rs",
                "SessionInput::Received => self.received(now),",
                "SessionInput::Received => {
                self.received(now);
                self.probe_answered(now, now);
            }",
            ),
            ("session.rs", "let probe = self.candidates > 0 || !*proven;", "let probe = !*proven;"),
        ],
        seed: Some(2),
    },
    Mutant {
        name: "T counted from the disconnect",
        changes: &[(
            "session.rs",
            "let until = self.lease.deadline().unwrap_or(now);",
            "let until = now + self.timeout.map_or_else(Default::default, |t| t.span() - t.margin());
            self.outputs.push_back(SessionOutput::LeaseUntil(until));",
        )],
        seed: Some(7),
    },
    Mutant {
        name: "requested instead of granted T",
        changes: &[("candidate/mod.rs", "        self.timeout = timeout;\n", "        let _ = timeout;\n")],
        seed: Some(1),
    },
    Mutant {
        name: "the longest T ever granted instead of the present one",
        changes: &[(
            "lease.rs",
            "        let shorter = self.timeout.is_some_and(|before| timeout < before);
        self.timeout = Some(timeout);",
            "        let shorter = false;
        self.timeout = self.timeout.max(Some(timeout));",
        )],
        seed: Some(26),
    },
    Mutant {
        name: "identity by data",
        changes: &[(
            "candidate/lock.rs",
            "} else if Some(SessionId(ephemeral_owner)) == self.session {",
            "} else if znode.data == self.data {",
        )],
        seed: Some(2),
    },
    Mutant {
        name: "two probes instead of three",
        changes: &[(
            "lease.rs",
            "let i = self.probes.iter().rev().skip(1).find(|i| i.answered <= j.sent)?;",
            "let i = j;",
        )],
        seed: None,
    },
    Mutant {
        name: "probes of two connections mixed: an old answer counts on the new one",
        changes: &[(
            "session.rs",
            "        let Link::Up { proven, .. } = &mut self.link else { return };
        *proven = true;",
            "        if let Link::Up { proven, .. } = &mut self.link {
            *proven = true;
        }",
        )],
        seed: Some(1),
    },
    Mutant {
        name: "a delete retried over a reconnect",
        changes: &[(
            "candidate/lock.rs",
            "        self.pending = None;\n        self.follow_up = None;",
            "        let under_way = self.pending.take().map(|(_, step)| step).or(self.follow_up.take());
        self.follow_up = under_way.filter(|step| *step == Step::Delete);",
        )],
        seed: Some(23),
    },
    Mutant {
        name: "the lease still valid after the acknowledgement",
        changes: &[(
            "candidate/mod.rs",
            "            if let Some(Term { ending: Some(ending), .. }) = self.term {
                self.end_term(ending);
            }
        }
        self.begin_term();",
            "        }
        self.begin_term();",
        )],
        seed: Some(1),
    },
    Mutant {
        name: "the lock let go before the lease is over",
        changes: &[(
            "candidate/mod.rs",
            "            Some(_) => Want::Keep,\n",
            "            Some(Term { ending: None, .. }) => Want::Keep,\n            Some(_) => Want::Follow,\n",
        )],
        seed: Some(1),
    },
    Mutant {
        name: "a gap of T/10",
        changes: &[("timeout.rs", "self.0 / 4 + self.margin()", "self.0 / 10")],
        seed: Some(8_696),
    },
    Mutant {
        name: "queue: promoted although our own znode may have gone",
        changes: &[(
            "candidate/queue/mod.rs",
            "if ahead.count == 1 && own_stands {",
            "let _ = own_stands;\n        if ahead.count == 1 {",
        )],
        seed: Some(8),
    },
    Mutant {
        name: "queue: promoted although more than one stood before us",
        changes: &[("candidate/queue/mod.rs", "if ahead.count == 1 && own_stands {", "if own_stands {")],
        seed: Some(11),
    },
    Mutant {
        name: "queue: identity by name",
        changes: &[(
            "candidate/queue/mod.rs",
            "if Some(SessionId(stat.ephemeral_owner)) == self.session {\n            let token",
            "if name.starts_with(&self.prefix) {\n            let token",
        )],
        seed: Some(172),
    },
    Mutant {
        name: "queue: the znode let go under a running term",
        changes: &[(
            "candidate/queue/mod.rs",
            "want == Want::Follow || want == Want::Compete && matches",
            "want != Want::Compete || matches",
        )],
        seed: Some(1),
    },
    Mutant {
        name: "queue: a term begun with what an earlier connection showed",
        changes: &[("candidate/queue/mod.rs", "(own.seen && !own.retired", "(!own.retired")],
        seed: Some(18),
    },
];

/// Runs the model against every mutant, and prints what caught each.
pub(crate) fn check() -> Outcome {
    let copy = root().join("target").join("mutants");
    let mut table = Vec::new();
    for mutant in MUTANTS {
        make(&copy, mutant)?;
        let started = Instant::now();
        let caught = run_model(&copy, mutant)?;
        println!("{}: {caught} ({:.0} s)", mutant.name, started.elapsed().as_secs_f64());
        table.push((mutant.name, caught));
    }
    println!("\n{:<70} caught by", "mutant");
    for (name, caught) in table {
        println!("{name:<70} {caught}");
    }
    Ok(())
}

/// Copies what the model needs of the core, and makes the mistake.
fn make(copy: &Path, mutant: &Mutant) -> Outcome {
    let core = root().join("crates").join("actix-election-core");
    for folder in ["src", "tests/model", "tests/common"] {
        let to = copy.join(folder);
        if to.exists() {
            fs::remove_dir_all(&to).map_err(|error| cannot("remove", &to, &error))?;
        }
        copy_folder(&core.join(folder), &to)?;
    }
    write(&copy.join("Cargo.toml"), MANIFEST)?;
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

/// Puts `instead` in the place of `text`, which has to occur exactly once; how often it occurs otherwise.
fn replace(source: &str, text: &str, instead: &str) -> Result<String, usize> {
    match source.matches(text).count() {
        1 => Ok(source.replacen(text, instead, 1)),
        count => Err(count),
    }
}

/// What broke, and in which world: first where it broke last, then in all the others. A model that finds nothing is a
/// failure, and so is a mutant that is no program.
fn run_model(copy: &Path, mutant: &Mutant) -> Result<String, Failure> {
    let mut build = model(copy);
    if !build.arg("--no-run").status().is_ok_and(|status| status.success()) {
        return Err(Failure::Found(format!("{}: the mutant does not compile", mutant.name)));
    }
    let first = match mutant.seed {
        Some(seed) => ("random_worlds", "MODEL_SEED", seed.to_string()),
        None => ("small_worlds", PHASES, "2".to_owned()),
    };
    let attempts =
        [first, ("random_worlds", WORLDS, MANY.to_owned()), ("small_worlds", PHASES, "16".to_owned())];
    for (filter, variable, value) in attempts {
        let mut test = model(copy);
        test.args(["--", "--nocapture", filter]).env(variable, value);
        let output = test.output().map_err(|error| cannot("run", copy, &error))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let account = text.lines().find_map(|line| line.strip_prefix(CAUGHT));
        if let Some(account) = account.filter(|_| !output.status.success()) {
            // The first words say it; what follows is for whoever replays it.
            return Ok(account.split_once(" at ").map_or(account, |(first, _)| first).to_owned());
        }
    }
    Err(Failure::Found(format!("the mutant survives: {}", mutant.name)))
}

/// Runs the model of the copy, in haste: without looking for the shortest account.
fn model(copy: &Path) -> Command {
    let mut test = cargo();
    test.current_dir(copy)
        .args(["test", "--offline", "--quiet", "--test", "model"])
        .env("MODEL_HASTE", "1")
        .env("RUST_BACKTRACE", "0")
        .env_remove(WORLDS)
        .env_remove("MODEL_SEED")
        .env_remove(PHASES);
    test
}

const WORLDS: &str = "MODEL_WORLDS";
const PHASES: &str = "MODEL_PHASES";

/// What stands in the line in which the model says what broke.
const CAUGHT: &str = "BROKEN ";

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
