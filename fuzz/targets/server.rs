//! The whole server: whatever bytes one client sends, another one is served, and nothing is left behind.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zookeeper_testkit::TestServer;
use zookeeper_testkit::wire::{Acl, ConnectRequest, Encoder, RawClient, frame};

/// Far beyond what anything here takes.
const DEADLINE: Duration = Duration::from_secs(15);

/// What the attacker sends.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Whether a session is opened first.
    with_session: bool,
    pieces: Vec<Piece<'a>>,
}

/// From no order at all to a request.
#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Raw(&'a [u8]),
    Frame(&'a [u8]),
    Request { xid: i8, op: i8, body: Body<'a> },
    Multi { xid: i8, parts: Vec<(Part, Body<'a>)>, end: bool },
}

/// What may follow a header, whether it fits or not.
#[derive(Arbitrary, Debug)]
enum Body<'a> {
    Bytes(&'a [u8]),
    Path { path: Path, rest: &'a [u8] },
    Versioned { path: Path, version: i8 },
    Data { path: Path, data: &'a [u8], version: i8 },
    Create { path: Path, data: &'a [u8], permissions: u8, flags: i8 },
    Watches { since: i8, paths: [Vec<Path>; 3] },
}

#[derive(Arbitrary, Debug)]
enum Path {
    Root,
    A,
    InA,
    Special,
}

/// What stands in a multi.
#[derive(Arbitrary, Debug)]
enum Part {
    Create,
    Delete,
    SetData,
    Check,
    Other(i8),
}

impl Input<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.with_session {
            let (last_zxid, session_id) = (0, 0);
            let password = vec![0; 16];
            let request =
                ConnectRequest { last_zxid, timeout: DEADLINE, session_id, password, read_only: Some(false) };
            bytes.extend(frame(&request.encode()));
        }
        self.pieces.iter().for_each(|piece| bytes.extend(piece.bytes()));
        bytes
    }
}

impl Piece<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Piece::Raw(raw) => raw.to_vec(),
            Piece::Frame(body) => frame(body),
            Piece::Request { xid, op, body } => frame(&[header(*xid, *op), body.bytes()].concat()),
            Piece::Multi { xid, parts, end } => {
                let mut bytes = header(*xid, 14);
                for (part, body) in parts {
                    bytes.extend(multi_header(part.number(), false));
                    bytes.extend(body.bytes());
                }
                if *end {
                    bytes.extend(multi_header(-1, true));
                }
                frame(&bytes)
            }
        }
    }
}

impl Body<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut body = Encoder::new();
        match self {
            Body::Bytes(bytes) => return bytes.to_vec(),
            Body::Path { path, rest } => {
                body.string(path.text());
                return [&body.finish(), *rest].concat();
            }
            Body::Versioned { path, version } => {
                body.string(path.text()).int((*version).into());
            }
            Body::Data { path, data, version } => {
                body.string(path.text()).buffer(data).int((*version).into());
            }
            Body::Create { path, data, permissions, flags } => {
                let acl = Acl {
                    permissions: (*permissions).into(),
                    scheme: "world".to_owned(),
                    id: "anyone".to_owned(),
                };
                body.string(path.text()).buffer(data);
                Acl::encode_all(&[acl], &mut body);
                body.int((*flags).into());
            }
            Body::Watches { since, paths } => {
                body.long((*since).into());
                for paths in paths {
                    body.vector(paths.iter(), |body, path| {
                        body.string(path.text());
                    });
                }
            }
        }
        body.finish()
    }
}

impl Path {
    fn text(&self) -> &'static str {
        match self {
            Path::Root => "/",
            Path::A => "/a",
            Path::InA => "/a/b",
            Path::Special => "/zookeeper/quota",
        }
    }
}

impl Part {
    fn number(&self) -> i8 {
        match self {
            Part::Create => 1,
            Part::Delete => 2,
            Part::SetData => 5,
            Part::Check => 13,
            Part::Other(number) => *number,
        }
    }
}

fn header(xid: i8, op: i8) -> Vec<u8> {
    let mut header = Encoder::new();
    header.int(xid.into()).int(op.into());
    header.finish()
}

fn multi_header(op: i8, end: bool) -> Vec<u8> {
    let mut header = Encoder::new();
    header.int(op.into()).bool(end).int(-1);
    header.finish()
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
static SERVER: LazyLock<TestServer> =
    LazyLock::new(|| RUNTIME.block_on(TestServer::start()).expect("a server"));

fuzz_target!(|input: Input<'_>| -> Corpus { RUNTIME.block_on(attack(&input.bytes(), &SERVER)) });

async fn attack(bytes: &[u8], server: &TestServer) -> Corpus {
    let mut witness = RawClient::connect(server.address(), DEADLINE, None).await.expect("a session");
    let id = witness.session_id();
    // Whoever names another's session may throw him out, with ZooKeeper, too: not what is asked here.
    if bytes.windows(8).any(|window| window == id.to_be_bytes()) {
        server.restart_wiped();
        return Corpus::Reject;
    }
    let mut attacker = TcpStream::connect(server.address()).await.expect("a connection");
    // Where the server has closed by now, it need not hear the rest.
    let _ = attacker.write_all(bytes).await;
    let _ = attacker.shutdown().await;
    let mut answers = Vec::new();
    // A reset is an end, too.
    let _ =
        timeout(DEADLINE, attacker.read_to_end(&mut answers)).await.expect("the server ends the connection");

    witness.ping().await.expect("the witness is served");
    assert!(witness.exists("/").await.expect("the witness is served").is_some());
    server.wait_for(DEADLINE, |view| view.connections == 1).await.expect("the attacker is forgotten");
    let view = server.view();
    assert!(view.sessions.contains_key(&id) && view.connected.iter().eq([&id]), "{view:?}");
    assert!(view.ephemerals.keys().all(|session| view.sessions.contains_key(session)), "{view:?}");
    assert_eq!((view.watches, view.waiting), (0, 0), "{view:?}");
    assert!(view.nodes >= 4, "{view:?}");
    server.restart_wiped();
    Corpus::Keep
}
