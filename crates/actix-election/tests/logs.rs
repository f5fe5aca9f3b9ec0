//! What sessions and elections log: levels, words and fields.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, Once};
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{StandbyReason, flush_logs};
use common::{PATIENCE, Role, path, session, soon, until};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::stall::when_the_machine_runs;
use zookeeper_testkit::wire::{Acl, CreateMode, RawClient};

const T: Duration = Duration::from_secs(20);

/// The value of a field, as it was recorded.
#[derive(Clone, PartialEq, Debug)]
enum Value {
    Integer(i64),
    Float(f64),
    Text(String),
}

#[derive(Clone, Debug)]
struct Line {
    level: Level,
    fields: BTreeMap<&'static str, Value>,
    /// How often there was a field of the name `message`.
    messages: usize,
}

impl Line {
    fn text(&self, field: &str) -> &str {
        match &self.fields.get(field) {
            Some(Value::Text(text)) => text,
            other => panic!("{field} is {other:?} in {self:?}"),
        }
    }

    fn integer(&self, field: &str) -> i64 {
        match self.fields.get(field) {
            Some(Value::Integer(number)) => *number,
            other => panic!("{field} is {other:?} in {self:?}"),
        }
    }

    /// Whether it is about this election, or about many of which this is the first.
    fn is_of(&self, path: &str) -> bool {
        let path = Value::Text(path.to_owned());
        [self.fields.get("path"), self.fields.get("first")].contains(&Some(&path))
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Integer(value.try_into().unwrap()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Float(value));
    }
}

impl Line {
    fn put(&mut self, field: &Field, value: Value) {
        self.messages += usize::from(field.name() == "message");
        self.fields.insert(field.name(), value);
    }
}

struct Collector;

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let metadata = event.metadata();
        if metadata.target().starts_with("actix_election") && *metadata.level() <= Level::INFO {
            let mut line = Line { level: *metadata.level(), fields: BTreeMap::new(), messages: 0 };
            event.record(&mut line);
            LINES.lock().unwrap().push(line);
        }
    }
}

/// From here on lines are kept. One test at a time, for not every line says which election it is of.
fn collect() -> MutexGuard<'static, ()> {
    static START: Once = Once::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    START.call_once(|| tracing_subscriber::registry().with(Collector).init());
    LINES.lock().unwrap().clear();
    turn
}

fn lines() -> Vec<Line> {
    assert!(flush_logs(PATIENCE));
    let lines = LINES.lock().unwrap().clone();
    for line in &lines {
        assert_eq!(line.messages, 1, "{line:?}");
    }
    lines
}

async fn line(what: &str, is_it: impl Fn(&Line) -> bool) -> Line {
    until(what, async || lines().iter().any(&is_it)).await;
    lines().into_iter().find(is_it).unwrap()
}

async fn says(path: &str, word: &str) -> Line {
    line(word, |line| line.is_of(path) && line.text("message").starts_with(word)).await
}

async fn server() -> TestServer {
    TestServer::builder().max_session_timeout(T).start().await.unwrap()
}

#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn lines_say_who_where_and_for_how_long_at_levels_that_fit() {
    let _turn = collect();
    let server = server().await;
    let path = path("lines");
    let mut first = Role::start();
    let masters = session(server.address(), T);
    let election = Election::builder(&path).address("h:1").role(&first.address);
    let _election = election.campaign(&masters).await.unwrap();
    let token = first.master().await.token().as_i64();

    let connected = line("connected", |line| line.text("message") == "session connected").await;
    assert_eq!(connected.level, Level::INFO);
    let id = *server.view().sessions.keys().next().unwrap();
    assert_eq!(connected.text("session"), format!("{id:#x}"));
    assert_eq!(connected.text("timeout"), "20s");
    assert_eq!(connected.text("server"), server.address().to_string());
    let won = says(&path, "became master").await;
    assert_eq!((won.level, won.integer("token")), (Level::INFO, token));
    assert_eq!(lines().iter().filter(|line| line.text("message") == "new master").count(), 0);

    let mut second = Role::start();
    let standbys = session(server.address(), T);
    let election = Election::builder(&path).address("h:2").role(&second.address);
    let _other = election.campaign(&standbys).await.unwrap();
    second.standby(StandbyReason::Outranked).await;
    let standby = says(&path, "became standby").await;
    assert_eq!((standby.level, standby.text("reason")), (Level::INFO, "outranked"));
    let new = says(&path, "new master").await;
    assert_eq!((new.level, new.text("master"), new.integer("token")), (Level::INFO, "h:1", token));

    LINES.lock().unwrap().clear();
    assert!(server.expire(id));
    let lost = line("lost", |line| line.text("message") == "session lost").await;
    assert_eq!((lost.level, lost.text("session")), (Level::WARN, format!("{id:#x}").as_str()));
    first.standby(StandbyReason::SessionLost).await;
    let ended = says(&path, "became standby").await;
    assert_eq!((ended.level, ended.text("reason")), (Level::WARN, "session_lost"));
    assert_eq!(ended.integer("token"), token);
    assert!(
        matches!(ended.fields.get("seconds"), Some(Value::Float(seconds)) if *seconds > 0.0),
        "{ended:?}"
    );
    soon(masters.close(), "closed").await;
    soon(standbys.close(), "closed").await;
}

