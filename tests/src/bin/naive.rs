//! An elector as it should not be: it believes its client.
//!
//! It takes the same arguments as `elect campaign` and speaks as it does. It holds from the moment at which its lock is
//! created until the client says that it is not connected. The storm has to find that it is wrong.

#![allow(clippy::print_stdout, reason = "speaking on standard output is what it is for")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_election::clock;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::timeout;
use zookeeper_async::{Acl, CreateMode, WatchedEvent, ZkError, ZkResult, ZkState, ZooKeeper};

/// How long a request may take; the client itself would wait for ever.
const REQUEST: Duration = Duration::from_secs(1);
/// Before another attempt, and between two lines that it holds.
const PAUSE: Duration = Duration::from_millis(100);
const HOLDING: Duration = Duration::from_millis(20);
/// It knows no end of its mastership, and the format wants one.
const REMAINING: f64 = 0.001;

/// The token of what it takes for its term; 0 if it does not.
static TOKEN: AtomicI64 = AtomicI64::new(0);

enum Signal {
    State(ZkState),
    /// Try to become master.
    Campaign,
}

fn say(mut line: Value) {
    line["at"] = json!(clock::now().as_secs_f64());
    println!("{line}");
}

fn hold() {
    loop {
        std::thread::sleep(HOLDING);
        let token = TOKEN.load(Ordering::SeqCst);
        if token != 0 {
            say(json!({"event": "holding", "token": token, "remaining": REMAINING}));
        }
    }
}

fn step_down() {
    if TOKEN.swap(0, Ordering::SeqCst) != 0 {
        // The other thread may just be saying that it holds.
        std::thread::sleep(HOLDING);
        say(json!({"event": "became_standby", "reason": "session_lost", "master": null}));
    }
}

/// Creates the lock, or finds it. Returns its token if it is ours by its data.
async fn compete(
    zookeeper: &ZooKeeper,
    path: &str,
    address: &str,
    signals: &UnboundedSender<Signal>,
) -> ZkResult<Option<i64>> {
    let acl = Acl::open_unsafe().clone();
    let created = zookeeper.create(path, address.as_bytes().to_vec(), acl, CreateMode::Ephemeral).await;
    if !matches!(created, Ok(_) | Err(ZkError::NodeExists)) {
        return created.map(|_| None);
    }
    let again = signals.clone();
    let gone = move |_: WatchedEvent| drop(again.send(Signal::Campaign));
    let (data, stat) = zookeeper.get_data_w(path, gone).await?;
    Ok((data == address.as_bytes()).then_some(stat.czxid))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        place.and_then(|place| arguments.get(place + 1)).cloned().ok_or(format!("{name} is missing"))
    };
    let path = arguments.get(2).cloned().ok_or("a path is missing")?;
    let (id, address, servers) = (option("--id")?, option("--address")?, option("--zookeeper")?);
    let milliseconds = option("--session-timeout")?.trim_end_matches("ms").parse()?;

    std::thread::spawn(hold);
    let (signals, mut received) = mpsc::unbounded_channel();
    let zookeeper =
        ZooKeeper::connect(&servers, Duration::from_millis(milliseconds), |_: WatchedEvent| ()).await?;
    let states = signals.clone();
    zookeeper.add_listener(move |state| drop(states.send(Signal::State(state))));
    // The first time it was connected nobody listened yet.
    signals.send(Signal::State(ZkState::Connected))?;
    while let Some(signal) = received.recv().await {
        match signal {
            Signal::State(ZkState::Connected) => {
                say(json!({"event": "session", "state": "connected"}));
                signals.send(Signal::Campaign)?;
            }
            Signal::State(_) => {
                step_down();
                say(json!({"event": "session", "state": "suspended"}));
            }
            Signal::Campaign if TOKEN.load(Ordering::SeqCst) == 0 => {
                match timeout(REQUEST, compete(&zookeeper, &path, &address, &signals)).await {
                    Ok(Ok(Some(token))) => {
                        say(
                            json!({"event": "became_master", "id": id, "token": token, "remaining": REMAINING}),
                        );
                        TOKEN.store(token, Ordering::SeqCst);
                    }
                    Ok(Ok(None)) => {}
                    _ => {
                        tokio::time::sleep(PAUSE).await;
                        signals.send(Signal::Campaign)?;
                    }
                }
            }
            Signal::Campaign => {}
        }
    }
    Ok(())
}
