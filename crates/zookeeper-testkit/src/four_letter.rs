//! Four-letter words: what a server says of itself.
//!
//! Every function opens a connection, asks, reads to the end and closes; it needs no session. Each fails with a
//! [`FourLetterError`] within [`DEADLINE`], and is cancel safe: dropping the future closes the connection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::driver;

/// How long one question may take, from dialling to the end of the answer.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// How often a list of sessions is asked for that lacks some.
const DUMPS: u32 = 10;

/// Why a four-letter word has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FourLetterError {
    /// The server could not be reached, or broke the connection.
    #[error("`{word}` to {address}: {source}")]
    Io {
        /// The server asked.
        address: SocketAddr,
        /// The word sent.
        word: String,
        /// What went wrong.
        source: io::Error,
    },
    /// No complete answer within [`DEADLINE`]: the server is paused or unreachable.
    #[error("`{word}` to {address}: no answer within {DEADLINE:?}")]
    TimedOut {
        /// The server asked.
        address: SocketAddr,
        /// The word sent.
        word: String,
    },
    /// The server runs, but does not serve: it has no quorum, or is still starting.
    #[error("`{word}` to {address}: the server is not serving")]
    NotServing {
        /// The server asked.
        address: SocketAddr,
        /// The word sent.
        word: String,
    },
    /// The word is not in the server's `4lw.commands.whitelist`.
    #[error("`{word}` to {address}: not in the server's whitelist")]
    NotAllowed {
        /// The server asked.
        address: SocketAddr,
        /// The word sent.
        word: String,
    },
    /// The answer is not of the expected form.
    #[error("`{word}` to {address}: unexpected answer: {answer}")]
    Unexpected {
        /// The server asked.
        address: SocketAddr,
        /// The word sent.
        word: String,
        /// The whole answer.
        answer: String,
    },
}

/// What part a server plays in its ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Alone, without an ensemble.
    Standalone,
    /// Leads the ensemble.
    Leader,
    /// Follows the leader and votes.
    Follower,
    /// Follows the leader without a vote.
    Observer,
    /// Cut off from the quorum, answering reads only.
    ReadOnly,
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Standalone => "standalone",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::ReadOnly => "read-only",
        })
    }
}

/// A client connection, as the server's `cons` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The client's end.
    pub peer: String,
    /// Its session; `None` before the handshake, and for the connection that asks.
    pub session: Option<i64>,
    /// The session timeout that was granted.
    pub timeout: Option<Duration>,
    /// Packets received from the client.
    pub received: u64,
    /// Packets sent to the client.
    pub sent: u64,
}

/// Sends `word` to the server at `address` and returns its answer.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let answer = zookeeper_testkit::four_letter("127.0.0.1:2181".parse()?, "ruok").await?;
/// assert_eq!(answer, "imok");
/// # Ok(()) }
/// ```
pub async fn four_letter(address: SocketAddr, word: &str) -> Result<String, FourLetterError> {
    let owned = word.to_owned();
    match driver::run(async move { ask(address, &owned).await }).await {
        Ok(answer) => answer,
        Err(source) => Err(FourLetterError::Io { address, word: word.to_owned(), source }),
    }
}

/// As [`four_letter`], on the caller's runtime.
pub(crate) async fn ask(address: SocketAddr, word: &str) -> Result<String, FourLetterError> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(word.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let word = || word.to_owned();
    let answer = match timeout(DEADLINE, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(source)) => return Err(FourLetterError::Io { address, word: word(), source }),
        Err(_) => return Err(FourLetterError::TimedOut { address, word: word() }),
    };
    if answer.contains("not currently serving requests") {
        return Err(FourLetterError::NotServing { address, word: word() });
    }
    if answer.contains("is not in the whitelist") {
        return Err(FourLetterError::NotAllowed { address, word: word() });
    }
    Ok(answer)
}

/// The part that the server plays, from `srvr`.
pub async fn mode(address: SocketAddr) -> Result<Mode, FourLetterError> {
    let answer = four_letter(address, "srvr").await?;
    parsed(address, "srvr", answer, parse_mode)
}

/// As [`mode`], on the caller's runtime.
pub(crate) async fn ask_mode(address: SocketAddr) -> Result<Mode, FourLetterError> {
    let answer = ask(address, "srvr").await?;
    parsed(address, "srvr", answer, parse_mode)
}

/// The ids of all living sessions, from `dump`. The leader's or a standalone server's word counts; a follower may be
/// behind.
pub async fn sessions(address: SocketAddr) -> Result<BTreeSet<i64>, FourLetterError> {
    let mut attempt = 1;
    loop {
        let answer = four_letter(address, "dump").await?;
        // A session that is touched just then may be in neither of the places that the server looks at for its list.
        let is_whole = is_whole(&answer);
        let sessions = parsed(address, "dump", answer, parse_sessions)?;
        // Of a leader without a quorum the list stays short: it has given up sessions that it cannot end.
        if is_whole || attempt == DUMPS {
            return Ok(sessions);
        }
        attempt += 1;
    }
}

