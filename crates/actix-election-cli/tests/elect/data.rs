//! `elect dev --data`: what was answered is there after whatever end.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

use crate::harness::{LIMIT, Running, elect, one_line, run};

const ANYWHERE: &str = "127.0.0.1:0";

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn command(data: &Path, listen: &str) -> Command {
    let mut command = elect(&["dev", "--tick", "500ms", "--listen", listen, "--data"]);
    command.arg(data);
    command
}

fn start(data: &Path, listen: &str) -> (Running, SocketAddr) {
    serving(Running::start(&mut command(data, listen)))
}

fn serving(mut dev: Running) -> (Running, SocketAddr) {
    let address = dev.line().strip_prefix("listening on ").expect("where it listens").parse().unwrap();
    (dev, address)
}

/// What one client was answered.
struct Answered {
    name: usize,
    session: (i64, Vec<u8>),
    /// How many znodes it has created, and how often it has set one.
    created: u64,
    sets: i32,
}

/// As long as the server's: a restart is over much earlier.
const SESSION: Duration = Duration::from_secs(10);
/// So that a snapshot is due every other kill.
const LARGE: usize = 50_000;

impl Answered {
    fn parent(&self) -> String {
        format!("/client-{}", self.name)
    }

    async fn begin(name: usize, address: SocketAddr) -> Self {
        let mut client = RawClient::connect(address, SESSION, None).await.unwrap();
        let session = (client.session_id(), client.password().to_vec());
        let answered = Self { name, session, created: 0, sets: 0 };
        let parent = answered.parent();
        client.create(&parent, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
        client.create(&format!("{parent}/e"), b"", &Acl::open(), CreateMode::Ephemeral).await.unwrap();
        answered
    }

    /// Writes until the server is gone.
    async fn write(&mut self, mut client: RawClient, answers: &watch::Sender<u64>) {
        let parent = self.parent();
        loop {
            let path = format!("{parent}/n-");
            if client.create(&path, b"", &Acl::open(), CreateMode::PersistentSequential).await.is_err() {
                return;
            }
            self.created += 1;
            let data = vec![(self.sets + 1) as u8; LARGE];
            if client.set_data(&parent, &data, None).await.is_err() {
                return;
            }
            self.sets += 1;
            answers.send_modify(|answers| *answers += 1);
        }
    }

    /// All of that is there, and no more than the one request that was not answered. Returns the client that has looked.
    async fn check(&mut self, address: SocketAddr, about: &str) -> RawClient {
        let mut client = RawClient::connect(address, SESSION, Some(self.session.clone())).await.expect(about);
        let parent = self.parent();
        let (data, stat) = client.get_data(&parent).await.expect(about);
        assert!(
            (self.sets..=self.sets + 1).contains(&stat.version),
            "{about}: {} of {}",
            stat.version,
            self.sets
        );
        assert!(data.iter().all(|byte| *byte == stat.version as u8), "{about}");
        self.sets = stat.version;
        let mut names = client.get_children(&parent).await.expect(about);
        names.sort();
        let there = names.iter().filter(|name| name.starts_with("n-")).count() as u64;
        assert!((self.created..=self.created + 1).contains(&there), "{about}: {there} of {}", self.created);
        self.created = there;
        let ephemeral = client.exists(&format!("{parent}/e")).await.expect(about).expect(about);
        assert_eq!(ephemeral.ephemeral_owner, self.session.0, "{about}");
        // The ephemeral one has taken the first number.
        let last = if there == 0 { "e".to_owned() } else { format!("n-{there:010}") };
        assert_eq!(names.last(), Some(&last), "{about}");
        client
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_outlives_any_kill() {
    let data = temporary();
    let (mut dev, address) = start(data.path(), ANYWHERE);
    let mut clients = Vec::new();
    for name in 0..4 {
        clients.push(Answered::begin(name, address).await);
    }
    for round in 0..8_u64 {
        let kill_after = RandomState::new().hash_one(round) % 200;
        let about = format!("round {round}, killed after {kill_after} answers");
        let (answers, mut enough) = watch::channel(0);
        let mut writing = Vec::new();
        for mut client in clients.drain(..) {
            let (raw, answers) = (client.check(address, &about).await, answers.clone());
            writing.push(tokio::spawn(async move {
                client.write(raw, &answers).await;
                client
            }));
        }
        let waited = timeout(LIMIT, enough.wait_for(|answers| *answers >= kill_after)).await.is_ok();
        assert!(waited, "{about}: no more answers");
        dev.signal("KILL");
        dev.wait();
        for client in writing {
            clients.push(client.await.unwrap());
        }
        (dev, _) = start(data.path(), &address.to_string());
    }
    for end in ["KILL", "TERM"] {
        for client in &mut clients {
            client.check(address, &format!("before SIG{end}")).await;
        }
        dev.signal(end);
        dev.wait();
        (dev, _) = start(data.path(), &address.to_string());
    }
    for client in &mut clients {
        client.check(address, "after an end in order").await;
    }
}

fn campaign(id: &str, address: SocketAddr, session_timeout: &str) -> Running {
    let server = address.to_string();
    let args = ["campaign", "/dev", "--json", "--id", id, "--zookeeper", &server];
    Running::start(elect(&args).args(["--address", &format!("{id}:1"), "--session-timeout", session_timeout]))
}

/// Within the session timeout a restart is an interruption, and nobody notices but by the pause.
#[test]
fn a_master_stays_master_over_a_restart() {
    let data = temporary();
    let (mut dev, address) = start(data.path(), ANYWHERE);
    let mut master = campaign("a", address, "10s");
    let token = master.event("became_master")["token"].as_i64().unwrap();
    let mut standby = campaign("b", address, "10s");
    standby.event("became_standby");
    for signal in ["KILL", "TERM"] {
        dev.signal(signal);
        dev.wait();
        master.session("suspended");
        (dev, _) = start(data.path(), &address.to_string());
        let next = master.event_where(|event| event["event"] != "error");
        assert_eq!((&next["event"], &next["state"]), (&"session".into(), &"connected".into()), "{next}");
        let args = ["status", "/dev", "--json", "--zookeeper", &address.to_string()];
        let output = run(&mut elect(&args));
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(status["master"]["token"].as_i64(), Some(token), "{status}");
    }
    // The next one's is greater, also than all that the server has given out before its restarts.
    assert_eq!(master.terminate(), Some(0));
    assert!(standby.event("became_master")["token"].as_i64() > Some(token));
}

/// Who is gone for longer has lost its session: by its own clock, and to the server once that is there again.
#[test]
fn a_restart_after_a_long_pause_makes_a_new_master_with_a_higher_token() {
    let data = temporary();
    let (mut dev, address) = start(data.path(), ANYWHERE);
    let mut master = campaign("a", address, "2s");
    let first = master.event("became_master")["token"].as_i64().unwrap();
    dev.signal("KILL");
    dev.wait();
    assert_eq!(master.event("became_standby")["reason"], "lease_ending");
    master.session("lost");
    // It never comes back to say that it has given its session up: its znode stands until the server ends the session.
    master.signal("KILL");
    master.wait();
    (dev, _) = start(data.path(), &address.to_string());
    let mut next = campaign("b", address, "2s");
    let standby =
        next.event_where(|event| event["event"] == "became_standby" && event["reason"] == "outranked");
    assert_eq!(standby["master"]["token"].as_i64(), Some(first), "the session is there, and its znode");
    assert!(next.event("became_master")["token"].as_i64() > Some(first));
    drop(dev);
}

#[test]
fn it_says_where_it_cannot_keep_data() {
    let temporary = temporary();
    let refused = |data: &Path| {
        let output = run(&mut command(data, ANYWHERE));
        assert_eq!(output.status.code(), Some(1));
        one_line(&output)
    };
    let data = temporary.path().join("data");
    let (mut dev, _) = start(&data, ANYWHERE);
    let said = refused(&data);
    assert!(said.contains(&format!("{} is in use by another server", data.display())), "{said}");
    assert_eq!(dev.terminate(), Some(0));

    let file = data.join("myid");
    std::fs::write(&file, "1").unwrap();
    let said = refused(&data);
    assert!(said.contains(&format!("{} is none of this server's files", file.display())), "{said}");
    let said = refused(&file);
    assert!(said.contains(&format!("{} is not a folder", file.display())), "{said}");
    std::fs::remove_file(&file).unwrap();
    let said = refused(Path::new("/proc/data"));
    assert!(said.contains("cannot create /proc/data: "), "{said}");

    let snapshot = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let snapshot =
        snapshot.into_iter().find(|path| path.display().to_string().contains("snapshot-")).unwrap();
    let mut bytes = std::fs::read(&snapshot).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let said = refused(&data);
    assert!(said.contains(&format!("{} is damaged at offset 36: ", snapshot.display())), "{said}");

    let output = run(&mut elect(&["dev", "--data", ""]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn it_says_what_it_drops() {
    let data = temporary();
    let (mut dev, _) = start(data.path(), ANYWHERE);
    dev.signal("KILL");
    dev.wait();
    let log = data.path().join("log-0000000000000001");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, [&bytes[..], &[7; 33]].concat()).unwrap();
    let (mut dev, _) = start(data.path(), ANYWHERE);
    assert_eq!(dev.terminate(), Some(0));
    let errors = dev.errors();
    assert!(errors.contains("WARN") && errors.contains("dropped the last 33 bytes of the log"), "{errors}");
}

/// The limit on the size of files stands for a disk that is full: a write fails, or is cut short.
#[tokio::test]
async fn what_it_cannot_write_it_does_not_answer() {
    let data = temporary();
    let plain = command(data.path(), ANYWHERE);
    let mut limited = Command::new("bash");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 100; exec "$@""#, "bash"]);
    limited.arg(plain.get_program()).args(plain.get_args());
    let (mut dev, address) = serving(Running::start(&mut limited));
    let mut client = RawClient::connect(address, SESSION, None).await.unwrap();
    let mut answered = 0;
    let path = |index: usize| format!("/n-{index}");
    while client.create(&path(answered), &[b'x'; 10_000], &Acl::open(), CreateMode::Persistent).await.is_ok()
    {
        answered += 1;
        assert!(answered < 100, "more than the limit has room for");
    }
    assert_eq!(dev.wait().code(), Some(1));
    let errors = dev.errors();
    let last = errors.lines().last().unwrap();
    let log = data.path().join("log-0000000000000001");
    assert!(last.starts_with("elect: stopped, because data cannot be kept: cannot write "), "{errors}");
    assert!(last.contains(&log.display().to_string()) && last.contains("too large"), "{errors}");

    let (_dev, address) = start(data.path(), ANYWHERE);
    let mut client = RawClient::connect(address, SESSION, None).await.unwrap();
    assert!(answered > 5, "{answered}");
    assert!(client.exists(&path(answered - 1)).await.unwrap().is_some());
    assert!(client.exists(&path(answered)).await.unwrap().is_none(), "it was not answered, and not written");
}
