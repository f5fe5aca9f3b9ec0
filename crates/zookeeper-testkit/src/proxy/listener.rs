//! Admits clients, or does not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

use super::connection;
use super::shared::{Admission, Shared};
use crate::ports::loopback;

/// Before another attempt at something that the system refused.
const PAUSE: Duration = Duration::from_millis(10);
const BACKLOG: u32 = 1024;

/// Listens on `port` of loopback.
pub(super) fn bind(port: u16) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(loopback(port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until `stop` ends; its runtime, and with it all connections, is dropped then.
pub(super) async fn run(listener: std::net::TcpListener, shared: Arc<Shared>, stop: oneshot::Receiver<()>) {
    if let Ok(listener) = TcpListener::from_std(listener) {
        tokio::select! {
            _ = stop => {}
            () = admit(listener, &shared) => {}
        }
    }
    shared.stop();
}

enum Door {
    Open(TcpListener),
    /// Refusing. The socket is bound without listening, so that nobody else takes the port meanwhile; it is missing
    /// where the system did not give it.
    Closed(Option<TcpSocket>),
}

async fn admit(listener: TcpListener, shared: &Arc<Shared>) {
    let mut changes = shared.fault_changes();
    let mut door = Door::Open(listener);
    loop {
        changes.mark_unchanged();
        door = match (door, shared.refuses()) {
            (Door::Open(listener), true) => {
                drop(listener);
                Door::Closed(reserve(shared.address).ok())
            }
            (Door::Closed(socket), false) => match listen(socket, shared.address) {
                Ok(listener) => Door::Open(listener),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    Door::Closed(None)
                }
            },
            (unchanged, _) => unchanged,
        };
        shared.set_listening(matches!(door, Door::Open(_)));
        match &door {
            Door::Open(listener) => tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => receive(client, shared),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                _ = changes.changed() => {}
            },
            // Not open though it should be: another attempt.
            Door::Closed(_) if !shared.refuses() => {}
            // The sender lives in `shared`.
            Door::Closed(_) => drop(changes.changed().await),
        }
    }
}

fn receive(client: TcpStream, shared: &Arc<Shared>) {
    match shared.admission() {
        Admission::Proxy => drop(tokio::spawn(connection::proxy(client, shared.open(true)))),
        Admission::Silence => drop(tokio::spawn(connection::silence(client, shared.open(false)))),
        Admission::Close => {}
    }
}

fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
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
