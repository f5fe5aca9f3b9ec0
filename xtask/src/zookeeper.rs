//! A real ZooKeeper for the tests: found, or installed.
//!
//! `ZOOKEEPER_HOME` comes first, the folder of an unpacked release. Without it, Debian's package is used. What is
//! missing is installed with apt where that is possible without asking anybody.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::command::{Failure, output, run};

/// The variable that names the folder of an unpacked ZooKeeper release.
pub(crate) const HOME: &str = "ZOOKEEPER_HOME";

/// Where Debian's package puts the server.
const DEBIAN_JAR: &str = "/usr/share/java/zookeeper.jar";

/// The Debian packages: the server, and a Java for it that needs no display.
const SERVER_PACKAGE: &str = "zookeeper";
const JAVA_PACKAGE: &str = "default-jre-headless";

/// A ZooKeeper that tests can start.
pub(crate) struct ZooKeeper {
    /// The absolute path of the folder that `ZOOKEEPER_HOME` names; none for Debian's package.
    pub(crate) home: Option<PathBuf>,
    /// The server's own jar.
    jar: PathBuf,
}

impl ZooKeeper {
    /// Lets a command use this one.
    pub(crate) fn name_in(&self, command: &mut Command) {
        // Tests run in their package's folder, where a relative path would mean another place.
        if let Some(home) = &self.home {
            command.env(HOME, home);
        } else {
            command.env_remove(HOME);
        }
    }
}

/// Why a folder is not a ZooKeeper release.
#[derive(Debug, thiserror::Error)]
enum HomeError {
    #[error("it is not a folder")]
    NotAFolder,
    #[error("neither it nor its lib folder has a zookeeper-<version>.jar")]
    NoJar,
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Finds ZooKeeper and Java, installing what is missing, and prints what it found.
pub(crate) fn provide() -> Result<ZooKeeper, Failure> {
    let home = env::var_os(HOME).filter(|value| !value.is_empty());
    let mut server = find(home.as_deref().map(Path::new))?;
    let mut java = java();

    let mut missing = Vec::new();
    if server.is_none() {
        missing.push(SERVER_PACKAGE);
    }
    if java.is_none() {
        missing.push(JAVA_PACKAGE);
    }
    if !missing.is_empty() {
        install(&missing, advice)?;
        server = find(home.as_deref().map(Path::new))?;
        java = self::java();
    }

    let server = server.ok_or_else(|| {
        Failure::Found(format!("{SERVER_PACKAGE} is installed, but brought no {DEBIAN_JAR}"))
    })?;
    let java = java.ok_or_else(|| {
        Failure::Found(format!("{JAVA_PACKAGE} is installed, but `java -version` does not run"))
    })?;
    let origin = if server.home.is_some() { HOME } else { "Debian's package" };
    println!("zookeeper: {} (from {origin})", server.jar.display());
    println!("java: {java}");
    Ok(server)
}

/// Looks for a server without installing anything. A `ZOOKEEPER_HOME` that is set has to be right: to fall back
/// to another ZooKeeper would test something else than was asked for.
fn find(home: Option<&Path>) -> Result<Option<ZooKeeper>, Failure> {
    let Some(home) = home else {
        let jar = PathBuf::from(DEBIAN_JAR);
        return Ok(jar.is_file().then_some(ZooKeeper { home: None, jar }));
    };
    let found = std::path::absolute(home).map_err(HomeError::from).and_then(|home| {
        let jar = server_jar(&home)?;
        Ok(ZooKeeper { home: Some(home), jar })
    });
    found.map(Some).map_err(|error| {
        Failure::Found(format!(
            "{HOME} is {:?}, which is no ZooKeeper: {error}.\n\
             Expected the folder of an unpacked binary release (apache-zookeeper-<version>-bin), or no {HOME} at \
             all, which means Debian's package.",
            home.display().to_string()
        ))
    })
}

/// The server's jar in a release's folder: in `lib` since 3.5.5, in the folder itself before.
fn server_jar(home: &Path) -> Result<PathBuf, HomeError> {
    if !home.is_dir() {
        return Err(HomeError::NotAFolder);
    }
    for folder in [home.join("lib"), home.to_path_buf()] {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(is_server_jar) {
                return Ok(path);
            }
        }
    }
    Err(HomeError::NoJar)
}

/// Tells `zookeeper-3.8.4.jar` from its companions, such as `zookeeper-jute-3.8.4.jar`.
fn is_server_jar(name: &str) -> bool {
    let Some(middle) = name.strip_prefix("zookeeper").and_then(|rest| rest.strip_suffix(".jar")) else {
        return false;
    };
    let version = middle.strip_prefix('-').unwrap_or_default();
    let companion = ["-tests", "-sources", "-javadoc"].iter().any(|suffix| version.ends_with(suffix));
    middle.is_empty() || (version.starts_with(|c: char| c.is_ascii_digit()) && !companion)
}

