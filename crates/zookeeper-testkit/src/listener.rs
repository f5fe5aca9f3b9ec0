//! Admits clients, or does not.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// Before another attempt at something that the system refused.
const PAUSE: Duration = Duration::from_millis(10);
const BACKLOG: u32 = 1024;

/// Whoever decides about clients.
pub(crate) trait Doorkeeper {
    /// Where they knock.
    fn address(&self) -> SocketAddr;

    /// Notified when [`refuses`](Self::refuses) may have changed.
    fn changes(&self) -> watch::Receiver<()>;

    /// Whether they are refused, as where nobody listens.
    fn refuses(&self) -> bool;

    /// The listener has opened or closed.
    fn set_listening(&self, listening: bool);

    /// One has come.
    fn receive(&self, client: TcpStream, from: SocketAddr);
}

/// Listens on `address`.
pub(crate) fn bind(address: SocketAddr) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

enum Door {
    Open(TcpListener),
    /// Refusing. The socket is bound without listening, so that nobody else takes the port meanwhile; it is missing
    /// where the system did not give it.
    Closed(Option<TcpSocket>),
}

/// Admits clients for ever. Fails only where the listener cannot be waited for.
pub(crate) async fn admit(listener: std::net::TcpListener, keeper: &impl Doorkeeper) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut changes = keeper.changes();
    let mut door = Door::Open(listener);
    loop {
        changes.mark_unchanged();
        door = match (door, keeper.refuses()) {
            (Door::Open(listener), true) => {
                drop(listener);
                Door::Closed(reserve(keeper.address()).ok())
            }
            (Door::Closed(socket), false) => match listen(socket, keeper.address()) {
                Ok(listener) => Door::Open(listener),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    Door::Closed(None)
                }
            },
            (unchanged, _) => unchanged,
        };
        keeper.set_listening(matches!(door, Door::Open(_)));
        match &door {
            Door::Open(listener) => tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, from)) => keeper.receive(client, from),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                _ = changes.changed() => {}
            },
            // Not open though it should be: another attempt.
            Door::Closed(_) if !keeper.refuses() => {}
            // The sender lives in the keeper.
            Door::Closed(_) => drop(changes.changed().await),
        }
    }
}

fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(socket: Option<TcpSocket>, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match socket {
        Some(socket) => socket,
        None => reserve(address)?,
    };
    socket.listen(BACKLOG)
}
