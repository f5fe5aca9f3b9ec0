//! Text that others wrote, made fit to be shown.

/// The text on one line of at most `longest` characters, harmless to whoever reads it on a terminal.
///
/// Anybody may write anything into a znode. What would move the cursor, break the line, turn the direction of the text
/// around or not be seen at all is escaped as in Rust (`\n`, `\u{1b}`, `\u{202e}`). Where the text is longer, it is cut, and
/// ends with its length: `db-1 [...] (1048576 bytes)`. That part is not counted.
pub fn printable(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for c in text.chars() {
        let before = shown.len();
        // Rust knows which characters can be seen; quotes and backslashes it would escape for other reasons.
        if c.is_ascii_graphic() || c == ' ' {
            shown.push(c);
            length += 1;
        } else {
            shown.extend(c.escape_debug());
            length += shown[before..].chars().count();
        }
        if length > longest {
            shown.truncate(before);
            shown.push_str(&format!(" [...] ({} bytes)", text.len()));
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped_and_what_can_is_not() {
        for (text, shown) in [
            ("db-1.example.com:8080", "db-1.example.com:8080"),
            ("é 漢字 \"quoted\" 'C:\\n'", "é 漢字 \"quoted\" 'C:\\n'"),
            ("a\nb\r\t\0", "a\\nb\\r\\t\\0"),
            ("\u{1b}[2J\u{7f}\u{85}\u{9b}", "\\u{1b}[2J\\u{7f}\\u{85}\\u{9b}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202e}drowssap\u{202c}", "\\u{202e}drowssap\\u{202c}"),
            ("\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}", "\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{61c}"),
            ("h\u{200b}:1\u{feff}\u{ad}\u{e0041}", "h\\u{200b}:1\\u{feff}\\u{ad}\\u{e0041}"),
        ] {
            assert_eq!(printable(text, 100), shown);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("abcd", 3), "abc [...] (4 bytes)");
        assert_eq!(printable("ab\n", 3), "ab [...] (3 bytes)", "no half an escape");
        assert_eq!(printable(&"é".repeat(600_000), 2), "éé [...] (1200000 bytes)");
    }
}
