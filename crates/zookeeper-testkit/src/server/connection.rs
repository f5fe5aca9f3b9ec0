//! One connection: frames come in, are handed over, and what is queued for the client goes out.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::four_letter;
use super::shared::{Admission, OpenConnection, Shared, Verdict};
use super::state::{Outgoing, State};
use super::storage::Progress;
use crate::wire::frame;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// One side has closed it, or what came is no frame.
    Closed,
    Reset,
    /// It has asked one of these instead of shaking hands.
    Word([u8; 4]),
}

/// Serves a client until either side ends the connection.
pub(super) async fn serve(
    mut stream: TcpStream,
    open: OpenConnection,
    mut queue: UnboundedReceiver<Outgoing>,
) {
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    let (reading, writing) = stream.split();
    let ending = tokio::select! {
        ending = read(reading, &open) => ending.unwrap_or(Ending::Closed),
        ending = write(writing, &open, &mut queue) => ending.unwrap_or(Ending::Closed),
        () = without_session(&open) => Ending::Closed,
    };
    match ending {
        Ending::Closed => {}
        // Fails only for a connection that has been reset already.
        Ending::Reset => drop(stream.set_zero_linger()),
        Ending::Word(word) => {
            let answer = four_letter::answer(&open.shared, open.member, word);
            let mut disk = Disk::of(&open.shared);
            if !disk.has(open.shared.read(State::records)).await {
                return;
            }
            // One who does not wait for the answer does not get it.
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
}

/// Takes what a client sends and says nothing, until it goes or the fault that silences it ends.
pub(super) async fn silence(mut stream: TcpStream, member: usize, shared: Arc<Shared>) {
    let mut sink = tokio::io::sink();
    let mut changes = shared.fault_changes();
    let ended =
        async { while shared.admission(member) == Admission::Silence && changes.changed().await.is_ok() {} };
    tokio::select! {
        _ = tokio::io::copy(&mut stream, &mut sink) => {}
        () = ended => {}
    }
    // Fails only for a connection that has been reset already.
    let _ = stream.set_zero_linger();
}

/// Returns if there is still no session when there should be one.
async fn without_session(OpenConnection { id, member, shared, .. }: &OpenConnection) {
    tokio::time::sleep(shared.settings.handshake_limit).await;
    paused(shared).await;
    if shared.read(|state| state.clients.get(id).is_some_and(|client| client.session.is_some())) {
        std::future::pending::<()>().await;
    }
    tracing::info!("closed connection {id}: it has opened no session");
    shared.change(|state, _| state.members[*member].figures.sessionless += 1);
}

async fn read(stream: ReadHalf<'_>, open: &OpenConnection) -> io::Result<Ending> {
    let OpenConnection { id, member, shared, .. } = open;
    let mut reader = BufReader::new(stream);
    let mut first = true;
    loop {
        let mut length = [0; 4];
        reader.read_exact(&mut length).await?;
        paused(shared).await;
        if first && four_letter::is_word(length) {
            return Ok(Ending::Word(length));
        }
        if shared.read(|state| state.members[*member].out_of_service) {
            return Ok(Ending::Closed);
        }
        // A negative length is a very large one here.
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > shared.settings.max_frame {
            tracing::info!("closed connection {id}: its next frame would have {length} bytes");
            return Ok(Ending::Closed);
        }
        let mut body = Vec::new();
        // Only what has come takes memory, whatever the length says.
        if (&mut reader).take(length as u64).read_to_end(&mut body).await? < length {
            return Ok(Ending::Closed);
        }
        room(open).await;
        paused(shared).await;
        shared.change(|state, now| state.receive(now, *id, body));
        first = false;
    }
}

/// Returns once the client has taken enough of what it is sent to be asked by it again. Until then nothing more is read.
async fn room(OpenConnection { id, shared, drained, .. }: &OpenConnection) {
    while shared.read(|state| state.is_full(*id)) {
        drained.notified().await;
    }
}

/// Returns once the server does not stand still.
async fn paused(shared: &Shared) {
    let mut changes = shared.fault_changes();
    // The sender lives in `shared`.
    while shared.read(|state| state.is_paused()) && changes.changed().await.is_ok() {}
}

/// What is on the disk, as one connection knows it.
struct Disk(Option<watch::Receiver<Progress>>);

impl Disk {
    fn of(shared: &Shared) -> Self {
        Self(shared.progress())
    }

    /// Waits for so many records to be on the disk. `false` where they never will be.
    async fn has(&mut self, records: u64) -> bool {
        let Some(progress) = &mut self.0 else { return true };
        let settled = |progress: &Progress| progress.durable >= records || progress.failed.is_some();
        // It fails where the thread that writes has ended.
        progress.wait_for(settled).await.is_ok_and(|progress| progress.durable >= records)
    }
}

async fn write(
    mut stream: WriteHalf<'_>,
    OpenConnection { id, shared, kicked, .. }: &OpenConnection,
    queue: &mut UnboundedReceiver<Outgoing>,
) -> io::Result<Ending> {
    let mut changes = shared.fault_changes();
    let mut disk = Disk::of(shared);
    while let Some(outgoing) = queue.recv().await {
        if let Outgoing::Frame { records, .. } = &outgoing
            && !disk.has(*records).await
        {
            return Ok(Ending::Closed);
        }
        let deliver = loop {
            changes.mark_unchanged();
            let due = match shared.judge(*id, &outgoing) {
                Verdict::Deliver => break true,
                Verdict::Swallow => break false,
                Verdict::Cut => return Ok(Ending::Reset),
                Verdict::Wait(due) => due,
            };
            let over = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = over => {}
                () = kicked.notified() => return Ok(Ending::Closed),
            }
        };
        let Outgoing::Frame { bytes, .. } = outgoing else { break };
        if deliver {
            tokio::select! {
                biased;
                written = async { stream.write_all(&frame(&bytes)).await } => written?,
                // Only where the client does not take what it is sent.
                () = kicked.notified() => break,
            }
        }
        shared.sent(*id, bytes.len());
    }
    stream.shutdown().await?;
    Ok(Ending::Closed)
}
