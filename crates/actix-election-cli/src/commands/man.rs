//! `elect man`: manual pages, made of what `--help` shows.

use std::io;

use clap_mangen::Man;
use roff::{Roff, roman};

use crate::args::{self, ManArgs};
use crate::exit::{self, Ending};

pub(super) fn run(args: &ManArgs) -> Ending {
    match page(command(args.command.as_deref())) {
        Ok(page) => exit::show(&String::from_utf8_lossy(&page)),
        Err(error) => Ending::Failed(format!("cannot write the page: {error}")),
    }
}

/// The definition of a command, or of all.
fn command(name: Option<&str>) -> clap::Command {
    let mut elect = args::command();
    elect.build();
    let command = name.and_then(|name| elect.find_subcommand(name)).cloned();
    command.unwrap_or(elect)
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let commands = command.has_subcommands();
    let man = Man::new(command).manual("elect").source(concat!("elect ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if commands {
        man.render_subcommands_section(&mut page)?;
    }
    sections(&after).to_writer(&mut page)?;
    Ok(page)
}

/// What stands behind the options: headings, and below each of them indented lines, which stay as they are. (Clap's own would
/// be one section named EXTRA, with its lines run together.)
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_prefix("  ") {
            Some(line) => drop(roff.text([roman(line)])),
            None if line.is_empty() => drop(roff.text([roman("")])),
            None => {
                if open {
                    roff.control("fi", []);
                }
                roff.control("SH", [line]).control("nf", []);
                open = true;
            }
        }
    }
    if open {
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::COMMANDS;

    #[test]
    fn every_command_has_a_page() {
        let names: Vec<_> = args::command().get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        assert_eq!(names, COMMANDS);
        for name in COMMANDS {
            let page = String::from_utf8(page(command(Some(name))).unwrap()).unwrap();
            assert!(page.contains(&format!("elect\\-{name} \\- ")), "{page}");
        }
    }

    #[test]
    fn headings_become_sections_and_what_is_below_them_stays_as_it_is() {
        let roff = sections("EXIT CODES\n  0  done\n\n  1  not\nMORE\n  .a 'b\n").render();
        let expected = ".SH \"EXIT CODES\"\n.nf\n0  done\n\n1  not\n.fi\n.SH MORE\n.nf\n\\&.a ";
        assert!(roff.ends_with("b\n.fi\n") && roff.contains(expected), "{roff}");
    }
}
