//! What cannot be used is refused before anything is started.

use zookeeper_testkit::wire::{Acl, CreateMode};

use crate::harness::{Running, client, elect, nowhere, one_line, run, server};

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
        (&["--zookeeper", "h1/app,h2/app", "campaign", "/m"], "h1/app,h2/app", "host1,host2/app"),
        (&["--zookeeper", "zk:+1", "status", "/m"], "zk:+1", "from 1 to 65535"),
        (&["--zookeeper", "[::1]:", "status", "/m"], "[::1]:", "host[:port]"),
        (&["--zookeeper", "300.0.0.1", "watch", "/m"], "300.0.0.1", "from 0 to 255"),
        (&["--zookeeper", "a..b", "resign", "/m"], "a..b", "between dots"),
        (&["--zookeeper", "h/\u{1f600}", "status", "/m"], "h/\u{1f600}", "U+FFFF"),
        (&["campaign", "/\u{1f600}"], "/\u{1f600}", "U+FFFF"),
        (&["campaign", "/m/../n"], "/m/../n", "no part may be"),
        (&["campaign", "/m\u{85}"], "/m\\u{85}", "no control"),
        (&["campaign", "/m", "--address", "a..b:1"], "a..b:1", "between dots"),
        (&["campaign", "/m", "--address", "999.0.0.1:1"], "999.0.0.1:1", "from 0 to 255"),
        (&["--zookeeper", "zk"], "subcommand", "campaign, status, watch, resign"),
        (&["campaign", "/m", "--strategy", "chance"], "'chance'", "lock, queue"),
        (&["campaign", "/m", "--id", ""], "--id", "must not be empty"),
        (&["campaign", "/m", "--id"], "--id", "value is required"),
        (&["status", "/m", "/n"], "'/n'", "unexpected"),
        (&["status", "/m", "--json", "--json"], "'--json'", "more than once"),
        (&["dev", "--zookeeper", "zk"], "'--zookeeper'", "unexpected"),
        (&["--zookeeper", "zk", "dev"], "'--zookeeper'", "cannot be used with 'dev'"),
        (&["man", "lead"], "'lead'", "campaign, status, watch, resign"),
        (&["completions", "cmd"], "'cmd'", "bash"),
    ] {
        let output = run(&mut elect(args));
        let line = one_line(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert!(line.contains(value) && line.contains(rule), "{args:?}: {line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

/// The help is for people, the line for whoever reads standard error.
#[test]
fn without_a_command_there_is_help_and_the_code_of_unusable_arguments() {
    for zookeeper in [None, Some("zk:1")] {
        let mut alone = elect(&[]);
        alone.envs(zookeeper.map(|zookeeper| ("ELECT_ZOOKEEPER", zookeeper)));
        let mut output = run(&mut alone);
        assert_eq!(output.status.code(), Some(2), "{zookeeper:?}");
        let help = String::from_utf8(std::mem::take(&mut output.stdout)).unwrap();
        assert!(
            help.contains("Usage: elect") && help.contains("campaign") && help.contains("--help"),
            "{help}"
        );
        let line = one_line(&output);
        assert!(line.contains("subcommand") && line.contains("campaign, status, watch, resign"), "{line}");
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
fn a_line_about_a_long_value_is_short_and_says_what_is_expected() {
    let long = format!("/{}", "x".repeat(100_000));
    for args in [
        &["status", &long][..],
        &["--zookeeper", &long, "status", "/m"],
        &["campaign", "/m", "--id", "", &long],
    ] {
        let output = run(&mut elect(args));
        let line = one_line(&output);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(line.len() < 3_000, "{}", line.len());
    }
    assert!(one_line(&run(&mut elect(&["status", &long]))).contains("at most 512 bytes"));
}

/// No server at the default address: what is told names the address that was tried.
#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let nowhere = nowhere();
    let ask = ["--zookeeper", &nowhere, "status", "/m"];
    let mut asked = Running::start(elect(&ask).env("ELECT_AUTH", ""));
    asked.signals_are_caught();
    assert_eq!(asked.terminate(), Some(143), "{}", asked.errors());

    let mut candidate = Running::start(elect(&["campaign", "/m", "--json"]).env("ELECT_ZOOKEEPER", ""));
    candidate.session("connecting");
    assert_eq!(candidate.terminate(), Some(0));

    let output = run(elect(&["--zookeeper", "", "status", "/m"]).env("ELECT_ZOOKEEPER", "127.0.0.1:1"));
    assert_eq!(output.status.code(), Some(2), "what is given is given");
}

/// What is refused as a path is what a server refuses, and nothing else is: but for what is ours to refuse.
#[tokio::test]
async fn the_rules_of_paths_are_those_of_the_server() {
    let mut client = client().await;
    let server = server().await.to_string();
    for name in [
        "plain",
        "é",
        "漢",
        "a b",
        "a,b",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "\u{ffef}",
        "\u{d7ff}",
        "\u{f900}",
        "a..b",
        "...",
        "%",
        ".",
        "..",
        "",
        "a/",
        "\u{1}",
        "\u{1f}",
        "\u{7f}",
        "\u{85}",
        "\u{9f}",
        "\u{e000}",
        "\u{f8ff}",
        "\u{fff0}",
        "\u{fffd}",
        "\u{10000}",
        "\u{1f600}",
        "\u{10ffff}",
    ] {
        let path = format!("/{name}");
        let created = client.create(&path, b"", &Acl::open(), CreateMode::Ephemeral).await;
        let status = run(&mut elect(&["status", &path, "--zookeeper", &server])).status.code();
        // The root exists, so that it is refused for another reason than by us.
        assert_eq!(status == Some(2), created.is_err(), "{name:?}: {status:?}, {created:?}");
    }
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
fn options_of_the_ensemble_are_shown_where_they_are_used() {
    let help = |command| String::from_utf8(run(&mut elect(&[command, "--help"])).stdout).unwrap();
    for command in ["campaign", "status", "watch", "resign"] {
        let text = help(command);
        for shown in ["--zookeeper", "--auth", "--max-frame-size", "Ensemble:", "127.0.0.1:2181"] {
            assert!(text.contains(shown), "{command}: {shown}: {text}");
        }
    }
    for command in ["dev", "completions", "man"] {
        let text = help(command);
        assert!(!text.contains("--zookeeper") && !text.contains("ELECT_"), "{command}: {text}");
    }
}

/// What stands in the environment is for other commands.
#[test]
fn dev_does_not_mind_a_variable_that_it_does_not_use() {
    let mut dev = Running::start(elect(&["dev", "--listen", "127.0.0.1:0"]).env("ELECT_ZOOKEEPER", "zk:"));
    assert!(dev.line().starts_with("listening on "));
    assert_eq!(dev.terminate(), Some(0));
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(&mut elect(&["--version"]));
    assert_eq!(output.stdout, format!("elect {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}
