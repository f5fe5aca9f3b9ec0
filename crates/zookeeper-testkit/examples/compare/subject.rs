//! The servers that are compared.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zookeeper_testkit::{Ensemble, TestServer};

use super::Outcome;

/// The argument that makes this program the server.
pub(crate) const SERVE: &str = "serve";
/// Longer than a run takes: nobody has to ping.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(600);

pub(crate) enum Subject {
    /// The in-process server in a process of its own, which ends with its input.
    InProcess(Child, SocketAddr),
    Real(Ensemble),
}

impl Subject {
    /// With a folder it keeps its data there.
    pub(crate) fn in_process(data: Option<&Path>) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(SERVE).args(data).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Self::InProcess(child, address.trim().parse()?))
    }

    pub(crate) async fn real(force_sync: bool) -> Outcome<Self> {
        let builder = Ensemble::builder().max_session_timeout(SESSION_TIMEOUT).force_sync(force_sync);
        Ok(Self::Real(builder.start().await?))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::InProcess(_, address) => *address,
            Self::Real(ensemble) => ensemble.server(0).address(),
        }
    }

    /// How much memory its process occupies, in bytes.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let process = match self {
            Self::InProcess(child, _) => child.id(),
            Self::Real(ensemble) => ensemble.server(0).process_id().ok_or("the server is gone")?,
        };
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(1024.0 * kibibytes)
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
pub(crate) async fn serve(data: Option<&OsStr>) -> Outcome<()> {
    let mut builder = TestServer::builder().max_session_timeout(SESSION_TIMEOUT).max_client_connections(0);
    if let Some(data) = data {
        builder = builder.data(data);
    }
    let server = builder.start().await?;
    println!("{}", server.address());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
