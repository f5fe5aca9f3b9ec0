//! What a server says of itself, in the words that tools parse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::faults::MemberId;
use super::shared::Shared;
use super::state::{Client, State};
use super::tree::WatchKind;

/// Where clients look for the version of the protocol's dialect.
const VERSION: &str = "3.8.0-zookeeper-testkit, built on 2022-02-25 00:00 UTC";
const WORDS: [&str; 12] =
    ["ruok", "srvr", "stat", "mntr", "cons", "dump", "wchs", "wchc", "wchp", "isro", "conf", "envi"];

/// Whether the first four bytes of a connection are one of the words.
pub(super) fn is_word(bytes: [u8; 4]) -> bool {
    WORDS.iter().any(|word| word.as_bytes() == bytes)
}

pub(super) fn answer(shared: &Shared, member: MemberId, word: [u8; 4]) -> String {
    let word = String::from_utf8_lossy(&word).into_owned();
    if shared.settings.words.as_ref().is_some_and(|words| !words.contains(&word)) {
        return format!("{word} is not executed because it is not in the whitelist.\n");
    }
    shared.read(|state| {
        let report = Report { shared, state, member };
        match word.as_str() {
            "ruok" => "imok".to_owned(),
            "conf" => report.configuration(),
            "envi" => format!("Environment:\nzookeeper.version={VERSION}\nhost.name=localhost\n"),
            "isro" => if state.members[member].out_of_service { "null" } else { "rw" }.to_owned(),
            _ if state.members[member].out_of_service => {
                "This ZooKeeper instance is not currently serving requests\n".to_owned()
            }
            "srvr" => format!("Zookeeper version: {VERSION}\n{}", report.server()),
            "stat" => report.stat(),
            "mntr" => report.monitor(shared.now()),
            "cons" => report.connections(),
            "dump" => report.dump(shared.now()),
            "wchs" => report.watch_summary(),
            "wchc" => report.watches_by_session(),
            _ => report.watches_by_path(),
        }
    })
}

/// The answers. Writing to a `String` does not fail.
struct Report<'a> {
    shared: &'a Shared,
    state: &'a State,
    member: MemberId,
}

