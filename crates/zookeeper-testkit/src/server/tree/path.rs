//! Which paths make sense.

use crate::wire::ErrorCode;

/// The path that holds this one's node, which is "" for the root. Asks no more than that there is a slash and no NUL.
pub(super) fn parent(path: &str) -> Result<&str, ErrorCode> {
    match path.rfind('/') {
        Some(slash) if !path.contains('\0') => Ok(&path[..slash]),
        _ => Err(ErrorCode::BadArguments),
    }
}

/// What comes behind the last slash.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The parent's path as watches know it: that of the root is "/".
pub(super) fn watched_parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(slash) => &path[..slash],
    }
}

/// A path, then that of its node's parent, and so on up to "/".
pub(super) fn lineage(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (*path != "/").then(|| watched_parent(path)))
}

/// The nodes that nobody can delete.
pub(super) fn is_special(path: &str) -> bool {
    matches!(path, "/" | "/zookeeper" | "/zookeeper/quota" | "/zookeeper/config")
}

/// Absolute, without empty or relative parts, without characters that cannot be shown.
pub(super) fn validate(path: &str) -> Result<(), ErrorCode> {
    let Some(names) = path.strip_prefix('/') else { return Err(ErrorCode::BadArguments) };
    let relative = |name: &str| matches!(name, "" | "." | "..");
    if !names.is_empty() && names.split('/').any(relative) || path.chars().any(is_hidden) {
        return Err(ErrorCode::BadArguments);
    }
    Ok(())
}

/// The bounds are ZooKeeper's, which looks at UTF-16 units: whatever needs two of them is refused.
fn is_hidden(c: char) -> bool {
    matches!(u32::from(c), 0..=0x1e | 0x80..=0x9e | 0xd801..=0xf8fe | 0xfff1..=0xfffe | 0x1_0000..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_make_sense_and_others() {
        for good in ["/", "/a", "/a/b", "/.a", "/a..", "/ü", "/a b", "/\u{1f}", "/...", "/\u{f900}"] {
            assert_eq!(validate(good), Ok(()), "{good:?}");
        }
        for bad in ["", "a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a\0", "/\u{1}", "/\u{9e}", "/😀"]
        {
            assert_eq!(validate(bad), Err(ErrorCode::BadArguments), "{bad:?}");
        }
    }

    #[test]
    fn parents_and_names() {
        assert_eq!((parent("/a/b"), name("/a/b"), watched_parent("/a/b")), (Ok("/a"), "b", "/a"));
        assert_eq!((parent("/a"), name("/a"), watched_parent("/a")), (Ok(""), "a", "/"));
        assert_eq!(parent("a"), Err(ErrorCode::BadArguments));
        assert_eq!(lineage("/a/b").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(lineage("/").collect::<Vec<_>>(), ["/"]);
    }
}
