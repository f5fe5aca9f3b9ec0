//! What clap refuses, on one line: what it is, what was expected, and where the rest stands.
//!
//! Clap's own text takes a paragraph; what it is made of is in the error's context.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};

/// The line for an error that is neither help nor the version.
pub(super) fn line(error: &clap::Error) -> String {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (arg, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("a value is required for '{arg}'"),
        ErrorKind::InvalidValue => format!("invalid value '{value}' for '{arg}'"),
        ErrorKind::ValueValidation => {
            let rule = error.source().map(|rule| format!(": {rule}")).unwrap_or_default();
            format!("invalid value '{value}' for '{arg}'{rule}")
        }
        ErrorKind::UnknownArgument => format!("unexpected argument '{arg}'"),
        ErrorKind::InvalidSubcommand => {
            format!("unrecognized subcommand '{}'", text(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => "a subcommand is required".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("an argument is required: {arg}"),
        ErrorKind::ArgumentConflict => match text(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == arg => format!("'{arg}' cannot be used more than once"),
            prior => format!("'{arg}' cannot be used with '{prior}'"),
        },
        kind => format!("{kind}: '{arg}'"),
    };
    let hints = HINTS.iter().filter_map(|(kind, words)| {
        let hint = text(*kind);
        (!hint.is_empty()).then(|| format!("; {words}{hint}"))
    });
    format!("{what}{}; see --help", hints.collect::<String>())
}

/// What may stand behind that.
const HINTS: [(ContextKind, &str); 6] = [
    (ContextKind::ValidValue, "it must be one of: "),
    (ContextKind::ValidSubcommand, "it must be one of: "),
    (ContextKind::SuggestedValue, "did you mean "),
    (ContextKind::SuggestedSubcommand, "did you mean "),
    (ContextKind::SuggestedArg, "did you mean "),
    (ContextKind::Suggested, ""),
];

/// Clap does not say which value it is that is no text.
pub(super) fn not_utf8(args: &[OsString]) -> String {
    let rule = "it must be text in UTF-8";
    let Some(place) = args.iter().position(|arg| arg.to_str().is_none()) else {
        return format!("invalid value of ELECT_ZOOKEEPER or ELECT_AUTH: {rule}");
    };
    let is_auth = |arg: &OsString| arg.as_encoded_bytes().starts_with(b"--auth");
    // Whatever may be a secret is not shown.
    if args[place.saturating_sub(1)..=place].iter().any(is_auth) {
        format!("invalid value (not shown) for '--auth <SCHEME:CREDENTIALS>': {rule}")
    } else {
        format!("invalid value {:?}: {rule}", args[place])
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn a_value_that_is_no_text_is_named_unless_it_is_secret() {
        use std::os::unix::ffi::OsStringExt as _;
        let bad = |text: &[u8]| OsString::from_vec([text, b"\xff"].concat());
        let parse = |args: &[OsString]| match parse(["elect".into()].iter().chain(args).cloned()) {
            Ok(_) => panic!("{args:?} is accepted"),
            Err(refused) => refused.why,
        };
        let why = parse(&["status".into(), bad(b"/m")]);
        assert!(why.contains(r#""/m\xFF""#) && why.contains("UTF-8"), "{why}");
        for args in
            [&["status".into(), "/m".into(), "--auth".into(), bad(b"hunter")][..], &[bad(b"--auth=hunter")]]
        {
            let why = parse(args);
            assert!(why.contains("--auth") && !why.contains("hunter"), "{why}");
        }
    }
}