impl Report<'_> {
    fn clients(&self) -> impl Iterator<Item = &Client> {
        self.state.clients.values().filter(|client| client.member == self.member)
    }

    fn mode(&self) -> &'static str {
        match (self.state.members.len(), self.member) {
            (1, _) => "standalone",
            (_, 0) => "leader",
            _ => "follower",
        }
    }

    /// The root counts twice in ZooKeeper, which also knows it as "".
    fn nodes(&self) -> usize {
        self.state.tree(self.member).len() + 1
    }

    fn outstanding(&self) -> usize {
        self.clients().map(|client| client.blocked.len()).sum()
    }

    fn server(&self) -> String {
        let figures = &self.state.members[self.member].figures;
        format!(
            "Latency min/avg/max: {}/{}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\nZxid: {:#x}\n\
             Mode: {}\nNode count: {}\n",
            figures.latency.least(),
            figures.latency.mean(),
            figures.latency.most(),
            figures.received,
            figures.sent,
            self.clients().count(),
            self.outstanding(),
            self.state.zxid(self.member),
            self.mode(),
            self.nodes(),
        )
    }

    fn stat(&self) -> String {
        let mut text = format!("Zookeeper version: {VERSION}\nClients:\n");
        for client in self.clients() {
            let _ = writeln!(text, "{})", connection_head(client));
        }
        format!("{text}\n{}", self.server())
    }

    fn connections(&self) -> String {
        let mut text = String::new();
        for client in self.clients() {
            text += &connection_head(client);
            if let Some(session) = client.session {
                let _ = write!(text, ",sid={session:#x},to={}", client.timeout.as_millis());
            }
            text += ")\n";
        }
        text + "\n"
    }

    /// The names are ZooKeeper's: of its figures, those that mean something here.
    fn monitor(&self, now: Duration) -> String {
        let (member, tree) = (&self.state.members[self.member], self.state.tree(self.member));
        let (figures, latency) = (&member.figures, &member.figures.latency);
        let ephemerals: usize = tree.ephemerals().values().map(BTreeSet::len).sum();
        let sessions = self.state.machine.sessions().count();
        let [last, least, most] = figures.reply.sizes();
        let mut text = String::new();
        let mut tell = |name: &str, value: &dyn Display| {
            let _ = writeln!(text, "zk_{name}\t{value}");
        };
        tell("version", &VERSION);
        tell("server_state", &self.mode());
        tell("ephemerals_count", &ephemerals);
        tell("num_alive_connections", &self.clients().count());
        tell("avg_latency", &latency.mean());
        tell("min_latency", &latency.least());
        tell("max_latency", &latency.most());
        tell("outstanding_requests", &self.outstanding());
        tell("znode_count", &self.nodes());
        tell("global_sessions", &sessions);
        tell("local_sessions", &0);
        tell("last_client_response_size", &last);
        tell("min_client_response_size", &least);
        tell("max_client_response_size", &most);
        tell("packets_sent", &figures.sent);
        tell("packets_received", &figures.received);
        tell("bytes_received_count", &figures.received_bytes);
        tell("watch_count", &member.watches.len());
        tell("approximate_data_size", &tree.data_size());
        tell("open_file_descriptor_count", &open_files());
        tell("max_file_descriptor_count", &most_open_files());
        tell("uptime", &now.saturating_sub(figures.since).as_millis());
        // An unknown scheme does not count, and of the known ones none fails.
        tell("auth_failed_count", &0);
        tell("connection_request_count", &figures.handshakes);
        tell("connection_rejected", &figures.rejected);
        tell("sessionless_connections_expired", &figures.sessionless);
        tell("stale_sessions_expired", &figures.expired);
        if self.state.members.len() > 1 {
            tell("quorum_size", &self.state.members.len());
        }
        if self.mode() == "leader" {
            let synced = self.state.members.iter().filter(|member| member.stale.is_none()).count();
            tell("learners", &(self.state.members.len() - 1));
            tell("synced_followers", &synced.saturating_sub(1));
            tell("synced_observers", &0);
            tell("pending_syncs", &0);
        }
        text
    }

    fn configuration(&self) -> String {
        let (settings, timing) = (&self.shared.settings, self.shared.settings.timing);
        format!(
            "clientPort={}\ntickTime={}\nmaxClientCnxns={}\nminSessionTimeout={}\nmaxSessionTimeout={}\nserverId=1\n\
             jute.maxbuffer={}\nsyncLimit={}\n",
            self.shared.addresses[self.member].port(),
            timing.tick.as_millis(),
            settings.max_client_connections,
            timing.min_session_timeout.as_millis(),
            timing.max_session_timeout.as_millis(),
            settings.max_frame,
            settings.sync_limit,
        )
    }

    fn dump(&self, now: Duration) -> String {
        let mut due = BTreeMap::<Duration, Vec<i64>>::new();
        for (id, _, expires) in self.state.machine.sessions() {
            due.entry(expires).or_default().push(id);
        }
        let count = self.state.machine.sessions().count();
        let mut text = format!("SessionTracker dump:\nSession Sets ({})/({count}):\n", due.len());
        for (expires, ids) in due {
            let _ = writeln!(text, "{} expire in {}ms:", ids.len(), expires.saturating_sub(now).as_millis());
            indent(&mut text, ids.iter().map(|id| format!("{id:#x}")));
        }
        let ephemerals = self.state.tree(self.member).ephemerals();
        let _ = writeln!(text, "ephemeral nodes dump:\nSessions with Ephemerals ({}):", ephemerals.len());
        for (id, paths) in ephemerals {
            let _ = writeln!(text, "{id:#x}:");
            indent(&mut text, paths);
        }
        let _ = writeln!(text, "Connections dump:\nConnections Sets (1)/({}):", self.clients().count());
        for client in self.clients() {
            let (ip, session) = (client.peer, client.session.unwrap_or(0));
            let _ = writeln!(text, "\tip: /{ip} sessionId: {session:#x}");
        }
        text
    }

    /// The watched paths of each session.
    fn watched(&self) -> BTreeMap<i64, Vec<&str>> {
        let mut sessions = BTreeMap::<i64, Vec<&str>>::new();
        for (path, ids) in self.watchers() {
            for id in ids {
                sessions.entry(id).or_default().push(path);
            }
        }
        sessions
    }

    /// The sessions that watch each path. ZooKeeper tells nobody who watches children.
    fn watchers(&self) -> BTreeMap<&str, BTreeSet<i64>> {
        let session = |id| self.state.clients.get(&id).and_then(|client| client.session);
        let by_path = self.state.members[self.member].watches.by_path(WatchKind::Data);
        by_path.map(|(path, ids)| (path, ids.filter_map(session).collect())).collect()
    }

    fn watch_summary(&self) -> String {
        let (sessions, paths) = (self.watched().len(), self.watchers().len());
        let total: usize = self.watchers().values().map(BTreeSet::len).sum();
        format!("{sessions} connections watching {paths} paths\nTotal watches:{total}\n")
    }

    fn watches_by_session(&self) -> String {
        let mut text = String::new();
        for (session, paths) in self.watched() {
            let _ = writeln!(text, "{session:#x}");
            indent(&mut text, paths);
        }
        text + "\n"
    }

    fn watches_by_path(&self) -> String {
        let mut text = String::new();
        for (path, sessions) in self.watchers() {
            let _ = writeln!(text, "{path}");
            indent(&mut text, sessions.iter().map(|session| format!("{session:#x}")));
        }
        text + "\n"
    }
}

/// How many files this process has open; -1 where the system does not tell.
fn open_files() -> i64 {
    // The folder that is looked into is one of them.
    let count = |entries: std::fs::ReadDir| i64::try_from(entries.count()).map_or(-1, |count| count - 1);
    std::fs::read_dir("/dev/fd").map_or(-1, count)
}

/// How many it may have open; -1 where there is no limit.
fn most_open_files() -> i64 {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1)
}

fn indent(text: &mut String, lines: impl IntoIterator<Item = impl Display>) {
    for line in lines {
        let _ = writeln!(text, "\t{line}");
    }
}

/// Without the bracket that closes it.
fn connection_head(client: &Client) -> String {
    let interested = u8::from(client.session.is_some());
    let (queued, received, sent) = (client.blocked.len(), client.received, client.sent);
    format!(" /{}[{interested}](queued={queued},recved={received},sent={sent}", client.peer)
}
