//! The servers, in processes of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use zookeeper_testkit::{Ensemble, TestServer, four_letter};

use super::{Outcome, SESSION_TIMEOUT};

/// The argument that makes this program the server.
pub(crate) const SERVE: &str = "serve";

pub(crate) enum Subject {
    /// The in-process server in a process of its own, which ends with its input.
    InProcess(Child, SocketAddr),
    Real(Ensemble),
}

impl Subject {
    pub(crate) fn in_process() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Self::InProcess(child, address.trim().parse()?))
    }

    pub(crate) async fn real() -> Outcome<Self> {
        let builder = Ensemble::builder().servers(3).max_session_timeout(SESSION_TIMEOUT).force_sync(false);
        Ok(Self::Real(builder.start().await?))
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::InProcess(_, address) => vec![*address],
            Self::Real(ensemble) => ensemble.servers().iter().map(|server| server.address()).collect(),
        }
    }

    pub(crate) fn connect_string(&self) -> String {
        let addresses: Vec<_> = self.addresses().iter().map(SocketAddr::to_string).collect();
        addresses.join(",")
    }

    /// How many packets of clients the servers have received.
    pub(crate) async fn packets(&self) -> Outcome<f64> {
        let mut received = 0.0;
        for address in self.addresses() {
            let counters = four_letter::monitor(address).await?;
            received +=
                counters.get("zk_packets_received").ok_or("no zk_packets_received")?.parse::<f64>()?;
        }
        Ok(received)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Self::InProcess(child, _) = self {
            // Both fail only for a process that has been reaped already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Serves until the input ends.
pub(crate) async fn serve() -> Outcome<()> {
    let server = TestServer::start().await?;
    println!("{}", server.address());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
