//! The watchdog, in a process of its own that it may abort.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, clippy::print_stdout, reason = "and the watched process talks to the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_election::prelude::*;
use zookeeper_testkit::proxy::Direction;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::{Ensemble, FaultProxy};

/// Where the watched process finds its server. It is this very test binary, started with this set.
const SERVER: &str = "WATCHDOG_TEST_SERVER";
/// Whether its role keeps its thread busy for ever once it is master.
const BLOCKS: &str = "WATCHDOG_TEST_BLOCKS";

/// Long enough for the notice, T/8, to be handled on any machine.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

const SIGABRT: i32 = 6;

/// The role of the watched process.
struct Worker {
    blocks: bool,
}

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Worker {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        say("master");
        let lease = message.lease;
        if self.blocks {
            loop {
                std::thread::park();
            }
        }
        actix::spawn(async move {
            lease.lost().await;
            say("over");
        });
    }
}

impl Handler<BecameStandby> for Worker {
    type Result = ();

    fn handle(&mut self, message: BecameStandby, _: &mut Context<Self>) {
        say(message.reason.as_str());
    }
}

fn say(word: &str) {
    println!("said {word}");
    std::io::stdout().flush().unwrap();
}

/// The first thing in every test: in the process that it starts, the same test is the watched process instead.
fn be_watched_if_asked() {
    if let Ok(server) = std::env::var(SERVER) {
        // On a thread of its own: this one has an actix system already.
        let watched = std::thread::spawn(move || watched(server));
        panic!("the watched process does not come back: {:?}", watched.join());
    }
}

/// The watched process closes its session and ends when its standard input does, unless it is aborted. A line there
/// is the wish that it resign.
fn watched(server: String) -> ! {
    let blocks = std::env::var_os(BLOCKS).is_some();
    System::new().block_on(async move {
        let arbiter = Arbiter::new();
        let worker = Worker::start_in_arbiter(&arbiter.handle(), move |_| Worker { blocks });
        let session = Session::builder(&server).session_timeout(SESSION_TIMEOUT).start().unwrap();
        let election = Election::builder("/watched").role(&worker).watchdog(true);
        let election =
            election.step_down_timeout(Duration::from_millis(500)).campaign(&session).await.unwrap();
        let (end, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            for _ in std::io::stdin().lines() {
                election.resign();
            }
            let _ = end.send(election);
        });
        let _election = ended.await.unwrap();
        session.close().await;
    });
    // Not through the test harness, which knows nothing of the other threads.
    std::process::exit(0);
}

/// The watched process, seen from outside. It ends with the test.
struct Watched {
    child: Child,
    words: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watched {
    fn start(proxy: &FaultProxy, blocks: bool) -> Self {
        Self::start_with(proxy, blocks, Stdio::piped())
    }

    fn start_with(proxy: &FaultProxy, blocks: bool, stderr: Stdio) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if blocks {
            command.env(BLOCKS, "yes");
        }
        let this_test = std::thread::current().name().map(str::to_owned).unwrap();
        let mut child = command
            .args([this_test.as_str(), "--exact", "--nocapture"])
            .env(SERVER, proxy.connect_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let words = BufReader::new(child.stdout.take().unwrap()).lines();
        Watched { child, words }
    }

    /// Waits until the process says this.
    fn says(&mut self, word: &str) {
        let word = format!("said {word}");
        while !self.words.next().expect("it goes on").unwrap().ends_with(&word) {}
    }

    fn resign(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
    }

    /// Waits for its end; returns the signal that ended it, and what it said of that.
    fn ends(&mut self) -> (Option<i32>, Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        (status.signal(), status.code(), said)
    }

    fn is_aborted(&mut self) {
        let (signal, _, said) = self.ends();
        assert_eq!(signal, Some(SIGABRT), "{said}");
        assert!(said.contains("before BecameStandby was handled"), "{said}");
    }

    fn ends_well(&mut self) {
        drop(self.child.stdin.take());
        let (signal, code, said) = self.ends();
        assert_eq!((signal, code), (None, Some(0)), "{said}");
    }
}

async fn proxy() -> (Ensemble, FaultProxy) {
    let ensemble = Ensemble::single().await.unwrap();
    let proxy = FaultProxy::start(ensemble.server(0).address()).unwrap();
    (ensemble, proxy)
}

#[actix::test]
async fn who_is_cut_off_and_does_not_step_down_is_aborted() {
    be_watched_if_asked();
    let (_ensemble, proxy) = proxy().await;
    let mut watched = Watched::start(&proxy, true);
    watched.says("master");
    let _silence = proxy.swallow(Direction::Both);
    watched.is_aborted();
}

/// Whoever supervises a process need not read what it says.
#[actix::test]
async fn who_is_to_be_aborted_is_even_if_it_cannot_say_why() {
    be_watched_if_asked();
    let (_ensemble, proxy) = proxy().await;
    let (_unread, mut full) = std::io::pipe().unwrap();
    let room = rustix::pipe::fcntl_getpipe_size(&full).unwrap();
    full.write_all(&vec![0; room]).unwrap();
    let mut watched = Watched::start_with(&proxy, true, full.into());
    watched.says("master");
    let _silence = proxy.swallow(Direction::Both);
    let mut ended = async || loop {
        match watched.child.try_wait().unwrap() {
            Some(status) => return status,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(60), ended()).await.expect("it ends");
    assert_eq!(status.signal(), Some(SIGABRT));
}

#[actix::test]
async fn who_is_cut_off_and_steps_down_is_not() {
    be_watched_if_asked();
    when_the_machine_runs(SESSION_TIMEOUT / 50, async |_| {
        let (_ensemble, proxy) = proxy().await;
        let mut watched = Watched::start(&proxy, false);
        watched.says("master");
        let silence = proxy.swallow(Direction::Both);
        watched.says("lease_ending");
        watched.says("over");
        // It lives on, and leads again.
        drop(silence);
        watched.says("master");
        watched.resign();
        watched.says("resigned");
        watched.says("over");
        watched.says("master");
        watched.ends_well();
    })
    .await;
}

#[actix::test]
async fn who_is_asked_to_step_down_and_does_not_is_aborted() {
    be_watched_if_asked();
    let (_ensemble, proxy) = proxy().await;
    let mut watched = Watched::start(&proxy, true);
    watched.says("master");
    watched.resign();
    watched.is_aborted();
}

#[actix::test]
async fn a_session_that_is_closed_in_order_ends_the_watch() {
    be_watched_if_asked();
    let (_ensemble, proxy) = proxy().await;
    let mut watched = Watched::start(&proxy, false);
    watched.says("master");
    watched.ends_well();
}
