//! What cannot be used is refused before anything is started.

use crate::harness::{elect, one_line, run};

#[test]
fn unusable_arguments_end_with_2_and_one_line_that_names_them() {
    for (args, value, rule) in [
        (&["campaign", "master"][..], "master", "must start with a slash"),
        (&["status", "/zookeeper"], "/zookeeper", "ZooKeeper's own"),
        (&["watch", "/a//b"], "/a//b", "no part may be empty"),
        (&["resign", "/"], "'/'", "must name a znode"),
        (&["campaign", "/m", "--address", "db:0"], "db:0", "from 1 to 65535"),
        (&["campaign", "/m", "--session-timeout", "tomorrow"], "tomorrow", "such as 10s"),
        (&["campaign", "/m", "--session-timeout", "10ms"], "10ms", "from 1s to 1h"),
        (&["campaign", "/m", "--holding", "2h"], "2h", "from 1ms to 1h"),
        (&["--zookeeper", "host:port", "status", "/m"], "host:port", "host[:port]"),
        (&["status", "/m", "--zookeeper", "zk:1//"], "zk:1//", "no part may be empty"),
        (&["campaign", "/m", "--zookeeper", ""], "\"\"", "host[:port]"),
        (&["--auth", "secret", "status", "/m"], "--auth", "SCHEME:CREDENTIALS"),
        (&["status", "/m", "--auth", "digest:secret"], "--auth", "digest:user:password"),
        (&["status"], "<PATH>", "required"),
        (&["status", "/m", "--loud"], "--loud", "unexpected"),
        (&["lead", "/m"], "lead", "unrecognized"),
        (&[], "subcommand", "campaign, status, watch, resign"),
    ] {
        let output = run(&mut elect(args));
        let line = one_line(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert!(line.contains(value) && line.contains(rule), "{args:?}: {line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn the_environment_is_checked_as_well_and_the_command_line_comes_first() {
    let output = run(elect(&["status", "/m"]).env("ELECT_ZOOKEEPER", "here:"));
    assert_eq!(output.status.code(), Some(2));
    assert!(one_line(&output).contains("here:"));

    let output = run(elect(&["--zookeeper", "there:", "status", "/m"]).env("ELECT_ZOOKEEPER", "here:"));
    assert!(one_line(&output).contains("there:"));

    let output = run(elect(&["status", "/m"]).env("ELECT_AUTH", "hunter2"));
    assert_eq!(output.status.code(), Some(2));
    assert!(!one_line(&output).contains("hunter2"));
}

#[test]
fn help_goes_to_standard_output_and_shows_no_credentials() {
    for command in [&["--help"][..], &["campaign", "--help"], &["status", "-h"], &["watch", "--help"]] {
        let output = run(elect(command).env("ELECT_AUTH", "digest:user:hunter2"));
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("ELECT_AUTH") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(&mut elect(&["--version"]));
    assert_eq!(output.stdout, format!("elect {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}
