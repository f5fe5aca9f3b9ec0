//! The signals by which a process is asked to end.

use std::io;

/// Waits until this process is asked to end: by SIGTERM, SIGINT (ctrl-c), SIGQUIT or SIGHUP. Then close the session, which
/// hands over in order.
///
/// From the first poll on, these signals do not kill the process by themselves. SIGHUP is left alone where the process was
/// started with it ignored, as by `nohup`. On other systems than Unix it waits for ctrl-c.
///
/// ```no_run
/// # async fn example(session: actix_election::Session) -> std::io::Result<()> {
/// actix_election::shutdown_signal().await?;
/// session.close().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the operating system refuses to deliver signals: file descriptors are used up, most likely.
///
/// # Panics
///
/// Outside of a tokio runtime that has I/O enabled.
///
/// # Cancel safety
///
/// Cancel safe, but the signals go on not to kill.
pub async fn shutdown_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        unix::any_signal().await
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await
    }
}

#[cfg(unix)]
mod unix {
    use std::io;

    use futures::future::{OptionFuture, pending};
    use tokio::signal::unix::{SignalKind, signal};

    pub(super) async fn any_signal() -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut quit = signal(SignalKind::quit())?;
        let hangup = SignalKind::hangup();
        let mut hangup = if is_ignored(hangup) { None } else { Some(signal(hangup)?) };
        let hung_up = async {
            if OptionFuture::from(hangup.as_mut().map(|hangup| hangup.recv())).await.is_none() {
                pending().await
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            () = hung_up => {}
        }
        Ok(())
    }

    /// Whether this process was started with the signal ignored; where that cannot be known, it was not.
    fn is_ignored(signal: SignalKind) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (signal.as_raw_value() - 1)) != 0)
    }
}