/// The sessions that end together unless they are touched, the next to end first, from `dump` of the leader or a
/// standalone server. Lacks those whose end has begun.
pub async fn expiries(address: SocketAddr) -> Result<Vec<BTreeSet<i64>>, FourLetterError> {
    let answer = four_letter(address, "dump").await?;
    parsed(address, "dump", answer, parse_expiries)
}

/// The ephemeral nodes of each session that has any, from `dump`.
pub async fn ephemerals(address: SocketAddr) -> Result<BTreeMap<i64, BTreeSet<String>>, FourLetterError> {
    let answer = four_letter(address, "dump").await?;
    parsed(address, "dump", answer, parse_ephemerals)
}

/// How many watches of nodes this server (not the ensemble) holds, from `wchs`. Watches of children are not counted.
pub async fn watch_count(address: SocketAddr) -> Result<usize, FourLetterError> {
    let answer = four_letter(address, "wchs").await?;
    parsed(address, "wchs", answer, parse_watch_count)
}

/// The sessions that watch each path at this server (not the ensemble), from `wchp`. Watches of children
/// are not told of.
pub async fn watches(address: SocketAddr) -> Result<BTreeMap<String, BTreeSet<i64>>, FourLetterError> {
    let answer = four_letter(address, "wchp").await?;
    parsed(address, "wchp", answer, |answer| Some(parse_watches(answer)))
}

/// The connections to this server, the asking one among them, from `cons`.
pub async fn connections(address: SocketAddr) -> Result<Vec<Connection>, FourLetterError> {
    let answer = four_letter(address, "cons").await?;
    parsed(address, "cons", answer, |answer| {
        // One that is just being closed has no address any more.
        let there = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("null[");
        answer.lines().filter(there).map(parse_connection).collect()
    })
}

