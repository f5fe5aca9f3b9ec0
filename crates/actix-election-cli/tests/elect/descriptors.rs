//! Where the limit of open files is low, a command works or says why it does not.

use std::process::{Command, Stdio};

use zookeeper_testkit::TestServer;

use crate::harness::{Running, elect};

/// The command, with so many files as it may open.
fn with_limit(limit: u32, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    // Set in the shell, as the soft and the hard limit; the shell then becomes the command.
    command.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()]);
    let wanted = elect(args);
    command.arg(wanted.get_program()).args(wanted.get_args()).stdin(Stdio::null());
    for (name, _) in wanted.get_envs() {
        command.env_remove(name);
    }
    command
}

/// A command, and the beginning of the line by which it shows that it works.
struct Wanted<'a> {
    args: &'a [&'a str],
    line: &'a str,
    /// `None` if it runs until a signal comes.
    code: Option<i32>,
}

impl Wanted<'_> {
    /// Whether it works with so many files. If not, it has to end with one line that says why.
    fn works(&self, limit: u32) -> bool {
        let mut running = Running::start(&mut with_limit(limit, self.args));
        let mut lines = Vec::new();
        let mut reached = false;
        while !reached && let Some(line) = running.next_line() {
            reached = line.contains(self.line);
            lines.push(line);
        }
        if reached && self.code.is_none() {
            running.signal("TERM");
        }
        let status = running.wait();
        let errors = running.errors();
        let account = format!("{:?} with {limit} files: {status}, {lines:?}, {errors}", self.args);
        if reached {
            assert_eq!((status.code(), errors.as_str()), (self.code.or(Some(0)), ""), "{account}");
        } else {
            assert_eq!(
                (status.code(), lines.len(), errors.matches('\n').count()),
                (Some(1), 0, 1),
                "{account}"
            );
            assert!(
                errors.starts_with("elect: cannot ")
                    && errors.ends_with("Too many open files (os error 24)\n"),
                "{account}"
            );
        }
        reached
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_few_files_every_command_works_or_says_why_not() {
    let server = TestServer::start().await.unwrap();
    let server = server.address().to_string();
    let wanted = |args, line, code| Wanted { args, line, code };
    for wanted in [
        wanted(&["status", "/m", "--zookeeper", &server], "master: none", Some(3)),
        wanted(&["resign", "/m", "--zookeeper", &server], "there is no master", Some(0)),
        wanted(&["watch", "/m", "--zookeeper", &server], "master: none", None),
        wanted(&["campaign", "/m", "--zookeeper", &server], "became master", None),
        wanted(&["dev", "--listen", "127.0.0.1:0"], "listening on", None),
    ] {
        let works: Vec<_> = (4..=40).map(|limit| wanted.works(limit)).collect();
        assert!(!works[0] && works[36] && works.is_sorted(), "{:?}: {works:?}", wanted.args);
    }
}
