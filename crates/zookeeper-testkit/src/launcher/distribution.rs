//! Where ZooKeeper and Java are on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::LaunchError;

const DEBIAN_JARS: &str = "/usr/share/java";
const SETPRIV: &str = "/usr/bin/setpriv";

/// What is needed to start a server.
#[derive(Debug, Clone)]
pub(super) struct Distribution {
    pub(super) java: PathBuf,
    pub(super) classpath: String,
    /// util-linux's tool that ties a process to the life of its parent.
    pub(super) setpriv: Option<PathBuf>,
    /// For the JVM, after the launcher's own.
    pub(super) jvm_flags: Vec<String>,
}

impl Distribution {
    /// Looks at `home`, else in `ZOOKEEPER_HOME`, else for Debian's package; for Java in `JAVA_HOME` and `PATH`.
    pub(super) fn find(home: Option<PathBuf>, jvm_flags: &[String]) -> Result<Self, LaunchError> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = home.or_else(|| variable("ZOOKEEPER_HOME").map(PathBuf::from));
        Ok(Self {
            classpath: match home {
                Some(home) => apache_classpath(&home)?,
                None => debian_classpath(Path::new(DEBIAN_JARS))?,
            },
            java: find_java(variable("JAVA_HOME"), variable("PATH"))?,
            setpriv: Some(PathBuf::from(SETPRIV)).filter(|path| path.is_file()),
            jvm_flags: jvm_flags.to_vec(),
        })
    }
}

/// The package's jar names what it depends on in its manifest; only a log binding has to be added.
fn debian_classpath(jars: &Path) -> Result<String, LaunchError> {
    let jar = jars.join("zookeeper.jar");
    if !jar.is_file() {
        return Err(LaunchError::ZooKeeperMissing {
            searched: format!("ZOOKEEPER_HOME is not set, and there is no {}", jar.display()),
        });
    }
    let binding = jars.join("slf4j-simple.jar");
    let parts = [Some(jar), Some(binding).filter(|binding| binding.is_file())];
    Ok(join(parts.into_iter().flatten()))
}

fn apache_classpath(home: &Path) -> Result<String, LaunchError> {
    let mut jars = Vec::new();
    for folder in [home.join("lib"), home.to_owned()] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        jars.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "jar")));
    }
    let is_server = |jar: &PathBuf| {
        jar.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("zookeeper-"))
    };
    if !jars.iter().any(is_server) {
        return Err(LaunchError::ZooKeeperMissing {
            searched: format!("there is no zookeeper-*.jar in {0} or {0}/lib", home.display()),
        });
    }
    jars.sort();
    Ok(join([home.join("conf")].into_iter().chain(jars)))
}

fn join(parts: impl Iterator<Item = PathBuf>) -> String {
    parts.map(|part| part.display().to_string()).collect::<Vec<_>>().join(":")
}

fn find_java(java_home: Option<OsString>, path: Option<OsString>) -> Result<PathBuf, LaunchError> {
    let in_home = java_home.map(|home| Path::new(&home).join("bin"));
    let folders = in_home.into_iter().chain(path.iter().flat_map(std::env::split_paths));
    folders.map(|folder| folder.join("java")).find(|java| java.is_file()).ok_or_else(|| {
        LaunchError::JavaMissing { searched: "there is no `java` in JAVA_HOME or PATH".to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        let empty = tempfile::tempdir().unwrap();
        let debian = debian_classpath(empty.path()).unwrap_err().to_string();
        assert!(debian.contains("apt-get install zookeeper default-jre-headless"), "{debian}");
        assert!(debian.contains("ZOOKEEPER_HOME"), "{debian}");
        let apache = apache_classpath(empty.path()).unwrap_err().to_string();
        assert!(apache.contains(&empty.path().display().to_string()), "{apache}");
        let java = find_java(Some(empty.path().into()), None).unwrap_err().to_string();
        assert!(java.contains("apt-get install default-jre-headless"), "{java}");
    }

    #[test]
    fn an_unpacked_distribution_is_used() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("lib")).unwrap();
        for name in ["zookeeper-3.9.0.jar", "slf4j-api.jar", "notes.txt"] {
            std::fs::write(home.path().join("lib").join(name), "").unwrap();
        }
        let classpath = apache_classpath(home.path()).unwrap();
        let names: Vec<_> = classpath.split(':').map(|part| part.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["conf", "slf4j-api.jar", "zookeeper-3.9.0.jar"]);
    }
}
