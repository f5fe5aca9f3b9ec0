//! Rust versions as manifests and rustup write them: `1.88` or `1.88.0`.

use std::fmt;
use std::str::FromStr;

/// A Rust release. What is left out counts as zero, as it does for cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RustVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The text is not a Rust version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a Rust version")]
pub(crate) struct NotAVersion(String);

impl RustVersion {
    /// Whether the two differ in the patch number at most: such releases offer the same language and library.
    pub(crate) fn same_minor(self, other: RustVersion) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }
}

impl FromStr for RustVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<RustVersion, NotAVersion> {
        let wrong = || NotAVersion(text.to_owned());
        let number = |part: &str| {
            // `parse` alone would take a sign as well.
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse().map_err(|_| wrong())
            } else {
                Err(wrong())
            }
        };
        let mut parts = text.split('.');
        let major = number(parts.next().unwrap_or_default())?;
        let minor = parts.next().map_or(Ok(0), number)?;
        let patch = parts.next().map_or(Ok(0), number)?;
        if parts.next().is_some() {
            return Err(wrong());
        }
        Ok(RustVersion { major, minor, patch })
    }
}

impl fmt::Display for RustVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> RustVersion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_compare_by_number_and_missing_parts_are_zero() {
        let rows = [
            ("1.88", "1.88.0", "="),
            ("1", "1.0.0", "="),
            ("1.9", "1.88", "<"),
            ("1.88", "1.88.1", "<"),
            ("1.88.9", "1.88.10", "<"),
            ("1.100", "1.88", ">"),
            ("2.0", "1.999.999", ">"),
        ];
        for (left, right, expected) in rows {
            let found = match version(left).cmp(&version(right)) {
                std::cmp::Ordering::Less => "<",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => ">",
            };
            assert_eq!(found, expected, "{left} and {right}");
        }
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in
            ["", ".", "1.", "1.88.", "stable", "1.88.0.1", "+1.88", "1.-8", "1.88-beta", "99999999999"]
        {
            assert_eq!(text.parse::<RustVersion>(), Err(NotAVersion(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn versions_are_shown_without_a_zero_patch() {
        assert_eq!(version("1.88.0").to_string(), "1.88");
        assert_eq!(version("1.88.2").to_string(), "1.88.2");
    }

    #[test]
    fn patch_releases_are_of_one_minor() {
        assert!(version("1.88").same_minor(version("1.88.3")));
        assert!(!version("1.88").same_minor(version("1.89")));
        assert!(!version("1.88").same_minor(version("2.88")));
    }
}
