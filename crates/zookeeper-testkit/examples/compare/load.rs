//! The client: it writes requests without waiting for the replies to those before, up to a window.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use zookeeper_testkit::wire::{
    Acl, Decoder, Encoder, OpCode, ReplyHeader, open_session, read_frame, request_frame,
};

use super::Outcome;
use super::subject::SESSION_TIMEOUT;

/// Requests under way at most; half of that at least.
const WINDOW: usize = 256;
const DATA: [u8; 100] = [b'x'; 100];

/// A session's connection.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> Outcome<Self> {
        Ok(Self(BufReader::new(open_session(server, SESSION_TIMEOUT).await?)))
    }

    /// Sends all requests and takes all replies, none of which may be an error.
    async fn pipeline(&mut self, requests: &[Vec<u8>]) -> Outcome<()> {
        let mut chunks = requests.chunks(WINDOW / 2);
        let mut waiting = 0;
        for chunk in chunks.by_ref().take(1) {
            waiting += self.write(chunk).await?;
        }
        while waiting > 0 {
            let sent = match chunks.next() {
                Some(chunk) => self.write(chunk).await?,
                None => 0,
            };
            for _ in 0..waiting {
                self.reply().await?;
            }
            waiting = sent;
        }
        Ok(())
    }

    async fn write(&mut self, chunk: &[Vec<u8>]) -> Outcome<usize> {
        self.0.write_all(&chunk.concat()).await?;
        Ok(chunk.len())
    }

    async fn reply(&mut self) -> Outcome<()> {
        let reply = read_frame(&mut self.0).await?.ok_or("closed instead of a reply")?;
        match ReplyHeader::decode(&mut Decoder::new(&reply))?.error {
            None => Ok(()),
            Some(error) => Err(format!("refused: {error}").into()),
        }
    }
}

/// Creates per second: each connection has a parent of its own in each round.
pub(crate) async fn create_all(
    server: SocketAddr,
    round: usize,
    connections: usize,
    each: usize,
) -> Outcome<f64> {
    let create = |path: &str| {
        let mut body = Encoder::new();
        body.string(path).buffer(&DATA);
        Acl::encode_all(&Acl::open(), &mut body);
        body.int(0);
        request(OpCode::Create, body)
    };
    let parents: Vec<_> = (0..connections).map(|connection| create(&parent(round, connection))).collect();
    Connection::open(server).await?.pipeline(&parents).await?;
    run(server, connections, |connection| {
        (0..each).map(|index| create(&path(round, connection, index))).collect()
    })
    .await
}

/// Reads per second, of what the same round has created.
pub(crate) async fn read_all(
    server: SocketAddr,
    round: usize,
    connections: usize,
    each: usize,
) -> Outcome<f64> {
    let read = |path: &str| {
        let mut body = Encoder::new();
        body.string(path).bool(false);
        request(OpCode::GetData, body)
    };
    run(server, connections, |connection| {
        (0..each).map(|index| read(&path(round, connection, index))).collect()
    })
    .await
}

async fn run(
    server: SocketAddr,
    connections: usize,
    requests: impl Fn(usize) -> Vec<Vec<u8>>,
) -> Outcome<f64> {
    let mut prepared = Vec::new();
    let mut total = 0;
    for connection in 0..connections {
        let requests = requests(connection);
        total += requests.len();
        prepared.push((Connection::open(server).await?, requests));
    }
    let started = Instant::now();
    let spawn = |(mut connection, requests): (Connection, Vec<Vec<u8>>)| {
        tokio::spawn(async move { connection.pipeline(&requests).await })
    };
    let running: Vec<_> = prepared.into_iter().map(spawn).collect();
    for connection in running {
        connection.await??;
    }
    Ok(total as f64 / started.elapsed().as_secs_f64())
}

fn request(op: OpCode, body: Encoder) -> Vec<u8> {
    // Replies come in order: the number does not matter.
    request_frame(1, op, |request| _ = request.raw(&body.finish()))
}

fn parent(round: usize, connection: usize) -> String {
    format!("/round-{round}-{connection}")
}

fn path(round: usize, connection: usize, index: usize) -> String {
    format!("{}/node-{index}", parent(round, connection))
}