/// The numbers and texts of `mntr` by name, such as `zk_znode_count`.
pub async fn monitor(address: SocketAddr) -> Result<BTreeMap<String, String>, FourLetterError> {
    let answer = four_letter(address, "mntr").await?;
    Ok(answer
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn parsed<T>(
    address: SocketAddr,
    word: &str,
    answer: String,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, FourLetterError> {
    match parse(&answer) {
        Some(value) => Ok(value),
        None => Err(FourLetterError::Unexpected { address, word: word.to_owned(), answer }),
    }
}

fn parse_mode(answer: &str) -> Option<Mode> {
    match answer.lines().find_map(|line| line.strip_prefix("Mode: "))?.trim() {
        "standalone" => Some(Mode::Standalone),
        "leader" => Some(Mode::Leader),
        "follower" => Some(Mode::Follower),
        "observer" => Some(Mode::Observer),
        "read-only" => Some(Mode::ReadOnly),
        _ => None,
    }
}

/// `0x10000abc` at the start of `text`. Ids of servers from 128 on are negative.
fn parse_id(text: &str) -> Option<i64> {
    let digits = text.trim().strip_prefix("0x")?;
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], 16).ok().map(u64::cast_signed)
}

fn parse_sessions(answer: &str) -> Option<BTreeSet<i64>> {
    let (sessions, _) = answer.split_once("ephemeral nodes dump:")?;
    Some(sessions.lines().filter_map(parse_id).collect())
}

fn parse_expiries(answer: &str) -> Option<Vec<BTreeSet<i64>>> {
    let (sessions, _) = answer.split_once("ephemeral nodes dump:")?;
    let mut expiries = Vec::new();
    for line in sessions.lines() {
        if line.contains(" expire at ") {
            expiries.push(BTreeSet::new());
        } else if let (Some(together), Some(id)) = (expiries.last_mut(), parse_id(line)) {
            together.insert(id);
        }
    }
    expiries.retain(|together| !together.is_empty());
    Some(expiries)
}

/// Whether as many sessions are listed as are said to be there.
fn is_whole(answer: &str) -> bool {
    let said = answer.lines().find_map(|line| {
        let (_, count) = line.strip_suffix("):")?.rsplit_once('(')?;
        count.parse::<usize>().ok()
    });
    said.is_none_or(|said| parse_sessions(answer).is_some_and(|listed| listed.len() >= said))
}

fn parse_ephemerals(answer: &str) -> Option<BTreeMap<i64, BTreeSet<String>>> {
    let (_, rest) = answer.split_once("ephemeral nodes dump:")?;
    let nodes = rest.split_once("Connections dump:").map_or(rest, |(nodes, _)| nodes);
    let mut ephemerals = BTreeMap::<i64, BTreeSet<String>>::new();
    let mut session = None;
    for line in nodes.lines() {
        if let Some(id) = parse_id(line) {
            session = Some(id);
        } else if let (Some(id), Some(path)) = (session, line.strip_prefix('\t')) {
            ephemerals.entry(id).or_default().insert(path.to_owned());
        }
    }
    Some(ephemerals)
}

fn parse_watch_count(answer: &str) -> Option<usize> {
    answer.lines().find_map(|line| line.strip_prefix("Total watches:"))?.trim().parse().ok()
}

fn parse_watches(answer: &str) -> BTreeMap<String, BTreeSet<i64>> {
    let mut watches = BTreeMap::<String, BTreeSet<i64>>::new();
    let mut path = None;
    for line in answer.lines() {
        if line.starts_with('/') {
            path = Some(line.to_owned());
        } else if let (Some(path), Some(id)) = (&path, parse_id(line)) {
            watches.entry(path.clone()).or_default().insert(id);
        }
    }
    watches
}

/// ` /127.0.0.1:46244[1](queued=0,recved=1,sent=0,sid=0x10..,to=4000,..)`
fn parse_connection(line: &str) -> Option<Connection> {
    let (peer, rest) = line.trim().strip_prefix('/')?.split_once('[')?;
    let (_, fields) = rest.split_once('(')?;
    let field = |name: &str| {
        fields.trim_end_matches(')').split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    Some(Connection {
        peer: peer.to_owned(),
        session: field("sid").and_then(parse_id),
        timeout: field("to").and_then(|ms| ms.parse().ok()).map(Duration::from_millis),
        received: field("recved")?.parse().ok()?,
        sent: field("sent")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "SessionTracker dump:\nSession Sets (2)/(2):\n0 expire at Mon:\n1 expire at Mon:\n\
        \t0x1000001\n\t0xff00000000000002\nephemeral nodes dump:\nSessions with Ephemerals (1):\n0x1000001:\n\
        \t/a\n\t/b c\nConnections dump:\nConnections Sets (1)/(1):\n1 expire at Mon:\n\
        \tip: /127.0.0.1:1 sessionId: 0x0\n";

    #[test]
    fn reads_a_dump() {
        assert_eq!(
            parse_sessions(DUMP),
            Some(BTreeSet::from([0x100_0001, 0xff00_0000_0000_0002_u64.cast_signed()]))
        );
        let together = DUMP.replace("\t0xff", "0 expire at Mon:\n2 expire at Mon:\n\t0x3\n\t0xff");
        let expiries = [vec![0x100_0001], vec![3, 0xff00_0000_0000_0002_u64.cast_signed()]];
        assert_eq!(parse_expiries(&together), Some(expiries.map(BTreeSet::from_iter).to_vec()));
        let nodes = BTreeSet::from(["/a".to_owned(), "/b c".to_owned()]);
        assert_eq!(parse_ephemerals(DUMP), Some(BTreeMap::from([(0x100_0001, nodes)])));
        assert_eq!(parse_sessions("nonsense"), None);
    }

    #[test]
    fn reads_a_follower_dump() {
        let dump = "SessionTracker dump:\nGlobal Sessions(1):\n0x2000\t4000ms\nephemeral nodes dump:\n";
        assert_eq!(parse_sessions(dump), Some(BTreeSet::from([0x2000])));
        assert!(is_whole(dump) && is_whole(DUMP));
        assert!(!is_whole(&dump.replace("(1)", "(2)")));
    }

    /// Answers with these, one a connection, the last for good.
    async fn server_that_says(answers: Vec<String>) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for said in 0.. {
                let (mut client, _) = listener.accept().await.unwrap();
                client.read_exact(&mut [0; 4]).await.unwrap();
                client.write_all(answers[said.min(answers.len() - 1)].as_bytes()).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn a_list_that_lacks_a_session_is_asked_for_again() {
        let short = DUMP.replace("\t0x1000001\n\t0xff", "\t0xff");
        let whole = parse_sessions(DUMP).unwrap();
        let server = server_that_says(vec![short.clone(), short.clone(), DUMP.to_owned()]).await;
        assert_eq!(sessions(server).await.unwrap(), whole);
        let server = server_that_says(vec![short.clone()]).await;
        assert_eq!(sessions(server).await.unwrap(), parse_sessions(&short).unwrap(), "it stays short");
    }

    #[test]
    fn reads_connections() {
        let line = " /127.0.0.1:46244[1](queued=0,recved=3,sent=2,sid=0x1a,lop=PING,est=1,to=4000,lcxid=0x1)";
        let connection = parse_connection(line).unwrap();
        assert_eq!(connection.peer, "127.0.0.1:46244");
        assert_eq!(connection.session, Some(0x1a));
        assert_eq!(connection.timeout, Some(Duration::from_secs(4)));
        assert_eq!((connection.received, connection.sent), (3, 2));
        let asking = parse_connection(" /127.0.0.1:46244[0](queued=0,recved=1,sent=0)").unwrap();
        assert_eq!(asking.session, None);
    }

    #[test]
    fn reads_watches_and_mode() {
        let watches = parse_watches("/a\n\t0x1\n\t0x2\n/b\n\t0x1\n");
        assert_eq!(watches["/a"], BTreeSet::from([1, 2]));
        assert_eq!(watches["/b"], BTreeSet::from([1]));
        assert_eq!(parse_watch_count("1 connections watching 2 paths\nTotal watches:3\n"), Some(3));
        assert_eq!(parse_mode("Zxid: 0x0\nMode: follower\nNode count: 5"), Some(Mode::Follower));
    }
}
