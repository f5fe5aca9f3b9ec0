//! The raw floor of a handover: one connection deletes a znode, another that watches it hears of it, and may create it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use zookeeper_testkit::wire::{
    Acl, ConnectRequest, Decoder, Encoder, OpCode, ReplyHeader, frame, read_frame,
};

use super::Outcome;

const PATH: &str = "/floor";
const XID: i32 = 1;

/// Two connections, of which one has the znode.
pub(crate) struct Floor {
    master: Connection,
    standby: Connection,
}

impl Floor {
    pub(crate) async fn open(addresses: &[SocketAddr]) -> Outcome<Self> {
        let mut master = Connection::open(addresses[0]).await?;
        let standby = Connection::open(addresses[addresses.len() - 1]).await?;
        master.create().await?;
        Ok(Floor { master, standby })
    }

    /// The times from the delete to the watch event, and to the reply to the create that follows.
    pub(crate) async fn round(&mut self) -> Outcome<(Duration, Duration)> {
        while self.standby.exists().await?.is_some() {}
        let started = Instant::now();
        self.master
            .send(OpCode::Delete, |body| {
                body.string(PATH).int(-1);
            })
            .await?;
        while self.standby.next().await? != -1 {}
        let event = started.elapsed();
        self.standby.create().await?;
        let created = started.elapsed();
        while self.master.next().await? != XID {}
        std::mem::swap(&mut self.master, &mut self.standby);
        Ok((event, created))
    }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(server: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let request = ConnectRequest {
            last_zxid: 0,
            timeout: super::SESSION_TIMEOUT,
            session_id: 0,
            password: vec![0; 16],
            read_only: Some(false),
        };
        stream.write_all(&frame(&request.encode())).await?;
        read_frame(&mut stream).await?.ok_or("closed instead of a session")?;
        Ok(Connection(stream))
    }

    async fn send(&mut self, op: OpCode, fill: impl FnOnce(&mut Encoder)) -> Outcome<()> {
        let mut body = Encoder::new();
        body.int(XID).int(op.number());
        fill(&mut body);
        Ok(self.0.write_all(&frame(&body.finish())).await?)
    }

    /// The xid of the next frame.
    async fn next(&mut self) -> Outcome<i32> {
        let reply = read_frame(&mut self.0).await?.ok_or("closed instead of a reply")?;
        Ok(ReplyHeader::decode(&mut Decoder::new(&reply))?.xid)
    }

    async fn create(&mut self) -> Outcome<()> {
        self.send(OpCode::Create, |body| {
            body.string(PATH).buffer(b"127.0.0.1:8080");
            Acl::encode_all(&Acl::open(), body);
            body.int(1);
        })
        .await?;
        while self.next().await? != XID {}
        Ok(())
    }

    /// Arms the watch; `None` once the znode is there.
    async fn exists(&mut self) -> Outcome<Option<()>> {
        self.send(OpCode::Exists, |body| {
            body.string(PATH).bool(true);
        })
        .await?;
        loop {
            let reply = read_frame(&mut self.0).await?.ok_or("closed instead of a reply")?;
            let header = ReplyHeader::decode(&mut Decoder::new(&reply))?;
            if header.xid == XID {
                return Ok(header.error.map(|_| ()));
            }
        }
    }
}