#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn an_orderly_end_is_no_warning_and_a_problem_is_one_with_one_message() {
    let _turn = collect();
    let server = server().await;
    let path = path("orderly");
    let mut role = Role::start();
    let session = session(server.address(), T);
    let election = Election::builder(&path).role(&role.address).campaign(&session).await.unwrap();
    let token = role.master().await.token().as_i64();
    soon(election.withdraw(), "withdrawn").await;
    let ended = says(&path, "became standby").await;
    assert_eq!((ended.level, ended.integer("token")), (Level::INFO, token));

    let mut client = RawClient::connect(server.address(), T, None).await.unwrap();
    client.create(&path, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    election.campaign();
    let problem = says(&path, &path).await;
    assert_eq!(problem.level, Level::WARN);
    assert!(problem.text("message").contains("is not ephemeral"), "{problem:?}");
    soon(session.close(), "closed").await;
    let closed = line("closed", |line| line.text("message") == "session closed").await;
    assert_eq!(closed.level, Level::INFO);
}

#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn what_strangers_write_as_their_address_is_harmless_in_logs() {
    let _turn = collect();
    let server = server().await;
    let path = path("stranger");
    let mut client = RawClient::connect(server.address(), T, None).await.unwrap();
    let mut data = "\u{1b}[2J\n\u{202e}\u{2028}".to_owned();
    data.push_str(&"x".repeat(100_000));
    client.create(&path, data.as_bytes(), &Acl::open(), CreateMode::Ephemeral).await.unwrap();
    let mut role = Role::start();
    let session = session(server.address(), T);
    let _election = Election::builder(&path).role(&role.address).campaign(&session).await.unwrap();
    let told = role.standby(StandbyReason::Outranked).await;
    assert_eq!(told.master.unwrap().address, data, "the application is told what is there");
    let new = says(&path, "new master").await;
    let shown = new.text("master");
    assert!(shown.starts_with("\\u{1b}[2J\\n\\u{202e}\\u{2028}xxx") && shown.len() < 300, "{shown}");
    let standby = says(&path, "became standby").await;
    assert_eq!(standby.text("master"), shown);
    soon(session.close(), "closed").await;
}

/// As many as would fill a screen many times over.
const MANY: usize = 1_000;

#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn a_thousand_elections_that_change_together_are_a_line() {
    when_the_machine_runs(Duration::from_millis(100), async |_| {
        let _turn = collect();
        let server = server().await;
        let session = session(server.address(), T);
        let parent = path("thousand");
        let mut role = Role::start();
        let starts = (0..MANY).map(|number| {
            Election::builder(&format!("{parent}/{number}")).role(&role.address).campaign(&session)
        });
        let _elections = futures::future::try_join_all(starts).await.unwrap();
        for _ in 0..MANY {
            role.master().await;
        }
        counted("became master").await;

        LINES.lock().unwrap().clear();
        let id = *server.view().sessions.keys().next().unwrap();
        assert!(server.expire(id));
        counted("became standby").await;
        counted("became master").await;
        let lost =
            lines().into_iter().find(|line| line.text("message").starts_with("became standby")).unwrap();
        assert_eq!((lost.level, lost.text("reason")), (Level::WARN, "session_lost"));
        assert!(lost.text("first").starts_with(&parent));

        LINES.lock().unwrap().clear();
        soon(session.close(), "closed").await;
        // No need to wait: they were logged before the answer.
        let ended: i64 =
            lines().iter().filter(|line| line.text("message").starts_with("became standby")).map(of).sum();
        assert_eq!(ended, i64::try_from(MANY).unwrap());
        assert!(lines().len() < 20, "{:?}", lines());
    })
    .await;
}