/// What `java` on the path calls itself. It is run, since some systems put a mere signpost there.
fn java() -> Option<String> {
    let output = Command::new("java").arg("-version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or("(says nothing of itself)").to_owned())
}

/// Installs Debian packages, saying so before, or says what a person has to do.
pub(crate) fn install(packages: &[&str], advice: fn(&str) -> String) -> Outcome {
    let missing = packages.join(" and ");
    let Some(prefix) = privilege() else {
        return Err(Failure::Found(advice(&missing)));
    };
    for package in packages {
        println!(
            "setup: Debian's package {package} is missing and is installed. By hand, as root: apt-get install -y \
             --no-install-recommends {package}"
        );
    }
    let apt = |arguments: &[&str]| {
        // `env`, because sudo would drop a variable that is set in the ordinary way.
        let mut words = prefix.clone();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"].map(OsString::from));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).stdin(Stdio::null());
        run(&mut command)
    };
    let installed = apt(&["update"]).and_then(|()| {
        let options: &[&str] = &["install", "-y", "--no-install-recommends"];
        apt(&[options, packages].concat())
    });
    installed.inspect_err(|_| {
        eprintln!("xtask: {}", advice(&missing));
    })
}

/// The words to put before a command that needs root: none for root, `sudo -n` where that needs no password.
/// Nothing if apt cannot be used.
fn privilege() -> Option<Vec<OsString>> {
    let runs = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !runs(Command::new("apt-get").arg("--version")) {
        return None;
    }
    let user = output(Command::new("id").arg("-u")).ok()?;
    if user.trim_ascii() == b"0" {
        Some(Vec::new())
    } else if runs(Command::new("sudo").args(["-n", "true"])) {
        Some(["sudo", "-n"].map(OsString::from).to_vec())
    } else {
        None
    }
}

/// What to do where nothing can be installed from here.
fn advice(missing: &str) -> String {
    format!(
        "the tests need a real ZooKeeper and Java, and {missing} could not be found or installed. Do one of these:\n  \
         - on Debian or Ubuntu, as root: apt-get update && apt-get install -y --no-install-recommends \
         {SERVER_PACKAGE} {JAVA_PACKAGE}\n  \
         - elsewhere: put `java` on the PATH, unpack a binary release from https://zookeeper.apache.org and set \
         {HOME} to its folder"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn folder_with(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn the_jar_is_found_in_lib_or_in_the_folder_itself() {
        for file in ["lib/zookeeper-3.8.4.jar", "zookeeper-3.4.14.jar", "zookeeper.jar"] {
            let home = folder_with(&["bin/zkServer.sh", file]);
            assert_eq!(server_jar(home.path()).unwrap(), home.path().join(file));
        }
    }

    #[test]
    fn companions_of_the_server_are_not_the_server() {
        for name in [
            "zookeeper-jute-3.8.4.jar",
            "zookeeper-3.8.4-tests.jar",
            "zookeeper-3.8.4-sources.jar",
            "zookeeper-.jar",
            "zookeeper3.jar",
            "zookeeper-3.8.4.jar.asc",
            "my-zookeeper-3.8.4.jar",
            ".jar",
        ] {
            assert!(!is_server_jar(name), "{name}");
            let home = folder_with(&[&format!("lib/{name}")]);
            assert!(matches!(server_jar(home.path()), Err(HomeError::NoJar)), "{name}");
        }
        for name in ["zookeeper.jar", "zookeeper-3.8.4.jar", "zookeeper-3.9.0-beta.jar"] {
            assert!(is_server_jar(name), "{name}");
        }
    }

    #[test]
    fn a_folder_named_like_the_jar_does_not_count() {
        let home = folder_with(&["lib/zookeeper-3.8.4.jar/inside"]);
        assert!(matches!(server_jar(home.path()), Err(HomeError::NoJar)));
    }

    #[test]
    fn a_home_that_is_not_there_or_a_file_is_refused() {
        let home = folder_with(&["file"]);
        for name in ["file", "nothing"] {
            assert!(matches!(server_jar(&home.path().join(name)), Err(HomeError::NotAFolder)), "{name}");
        }
    }

    #[test]
    fn the_error_names_the_value_and_what_was_expected() {
        let home = folder_with(&["build.xml"]);
        let error = find(Some(home.path())).err().unwrap().to_string();
        assert!(error.contains(home.path().to_str().unwrap()), "{error}");
        assert!(error.contains("zookeeper-<version>.jar"), "{error}");
        assert!(error.contains("apache-zookeeper-<version>-bin"), "{error}");
    }

    #[test]
    fn a_home_becomes_absolute() {
        let home = folder_with(&["lib/zookeeper-3.8.4.jar"]);
        let found = find(Some(home.path())).ok().flatten().unwrap();
        assert!(found.home.unwrap().is_absolute());
    }

    #[test]
    fn advice_names_what_is_missing_and_both_ways_out() {
        let advice = advice("zookeeper and default-jre-headless");
        assert!(advice.contains("apt-get install -y --no-install-recommends zookeeper default-jre-headless"));
        assert!(advice.contains(HOME));
    }
}
