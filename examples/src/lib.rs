//! Small programs, each of which answers one question. Run them with `cargo run --example NAME`.
//!
//! | example | the question |
//! |---|---|
//! | `hello_role` | What is the least that an application has to do? |
//! | `multi_node` | What do several processes see of each other? |
//! | `observer` | How does a process follow who is master without competing? |
//! | `fenced_writer` | What stops an old master that does not know yet that it is one? |
//! | `actix_web_service` | How does an actix-web service hand over when it is stopped? |
//! | `failover` | What happens when the master dies, and how fast? |
//!
//! Here is only what the ones that bring their own server have in common.

use std::env;
use std::error::Error;
use std::time::Duration;

use zookeeper_testkit::TestServer;

/// The ZooKeeper that an example runs against.
pub struct ZooKeeper {
    hosts: String,
    /// Ends with the example.
    _server: Option<TestServer>,
}

impl ZooKeeper {
    /// The one given by `--zookeeper HOSTS` in front, else a server inside this process, which ends with it: on loopback,
    /// with a tick of 500 ms. Further arguments are the example's own.
    ///
    /// # Errors
    ///
    /// If no port or no thread is to be had for it.
    pub async fn given_or_started(own_arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut args: Vec<_> = env::args().skip(1).collect();
        args.truncate(args.len() - own_arguments.len());
        match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--zookeeper", hosts] => Ok(ZooKeeper { hosts: hosts.to_owned(), _server: None }),
            [] => {
                let server = TestServer::builder().tick(Duration::from_millis(500)).start().await?;
                Ok(ZooKeeper { hosts: server.connect_string(), _server: Some(server) })
            }
            _ => {
                Err("the only argument is --zookeeper HOSTS; without it one is started in this process"
                    .into())
            }
        }
    }

    /// Its servers, as `Session::builder` takes them.
    pub fn hosts(&self) -> &str {
        &self.hosts
    }
}

/// An election path that no other run of an example uses.
pub fn path_of_this_run(name: &str) -> String {
    format!("/examples/{name}-{}", std::process::id())
}

/// The examples of every README of the project compile. They are tested here, since no package holds them all.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    struct Project;

    #[doc = include_str!("../../crates/actix-election/README.md")]
    struct Election;

    #[doc = include_str!("../../crates/actix-election-core/README.md")]
    struct Core;

    #[doc = include_str!("../../crates/zookeeper-testkit/README.md")]
    struct Testkit;

    #[doc = include_str!("../../crates/zookeeper-wire/README.md")]
    struct Wire;
}
