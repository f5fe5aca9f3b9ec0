//! The same as `descriptors`, where there is no actix system: our own cannot be had either.
//!
//! A process of its own: the limit is the process's, and so is that system.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect, too")]

use actix_election::{Session, StartError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_session_without_an_actix_system_says_what_it_cannot_have_and_starts_when_it_can() {
    let usual = getrlimit(Resource::Nofile);
    let mut refused = 0;
    for limit in 3..=64 {
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..usual }).unwrap();
        let started = Session::builder("127.0.0.1:1").start();
        setrlimit(Resource::Nofile, usual).unwrap();
        match started {
            Err(error @ (StartError::Runtime(_) | StartError::Socket(_))) => {
                let text = error.to_string();
                assert!(text.contains("Too many open files"), "with {limit} files: {text}");
                refused += 1;
            }
            Err(error) => panic!("with {limit} files: {error}"),
            Ok(session) => futures::executor::block_on(session.close()),
        }
    }
    assert!(refused > 1);
    let session = Session::builder("127.0.0.1:1").start().unwrap();
    futures::executor::block_on(session.close());
}