/// Of how many elections a line is.
fn of(line: &Line) -> i64 {
    line.fields.get("elections").map_or(1, |_| line.integer("elections"))
}

/// Waits until all elections have been logged by this word. On a busy machine it may take more than one line.
async fn counted(word: &str) {
    let with_word = || lines().into_iter().filter(|line| line.text("message").starts_with(word));
    let all = i64::try_from(MANY).unwrap();
    until(word, async || with_word().map(|line| of(&line)).sum::<i64>() == all).await;
    assert!(with_word().count() < 10, "{:?}", with_word().collect::<Vec<_>>());
    assert!(lines().len() < 30, "{:?}", lines());
}

#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn another_session_timeout_than_the_one_asked_for_is_said_once_a_session() {
    let _turn = collect();
    let (least, most) = (Duration::from_secs(5), T);
    let server =
        TestServer::builder().min_session_timeout(least).max_session_timeout(most).start().await.unwrap();
    let count = |words: &str| lines().iter().filter(|line| line.text("message").starts_with(words)).count();
    for (asked, granted, expected) in [
        (least / 2, least, "asked for a session timeout of 2.5s, granted 5s because of the server's limits"),
        (most * 2, most, "asked for a session timeout of 40s, granted 20s because of the server's limits"),
        (most, most, ""),
    ] {
        LINES.lock().unwrap().clear();
        let session = session(server.address(), asked);
        let election = Election::builder(&path("granted")).observe(&session).await.unwrap();
        for connections in 1..=3 {
            until("a connection", async || count("session connected") == connections).await;
            if connections < 3 {
                server.cut();
            }
        }
        let status = election.status();
        assert_eq!((status.asked_timeout, status.granted_timeout), (asked, Some(granted)));
        assert_eq!(count("asked for"), usize::from(!expected.is_empty()), "{:?}", lines());
        if !expected.is_empty() {
            let line = line("granted", |line| line.text("message").starts_with("asked for")).await;
            assert_eq!((line.level, line.text("message")), (Level::INFO, expected));
        }
        soon(session.close(), "closed").await;
    }
}

/// `let _ = Election::builder(..)...` is a mistake that nobody sees otherwise.
#[actix::test]
#[allow(clippy::await_holding_lock, reason = "one test at a time, each with a runtime of its own")]
async fn an_election_that_nobody_holds_any_more_does_not_end_in_silence() {
    let _turn = collect();
    let server = server().await;
    let (path, watched) = (path("dropped"), path("unwatched"));
    let mut role = Role::start();
    let session = session(server.address(), T);
    let election = Election::builder(&path).role(&role.address).campaign(&session).await.unwrap();
    role.master().await;
    let clone = election.clone();
    drop(election);
    let observer = Election::builder(&watched).observe(&session).await.unwrap();
    drop(observer);
    let ended = says(&watched, "the election's last handle was dropped").await;
    assert_eq!(ended.level, Level::INFO);
    assert!(!lines().iter().any(|line| line.is_of(&path) && line.level == Level::WARN), "one is left");
    drop(clone);
    let ended = says(&path, "the election's last handle was dropped").await;
    assert_eq!(ended.level, Level::WARN);
    role.standby(StandbyReason::Resigned).await;

    // Where the session is closed before, that is as it should be.
    let closed = common::session(server.address(), T);
    let election = Election::builder(&path).role(&role.address).campaign(&closed).await.unwrap();
    role.master().await;
    LINES.lock().unwrap().clear();
    soon(closed.close(), "closed").await;
    drop((election, closed));
    role.standby(StandbyReason::Resigned).await;
    drop(session);
    let closed = line("closed", |line| line.text("message").starts_with("no handle to the session")).await;
    assert_eq!(closed.level, Level::INFO);
    assert!(!lines().iter().any(|line| line.text("message").contains("last handle")), "{:?}", lines());
}
