//! Colours: on a terminal, unless `NO_COLOR` is set; elsewhere only if `CLICOLOR_FORCE` is.

use std::io::{stderr, stdout};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What may need somebody.
pub(crate) const ATTENTION: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is there for later.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Everything else.
pub(crate) const PLAIN: Style = Style::new();

/// Whether there are colours in what one stream is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colour {
    On,
    Off,
}

impl Colour {
    pub(crate) fn of_stdout() -> Self {
        Self::of(AutoStream::choice(&stdout()))
    }

    pub(crate) fn of_stderr() -> Self {
        Self::of(AutoStream::choice(&stderr()))
    }

    fn of(choice: ColorChoice) -> Self {
        if choice == ColorChoice::Never { Colour::Off } else { Colour::On }
    }

    /// The text in this style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        match self {
            Colour::On => format!("{style}{text}{style:#}"),
            Colour::Off => text.to_owned(),
        }
    }
}
