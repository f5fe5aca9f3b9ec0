//! Colours: for people at a terminal, and for nobody else.

use std::process::Command;

use crate::harness::{Running, elect, path, run, server, untimed};

const ESCAPE: char = '\u{1b}';

/// What `elect status` says, of nobody.
async fn status(wish: &[(&str, &str)]) -> String {
    let server = server().await.to_string();
    let mut status = elect(&["status", &path("colours"), "--zookeeper", &server]);
    let output = run(status.envs(wish.iter().copied()));
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_pipe_has_none_unless_it_is_wished_for() {
    assert_eq!(status(&[]).await, "master: none\n");
    let coloured = status(&[("CLICOLOR_FORCE", "1")]).await;
    assert_eq!(coloured, "\u{1b}[33mmaster\u{1b}[0m: none\n");
    assert_eq!(status(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).await, "master: none\n");
}

#[tokio::test]
async fn json_never_has_any() {
    let path = path("colours");
    let mut candidate = Running::start(
        elect(&["campaign", &path, "--json", "--zookeeper", &server().await.to_string()])
            .env("CLICOLOR_FORCE", "1"),
    );
    candidate.event("became_master");
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(candidate.remaining_events().last().unwrap()["state"], "closed");
}

#[tokio::test]
async fn what_happens_is_coloured_and_reads_the_same() {
    let path = path("colours");
    let args = ["campaign", &path, "--address", "h:1", "--zookeeper", &server().await.to_string()];
    let mut candidate = Running::start(elect(&args).env("CLICOLOR_FORCE", "1"));
    let mut line = candidate.line();
    while !line.contains("became master") {
        line = candidate.line();
    }
    assert!(line.contains(ESCAPE), "{line:?}");
    let plain = anstream::adapter::strip_str(&line).to_string();
    assert!(untimed(&plain).starts_with("became master: h:1, token "), "{plain}");
    assert_eq!(candidate.terminate(), Some(0));
}

#[test]
fn errors_and_help_are_coloured_alike() {
    for (wish, coloured) in [(None, false), (Some("1"), true)] {
        let output = run(elect(&["lead"]).envs(wish.map(|wish| ("CLICOLOR_FORCE", wish))));
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line.contains(ESCAPE), coloured, "{line:?}");
        assert!(anstream::adapter::strip_str(&line).to_string().starts_with("elect: "), "{line:?}");
        let output = run(elect(&["--help"]).envs(wish.map(|wish| ("CLICOLOR_FORCE", wish))));
        let help = String::from_utf8(output.stdout).unwrap();
        assert_eq!(help.contains(ESCAPE), coloured, "{help:?}");
    }
}

/// script(1) gives a command a terminal.
#[test]
fn a_terminal_has_colours_unless_no_color_is_set() {
    let line = format!("{} lead", env!("CARGO_BIN_EXE_elect"));
    for (no_color, coloured) in [(None, true), (Some("1"), false)] {
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            terminal.env_remove(name);
        }
        let output =
            run(terminal.stdin(std::process::Stdio::null()).envs(no_color.map(|no| ("NO_COLOR", no))));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("unrecognized subcommand 'lead'"), "{shown:?}");
        assert_eq!(shown.contains(ESCAPE), coloured, "{shown:?}");
    }
}
