//! One connection: frames are read at once, queued, judged at the front of the queue, and passed on.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep_until;

use super::fault::Direction;
use super::shared::{Admission, OpenConnection, Seen, Verdict};
use crate::wire::MAX_FRAME;

/// What is under way in one direction.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) arrived: Instant,
    /// Its number in its direction, from 0.
    pub(super) sequence: u64,
    pub(super) seen: Seen,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A whole frame, its length included; or some bytes of a four-letter word's exchange.
    Bytes(Vec<u8>),
    /// The side it comes from has closed.
    End,
    /// The side it comes from has reset the connection.
    Reset,
}

impl Item {
    pub(super) fn is_end(&self) -> bool {
        !matches!(self.content, Content::Bytes(_))
    }
}

/// Why a connection ends as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The server closed it, and the client has been told.
    Closed,
    Reset,
}

/// Moves frames between `client` and the server until one side ends or the connection is cut.
pub(super) async fn proxy(mut client: TcpStream, open: OpenConnection) {
    let mut server = None;
    let ending = tokio::select! {
        biased;
        () = open.cut.notified() => Ending::Reset,
        ending = forward(&mut client, &mut server, &open) => ending.unwrap_or(Ending::Reset),
    };
    if ending == Ending::Reset {
        reset(client);
        server.into_iter().for_each(reset);
    }
}

/// Takes what `client` sends and says nothing, until it goes, is cut, or the fault that silences it ends.
pub(super) async fn silence(mut client: TcpStream, open: OpenConnection) {
    let mut sink = tokio::io::sink();
    let mut changes = open.shared.fault_changes();
    let ended =
        async { while open.shared.admission() == Admission::Silence && changes.changed().await.is_ok() {} };
    tokio::select! {
        _ = tokio::io::copy(&mut client, &mut sink) => {}
        () = open.cut.notified() => {}
        () = ended => {}
    }
    reset(client);
}

/// Closes with RST.
fn reset(stream: TcpStream) {
    // Fails only for a connection that has been reset already.
    let _ = stream.set_zero_linger();
}

async fn forward(
    client: &mut TcpStream,
    server: &mut Option<TcpStream>,
    open: &OpenConnection,
) -> io::Result<Ending> {
    let server = server.insert(TcpStream::connect(open.shared.upstream).await?);
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (requests, queued_requests) = unbounded_channel();
    let (replies, queued_replies) = unbounded_channel();
    let raw = AtomicBool::new(false);
    let ended = tokio::try_join!(
        read(from_client, Direction::ToServer, open, &raw, requests),
        read(from_server, Direction::ToClient, open, &raw, replies),
        write(queued_requests, Direction::ToServer, open, to_server),
        write(queued_replies, Direction::ToClient, open, to_client),
    );
    Ok(ended.err().unwrap_or(Ending::Closed))
}

/// Queues what comes. The end of the stream is queued as well: who is cut off does not hear of it.
async fn read(
    stream: impl AsyncRead + Unpin,
    direction: Direction,
    open: &OpenConnection,
    raw: &AtomicBool,
    queue: UnboundedSender<Item>,
) -> Result<(), Ending> {
    let mut reader = BufReader::new(stream);
    let nothing = Seen { ticket: None, reply: None };
    for sequence in 0.. {
        let received = receive(&mut reader, raw).await;
        let arrived = Instant::now();
        let (seen, content) = match received {
            Ok(Some(bytes)) if raw.load(Ordering::Relaxed) => (nothing.clone(), Content::Bytes(bytes)),
            Ok(Some(bytes)) => {
                (open.shared.see(open.id, direction, sequence, &bytes[4..], arrived), Content::Bytes(bytes))
            }
            Ok(None) => (nothing.clone(), Content::End),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => (nothing.clone(), Content::End),
            Err(_) => (nothing.clone(), Content::Reset),
        };
        let item = Item { arrived, sequence, seen, content };
        let last = item.is_end();
        if queue.send(item).is_err() || last {
            break;
        }
    }
    Ok(())
}

/// The next frame with its length, or the next bytes in an exchange that does not consist of frames.
async fn receive(
    reader: &mut BufReader<impl AsyncRead + Unpin>,
    raw: &AtomicBool,
) -> io::Result<Option<Vec<u8>>> {
    let available = reader.fill_buf().await?.len();
    if available == 0 {
        return Ok(None);
    }
    if raw.load(Ordering::Relaxed) {
        let mut bytes = vec![0; available];
        reader.read_exact(&mut bytes).await?;
        return Ok(Some(bytes));
    }
    let mut bytes = vec![0; 4];
    reader.read_exact(&mut bytes).await?;
    let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    if length > MAX_FRAME {
        // The four letters of a word, read as a length.
        raw.store(true, Ordering::Relaxed);
        return Ok(Some(bytes));
    }
    bytes.resize(4 + length, 0);
    reader.read_exact(&mut bytes[4..]).await?;
    Ok(Some(bytes))
}

async fn write(
    mut queue: UnboundedReceiver<Item>,
    direction: Direction,
    open: &OpenConnection,
    mut stream: impl AsyncWrite + Unpin,
) -> Result<(), Ending> {
    let mut changes = open.shared.fault_changes();
    while let Some(item) = queue.recv().await {
        let single_bytes = loop {
            changes.mark_unchanged();
            match open.shared.judge(open.id, direction, &item) {
                Verdict::Deliver { single_bytes } => break Some(single_bytes),
                Verdict::Swallow => break None,
                Verdict::Cut => return Err(Ending::Reset),
                Verdict::Wait(None) => drop(changes.changed().await),
                Verdict::Wait(Some(due)) => tokio::select! {
                    _ = changes.changed() => {}
                    () = sleep_until(due.into()) => {}
                },
            }
        };
        let Some(single_bytes) = single_bytes else { continue };
        match item.content {
            // A failure to write shows at the reading end of the same socket, and takes its turn there.
            Content::Bytes(bytes) if single_bytes => drop(write_bytewise(&mut stream, &bytes).await),
            Content::Bytes(bytes) => drop(stream.write_all(&bytes).await),
            Content::Reset => return Err(Ending::Reset),
            Content::End => {
                let _ = stream.shutdown().await;
                // A server that has closed hears nothing more; a client may still be told something.
                return if direction == Direction::ToClient { Err(Ending::Closed) } else { Ok(()) };
            }
        }
    }
    Ok(())
}

async fn write_bytewise(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;

    /// What each write was.
    #[derive(Default)]
    struct Segments(Vec<Vec<u8>>);

    impl AsyncWrite for Segments {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn single_bytes_are_written_one_by_one() {
        let mut segments = Segments::default();
        write_bytewise(&mut segments, b"abc").await.unwrap();
        assert_eq!(segments.0, [b"a", b"b", b"c"]);
    }
}
