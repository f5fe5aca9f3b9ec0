//! The clients of others that the tests run: found, or installed.
//!
//! zkCli.sh comes with ZooKeeper. Curator is Debian's. kazoo is of one version, whatever the system has: pip puts it into
//! a folder of the target folder, where the tests look for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::command::{Failure, run};
use crate::metadata::members_only;
use crate::zookeeper::install;

/// Where Debian's package puts Curator's recipes, and the variable that names another classpath with them.
const CURATOR_JAR: &str = "/usr/share/java/curator-recipes.jar";
const CURATOR: &str = "CURATOR_CLASSPATH";

/// The version of kazoo. `tests/foreign/kazoo.rs` in zookeeper-testkit has it, too.
const KAZOO: &str = "2.11.0";

/// The Pythons to try. The first on the path need not be Debian's, which is the one that its pip is for.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];

/// Something that the tests need.
struct Need {
    /// The Debian package that has it.
    package: &'static str,
    is_there: fn() -> bool,
}

const NEEDS: [Need; 3] = [
    Need { package: "python3-pip", is_there: || pip().is_some() },
    Need { package: "libcurator-recipes-java", is_there: has_curator },
    Need { package: "default-jdk-headless", is_there: has_compiler },
];

/// Finds the clients, installing what is missing.
pub(crate) fn provide() -> Outcome {
    if !missing().is_empty() {
        install(&missing(), advice)?;
    }
    let missing = missing();
    if !missing.is_empty() {
        return Err(Failure::Found(advice(&missing.join(" and "))));
    }
    let kazoo = kazoo_folder()?;
    if !has_kazoo(&kazoo) {
        provide_kazoo(&kazoo)?;
    }
    println!("clients: zkCli.sh, kazoo {KAZOO} and Curator");
    Ok(())
}

fn missing() -> Vec<&'static str> {
    NEEDS.iter().filter(|need| !(need.is_there)()).map(|need| need.package).collect()
}

/// Where the tests look for kazoo: beside their own temporary files.
fn kazoo_folder() -> Result<PathBuf, Failure> {
    Ok(members_only()?.target_directory.join("tmp").join(format!("kazoo-{KAZOO}")).into())
}

fn has_kazoo(folder: &Path) -> bool {
    let script = format!("import kazoo.version as v, sys; sys.exit(v.__version__ != '{KAZOO}')");
    let imports = |python| {
        let mut command = Command::new(python);
        command.env("PYTHONPATH", folder).args(["-c", &script]);
        said(&mut command).is_some()
    };
    folder.is_dir() && PYTHONS.into_iter().any(imports)
}

fn provide_kazoo(folder: &Path) -> Outcome {
    let python = pip().ok_or_else(|| Failure::Found(advice("pip")))?;
    let place = folder.display();
    println!(
        "setup: kazoo {KAZOO} is missing and is put into {place}. By hand: {python} -m pip install --no-deps --target \
         {place} kazoo=={KAZOO}"
    );
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"]).arg(folder);
    command.arg(format!("kazoo=={KAZOO}")).stdin(Stdio::null());
    let installed = run(&mut command).is_ok() && has_kazoo(folder);
    if installed { Ok(()) } else { Err(Failure::Found(advice(&format!("kazoo {KAZOO}")))) }
}

/// A Python that has pip.
fn pip() -> Option<&'static str> {
    PYTHONS.into_iter().find(|python| said(Command::new(python).args(["-m", "pip", "--version"])).is_some())
}

fn has_curator() -> bool {
    Path::new(CURATOR_JAR).is_file() || env::var_os(CURATOR).is_some_and(|value| !value.is_empty())
}

/// Whether `java` runs source files: that of a JDK does, that of a mere JRE does not.
fn has_compiler() -> bool {
    let modules = said(Command::new("java").arg("--list-modules"));
    modules.is_some_and(|modules| modules.contains("jdk.compiler@"))
}

/// What a program says, if it can be run and ends well.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What to do where nothing can be installed from here.
fn advice(missing: &str) -> String {
    let packages = NEEDS.map(|need| need.package).join(" ");
    format!(
        "the tests need kazoo {KAZOO}, Curator and a JDK, and {missing} could not be found or installed, or is hidden \
         by another `java` on the PATH. Do one of these:\n  \
         - on Debian or Ubuntu, as root: apt-get update && apt-get install -y --no-install-recommends {packages}\n  \
         - elsewhere: put the `java` of a JDK and a `python3` with pip on the PATH, and set {CURATOR} to the \
         classpath of Curator's recipes\n  \
         - without a package index: have pip put kazoo {KAZOO} into tmp/kazoo-{KAZOO} of the target folder, with \
         --no-deps --target, from a file"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_all_packages_and_the_other_ways_out() {
        let advice = advice("python3-pip");
        assert!(advice.contains("python3-pip libcurator-recipes-java default-jdk-headless"), "{advice}");
        assert!(advice.contains(CURATOR), "{advice}");
        assert!(advice.contains("tmp/kazoo-2.11.0"), "{advice}");
    }

    #[test]
    fn a_folder_without_kazoo_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_kazoo(folder.path()), "whatever the system's Python has");
        assert!(!has_kazoo(&folder.path().join("missing")));
    }

    #[test]
    fn kazoo_is_beside_the_temporary_files_of_tests() {
        assert!(kazoo_folder().unwrap().ends_with(format!("tmp/kazoo-{KAZOO}")));
    }
}
