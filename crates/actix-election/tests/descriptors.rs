//! Where the operating system gives no more open files, a session says at its start that it cannot be.
//!
//! A process of its own: the limit is the process's.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect, too")]

use std::time::{Duration, Instant};

use actix_election::{Session, StartError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most that anything may take before the test fails.
const LIMIT: Duration = Duration::from_secs(60);

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Threads that end do so in their own time.
async fn wait_for_open_files(wanted: usize) {
    let deadline = Instant::now() + LIMIT;
    while open_files() > wanted {
        assert!(Instant::now() < deadline, "{} files are open, not {wanted}", open_files());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[actix::test]
async fn a_session_that_cannot_have_what_it_needs_says_so_and_leaves_nothing_behind() {
    let usual = getrlimit(Resource::Nofile);
    let before = open_files();
    let mut seen = [0; 3];
    for limit in 3..=48 {
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..usual }).unwrap();
        let started = Session::builder("127.0.0.1:1").start();
        setrlimit(Resource::Nofile, usual).unwrap();
        match started {
            Err(error @ (StartError::Runtime(_) | StartError::Socket(_))) => {
                let text = error.to_string();
                assert!(text.contains("Too many open files"), "with {limit} files: {text}");
                seen[usize::from(matches!(error, StartError::Socket(_)))] += 1;
            }
            Err(error) => panic!("with {limit} files: {error}"),
            Ok(session) => {
                seen[2] += 1;
                session.close().await;
            }
        }
        wait_for_open_files(before).await;
    }
    assert!(seen.iter().all(|times| *times > 1), "{seen:?}");
}
