//! `elect completions` and `elect man`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::harness::{elect, one_line, run};

const COMMANDS: [&str; 7] = ["campaign", "status", "watch", "resign", "dev", "completions", "man"];

fn printed(args: &[&str]) -> String {
    let output = run(&mut elect(args));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn completions_know_commands_and_options_in_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in COMMANDS.iter().chain(&["zookeeper", "session-timeout"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes_with_the_script() {
    let script = printed(&["completions", "bash"]);
    let complete = r#"
        eval "$(cat)"
        COMP_WORDS=(elect campaign --sess); COMP_CWORD=2
        _elect elect --sess campaign
        echo "${COMPREPLY[@]}"
    "#;
    let args = ["--norc", "--noprofile", "-c", complete];
    assert_eq!(piped(Command::new("bash").args(args), &script), "--session-timeout\n");
}

#[test]
fn manual_pages_have_what_help_has() {
    let page = printed(&["man"]);
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "ENSEMBLE", "SUBCOMMANDS", "\"EXIT CODES\"", "SIGNALS"]
    {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}: {page}");
    }
    for command in COMMANDS {
        assert!(printed(&["man", command]).contains("\n.SH EXAMPLES\n"), "{command}");
    }
}

/// With man, where there is one.
#[test]
fn manual_pages_can_be_shown() {
    let campaign = printed(&["man", "campaign"]);
    let mut man = Command::new("man");
    man.args(["--warnings", "-l", "-"]).env("MANWIDTH", "100").env("LC_ALL", "C");
    if man.stdin(Stdio::null()).output().is_err() {
        return;
    }
    let text = piped(&mut man, &campaign);
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    for line in ["EXIT CODES", "       130  ended by a second signal"] {
        assert!(lines.contains(&line), "{line:?}: {text}");
    }
    assert!(text.contains("elect-campaign - Compete for the role"), "{text}");
    let event = r#"{"at":19.2,"event":"holding","token":81,"remaining":4.3}"#;
    assert!(text.contains(event), "{text}");
}

/// What a command prints that is given this; it has nothing to complain of.
fn piped(command: &mut Command, input: &str) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    for args in [&["man"][..], &["completions", "bash"], &["--help"]] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = elect(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(one_line(&output).contains("cannot write to standard output"), "{output:?}");
    }
}
