//! Where Curator's recipes are. Also part of the tests that stand in one election with it.

use std::path::Path;

/// Debian's jars; each names in its manifest what it depends on.
const DEBIAN: [&str; 2] = ["/usr/share/java/curator-recipes.jar", "/usr/share/java/slf4j-nop.jar"];
const CLASSPATH: &str = "CURATOR_CLASSPATH";

/// What to do where it is missing.
pub(crate) const REMEDY: &str = "`cargo xtask setup` installs Curator and a JDK; elsewhere: a `java` of a JDK, and \
                                 the classpath of curator-recipes in CURATOR_CLASSPATH.";

/// The classpath of Curator's recipes.
pub(crate) fn classpath() -> String {
    if let Some(given) = std::env::var(CLASSPATH).ok().filter(|given| !given.is_empty()) {
        return given;
    }
    assert!(Path::new(DEBIAN[0]).is_file(), "there is no {}. {REMEDY}", DEBIAN[0]);
    DEBIAN.join(":")
}
